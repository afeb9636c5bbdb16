"""Tables and flat JSON of no particular tool: CSV, JSON Lines, rows of JSON, {metric: number}.

The shape is told by the columns: `metric` beside a value or count makes one measurement a row,
otherwise each row is one example. It refuses whatever could be either or neither.
"""

from gates.formats import examples, flat, long_table, table
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "generic"
TITLE = "rows, CSV or flat JSON"
RECOGNISED_BY = (
    "CSV, JSON Lines or an array of objects, with the columns metric and value (or count and n), "
    "or one row per example with a column per metric; or a JSON object {metric: number}"
)


def mismatch(file: ResultFile) -> str | None:
    """Why this is neither a table nor flat JSON; None where it is."""
    if file.json_object is not None and not long_table.is_row(file.json_object):
        return flat.mismatch(file.json_object)
    found = _table(file)
    if found is None:
        return "neither a table, nor rows of JSON, nor a JSON object"
    if long_table.fits(found):
        return None
    return "a table without rows" if found.row_count == 0 else examples.mismatch(found)


def read(file: ResultFile) -> Reading:
    """Measurements of a table or of flat JSON."""
    if file.json_object is not None and not long_table.is_row(file.json_object):
        return flat.read(file, file.json_object)
    found = _table(file)
    if found is None:
        raise file.malformed("this is no table")
    return long_table.read(file, found) if long_table.fits(found) else examples.read(file, found)


def _table(file: ResultFile) -> table.Table | None:
    """JSON Lines of one line are an object, and its one measurement a table of one row."""
    if file.json_object is not None:
        return table.of_rows(file, [file.json_object])
    return table.of(file)
