"""The trimmed files of tools, and what was understood from them by (task, metric, slice)."""

import json
from pathlib import Path

from gates.formats import FormatError, read, read_json

DATA = Path(__file__).parents[2] / "data" / "formats"


def content(name):
    path = DATA / name
    beside = DATA.with_name("formats_refused") / name
    return (path if path.exists() else beside).read_bytes()


def value(name):
    return json.loads(content(name))


def opened(name, expected=None):
    """The file under a name that says nothing; it must be of the expected format."""
    understood = read("upload", content(name))
    assert expected is None or understood.format == expected
    return understood


def found(understood):
    return {(m.task, m.metric, *m.slice): m for m in understood.measurements}


def of(name):
    return found(opened(name))


def of_value(root):
    return found(read_json("upload", root))


def refusal(given):
    """The error for bytes, or for a JSON value."""
    try:
        understood = read("upload", given) if isinstance(given, bytes) else read_json("u", given)
    except FormatError as error:
        return error
    raise AssertionError(f"read as {understood.format}")
