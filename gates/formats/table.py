"""A table of any origin, column by column: CSV with any usual separator, or rows of JSON.

It refuses ragged rows, columns of the same name, and tables beyond a bounded number of cells.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from operator import itemgetter
from typing import Protocol

from gates.formats.result_file import MAX_ROWS, ResultFile
from gates.formats.understood import FormatError

MAX_COLUMNS = 2_000
MAX_CELLS = 5_000_000
_SEPARATORS = ",;\t|"


class _Reader(Protocol):
    """What `csv.reader` gives."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


@dataclass(frozen=True)
class Table:
    """Columns of equal length. A cell that a JSON row does not have is None, an empty one ""."""

    columns: Mapping[str, list[object]]
    row_count: int
    row_word: str

    def row(self, position: int) -> dict[str, object]:
        """The cells of one row by column."""
        return {name: cells[position] for name, cells in self.columns.items()}

    def named(self, position: int) -> str:
        """How an error message names a row."""
        return f"{self.row_word} {position + 1}"


def of(file: ResultFile) -> Table | None:
    """The file as a table; None where it is none. Raises FormatError for a broken table."""
    return file.once("table", lambda: _of(file))


def _of(file: ResultFile) -> Table | None:
    match file.syntax:
        case "jsonl":
            return _of_lines(file)
        case "json":
            return None if file.rows is None else of_rows(file, file.rows)
        case "text":
            return _of_csv(file)
        case _:
            return None


def header(file: ResultFile) -> list[str]:
    """The names of the columns as the first row has them; none for what is no table."""
    match file.syntax:
        case "json" | "jsonl":
            return list(file.json_object or file.first_row or {})
        case "text":
            return file.once("csv-header", lambda: _csv_header(file))
        case _:
            return []


def _csv_header(file: ResultFile) -> list[str]:
    reader = _reader(file)
    try:
        return _first_names(reader)
    except csv.Error as error:
        raise _broken(file, reader, error) from None


def of_rows(file: ResultFile, rows: list[dict[str, object]]) -> Table:
    """Rows of JSON as a table; a cell that a row does not have is None."""
    names = list(dict.fromkeys(chain.from_iterable(rows)))
    _refuse_too_many(file, len(names), len(rows))
    return Table(_columns(rows, names), len(rows), "row")


def _columns(rows: list[dict[str, object]], names: list[str]) -> dict[str, list[object]]:
    if len(names) > 1:
        try:
            cells = list(chain.from_iterable(map(itemgetter(*names), rows)))
            return {name: cells[place :: len(names)] for place, name in enumerate(names)}
        except KeyError:
            pass  # some row lacks a cell
    return {name: [row.get(name) for row in rows] for name in names}


def _of_lines(file: ResultFile) -> Table | None:
    """Column by column as the lines come, so that a row is not kept beside its cells."""
    columns: dict[str, list[object]] = {}
    count = 0
    for _, row in file.lines():
        if not isinstance(row, dict):
            return None
        for name in row:
            if name not in columns:
                columns[name] = [None] * count
        for name, cells in columns.items():
            cells.append(row.get(name))
        count += 1
        _refuse_too_many(file, len(columns), count)
    return Table(columns, count, "row")


def _of_csv(file: ResultFile) -> Table | None:
    reader = _reader(file)
    try:
        names = _first_names(reader)
        repeated = sorted({name for name in names if name and names.count(name) > 1})
        if repeated:
            raise file.malformed(f"the header names the column {repeated[0][:60]!r} twice")
        _refuse_too_many(file, len(names), 1)
        cells = _even_rows(reader, len(names))
        if cells is None:
            reader = _reader(file)
            _first_names(reader)
            cells = list(chain.from_iterable(_data_rows(file, reader, len(names))))
    except csv.Error as error:
        raise _broken(file, reader, error) from None
    width = len(names)
    named = {name: cells[place::width] for place, name in enumerate(names) if name}
    return Table(named, len(cells) // width, "data row") if named else None


def _even_rows(reader: _Reader, width: int) -> list[object] | None:
    """The cells of all rows where each has every cell and they are not too many; else None.

    One after the other: keeping a list for each row costs more than reading it.
    """
    most = min(MAX_ROWS, MAX_CELLS // max(1, width))
    cells: list[object] = []
    add = cells.extend
    for row in islice(reader, most + 1):
        if len(row) != width:
            return None
        add(row)
    return cells if len(cells) <= most * width else None


def _data_rows(file: ResultFile, reader: _Reader, width: int) -> list[list[str]]:
    """The rows below the header; a line without anything on it has no cells."""
    most = min(MAX_ROWS, MAX_CELLS // max(1, width))
    rows: list[list[str]] = []
    empty_lines = 0
    for cells in reader:
        if not cells:
            empty_lines += 1
            continue
        if len(cells) != width:
            raise file.malformed(
                f"line {reader.line_num} has {len(cells)} cells and the header has {width}; "
                "the file is cut off, or it is not a CSV table"
            )
        if width == 1 and empty_lines:
            # In a single column an empty line between others is an example that lost its score.
            _refuse_too_many(file, 1, len(rows) + empty_lines)
            rows.extend([""] for _ in range(empty_lines))
        empty_lines = 0
        rows.append(cells)
        if len(rows) > most:
            _refuse_too_many(file, width, len(rows))
    return rows


def _first_names(rows: Iterable[list[str]]) -> list[str]:
    header = next((cells for cells in rows if any(cell.strip() for cell in cells)), [])
    return [name.strip() for name in header]


def _reader(file: ResultFile) -> _Reader:
    text = file.text
    first = next((line for line in io.StringIO(text) if line.strip()), "")
    separator = max(_SEPARATORS, key=first.count)
    # Looking for three kinds of line ends takes a tenth of the reading; most files have one.
    ends = "" if "\r" in text else "\n"
    return csv.reader(io.StringIO(text, newline=ends), delimiter=separator, strict=True)


def _broken(file: ResultFile, reader: _Reader, error: csv.Error) -> FormatError:
    return file.malformed(f"line {reader.line_num} is not CSV: {error}")


def _refuse_too_many(file: ResultFile, columns: int, rows: int) -> None:
    if columns > MAX_COLUMNS:
        raise file.too_large(f"the table has {columns:,} columns; at most {MAX_COLUMNS:,} are read")
    if rows > MAX_ROWS or columns * rows > MAX_CELLS:
        raise file.too_large(
            f"the table has more than {MAX_ROWS:,} rows or {MAX_CELLS:,} cells; send counts or "
            "fewer columns"
        )
