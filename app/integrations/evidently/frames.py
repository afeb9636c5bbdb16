"""Parquet, CSV and JSON Lines as data frames. Untrusted bytes: sizes are checked before reading.

Runs in the measuring process only. A file's format is what its bytes are, never its name.
"""

import csv
from collections.abc import Collection
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


def columns_of(path: Path, name: str) -> list[str]:
    """The names of the columns, without reading the rows."""
    try:
        found = _columns(path)
    except (ValueError, OSError, pa.ArrowException, csv.Error) as error:
        raise _unreadable(name, error) from error
    if len(found) > MOST_COLUMNS:
        raise Unreadable(f"{name} has {len(found):,} columns; at most {MOST_COLUMNS:,} are read.")
    twice = sorted({column for column in found if found.count(column) > 1})
    if twice:
        raise Unreadable(f"{name} has two columns called {twice[0]!r}; rename one of them.")
    return found


def frame(path: Path, name: str, wanted: Collection[str]) -> pd.DataFrame:
    """The wanted columns that are there."""
    try:
        found = _frame(path, set(wanted))
    except (ValueError, OSError, pa.ArrowException, OverflowError) as error:
        raise _unreadable(name, error) from error
    except MemoryError:
        raise Unreadable(f"{name} does not fit into this worker's memory; send a sample.") from None
    if found.empty:
        raise Unreadable(f"{name} has no rows.")
    return found


def _unreadable(name: str, error: Exception) -> Unreadable:
    if isinstance(error, Unreadable):
        return Unreadable(f"{name} {error}")
    said = str(error).split("\n", 1)[0][:200]
    return Unreadable(f"{name} is not readable as Parquet, CSV or JSON Lines: {said}.")


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_MAGIC):
        return "parquet"
    if b"\x00" in head:
        raise Unreadable("is neither Parquet nor text.")
    return "jsonl" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "csv"


def _columns(path: Path) -> list[str]:
    kind = _kind(path)
    if kind == "parquet":
        about = pq.ParquetFile(path)
        size = sum(about.metadata.row_group(i).total_byte_size for i in range(about.num_row_groups))
        if size > MOST_BYTES:
            raise Unreadable(f"unpacks to {size:,} bytes; at most {MOST_BYTES:,} are read.")
        return list(about.schema_arrow.names)
    if kind == "jsonl":
        return [str(column) for column in _json_lines(path).columns]
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file), [])


def _frame(path: Path, wanted: set[str]) -> pd.DataFrame:
    kind = _kind(path)
    if kind == "parquet":
        about = pq.ParquetFile(path)
        kept = [column for column in about.schema_arrow.names if column in wanted]
        return about.read(columns=kept).to_pandas()
    if kind == "jsonl":
        found = _json_lines(path)
        return found[[column for column in found.columns if column in wanted]]
    return pd.read_csv(path, usecols=lambda column: column in wanted, encoding="utf-8-sig")


def _json_lines(path: Path) -> pd.DataFrame:
    # Texts that look like dates or numbers stay texts: what a column is, the file says.
    return pd.read_json(
        path, lines=True, convert_dates=False, convert_axes=False, dtype=False, precise_float=True
    )
