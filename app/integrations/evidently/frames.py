"""Parquet, CSV and JSON Lines as data frames. Untrusted bytes: sizes are checked before reading.

Runs in the measuring process only. A file's format is what its bytes are, never its name.
"""

import csv
from collections import Counter
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

MOST_BYTES: Final = 4 * 2**30
"""Of a data set once it is unpacked."""
MOST_COLUMNS: Final = 5_000
_MAGIC: Final = b"PAR1"
_HEAD: Final = 1 << 16


class Unreadable(ValueError):  # noqa: N818 - what the file is
    """A data set that cannot be read; the message says why and what to send."""


class DataSet:
    """One data set on disk; JSON Lines, whose columns stand in every row, are read once."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._rows: pd.DataFrame | None = None

    def columns(self) -> list[str]:
        """The names of the columns; of Parquet and CSV without reading the rows."""
        try:
            found = self._columns()
        except (ValueError, OSError, pa.ArrowException, csv.Error) as error:
            raise _unreadable(self._name, error) from error
        if len(found) > MOST_COLUMNS:
            detail = f"has {len(found):,} columns; at most {MOST_COLUMNS:,} are read."
            raise Unreadable(f"{self._name} {detail}")
        twice = sorted(column for column, times in Counter(found).items() if times > 1)
        if twice:
            detail = f"has two columns called {twice[0]!r}; rename one of them."
            raise Unreadable(f"{self._name} {detail}")
        return found

    def frame(self, wanted: Collection[str]) -> pd.DataFrame:
        """The wanted columns that are there."""
        try:
            found = self._frame(set(wanted))
        except (ValueError, OSError, pa.ArrowException, OverflowError) as error:
            raise _unreadable(self._name, error) from error
        except MemoryError:
            detail = "does not fit into this worker's memory; send a sample."
            raise Unreadable(f"{self._name} {detail}") from None
        if found.empty:
            raise Unreadable(f"{self._name} has no rows.")
        return found

    @cached_property
    def _kind(self) -> str:
        with self._path.open("rb") as file:
            head = file.read(_HEAD)
        if head.startswith(_MAGIC):
            return "parquet"
        if b"\x00" in head:
            raise Unreadable("is neither Parquet nor text.")
        return "jsonl" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "csv"

    def _columns(self) -> list[str]:
        if self._kind == "parquet":
            about = pq.ParquetFile(self._path)
            groups = range(about.num_row_groups)
            size = sum(about.metadata.row_group(i).total_byte_size for i in groups)
            if size > MOST_BYTES:
                raise Unreadable(f"unpacks to {size:,} bytes; at most {MOST_BYTES:,} are read.")
            return list(about.schema_arrow.names)
        if self._kind == "jsonl":
            self._rows = _json_lines(self._path)
            return [str(column) for column in self._rows.columns]
        with self._path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])

    def _frame(self, wanted: set[str]) -> pd.DataFrame:
        if self._kind == "parquet":
            about = pq.ParquetFile(self._path)
            kept = [column for column in about.schema_arrow.names if column in wanted]
            return about.read(columns=kept).to_pandas()
        if self._kind == "jsonl":
            found, self._rows = self._rows, None
            found = _json_lines(self._path) if found is None else found
            return found[[column for column in found.columns if column in wanted]]
        return pd.read_csv(
            self._path, usecols=lambda column: column in wanted, encoding="utf-8-sig"
        )


def _unreadable(name: str, error: Exception) -> Unreadable:
    if isinstance(error, Unreadable):
        return Unreadable(f"{name} {error}")
    said = str(error).split("\n", 1)[0][:200]
    return Unreadable(f"{name} is not readable as Parquet, CSV or JSON Lines: {said}.")


def _json_lines(path: Path) -> pd.DataFrame:
    # Texts that look like dates or numbers stay texts: what a column is, the file says.
    return pd.read_json(
        path, lines=True, convert_dates=False, convert_axes=False, dtype=False, precise_float=True
    )
