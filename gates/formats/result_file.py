"""A result file as it came: its name, its bytes, and what they are as JSON, JSON Lines or text.

Everything is decoded once and only when asked for. It refuses what no format could read: empty
files, Git LFS pointers, binaries, duplicate keys, and what is built to exhaust memory or stack.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Literal

import jiter

from gates.evidence import Measurement
from gates.formats.understood import FormatError

MAX_BYTES = 64 * 2**20
MAX_DEPTH = 64
MAX_ROWS = 1_000_000
MAX_MEASUREMENTS = 50_000
_MAX_CONTAINERS = 2_000_000
_MAX_COMMAS = 10_000_000

Syntax = Literal["json", "jsonl", "xml", "zip", "text"]

_BOM = b"\xef\xbb\xbf"
_BINARIES = (
    (b"\x1f\x8b", "compressed with gzip; decompress it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; decompress it first"),
    (b"PAR1", "a Parquet file; export it as CSV or JSON Lines"),
    (b"SQLite format 3\0", "an SQLite database; export the table as CSV"),
    (b"\xff\xfe", "encoded as UTF-16 or UTF-32; save it as UTF-8"),
    (b"\xfe\xff", "encoded as UTF-16; save it as UTF-8"),
)


@dataclass(frozen=True)
class ResultFile:
    """One file. The properties raise FormatError where the bytes are not what they claim to be."""

    name: str
    content: bytes
    max_bytes: int = MAX_BYTES

    def __post_init__(self) -> None:
        """Refuse at once what no format could read."""
        if len(self.content) > self.max_bytes:
            raise self.too_large(
                f"it has {len(self.content):,} bytes; at most {self.max_bytes:,} are read"
            )
        if not self._body.strip():
            raise self.malformed("the file is empty; the tool that should write it did not finish")
        if self.content.startswith(b"version https://git-lfs"):
            raise self.malformed(
                "this is a Git LFS pointer, not the file it stands for; run `git lfs pull` first"
            )
        for magic, what in _BINARIES:
            if self.content.startswith(magic):
                raise self.malformed(f"the file is {what}")
        if self._body.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
            raise self.malformed(
                "this is a web page, probably an error or login page saved in place of the file"
            )

    @cached_property
    def syntax(self) -> Syntax:
        """What the bytes are, by their beginning; JSON is parsed whole to be sure."""
        if self.content.startswith(b"PK\x03\x04"):
            return "zip"
        match self._body.lstrip()[:1]:
            case b"<":
                return "xml"
            case b"{" | b"[":
                return self._parsed[0]
            case _:
                return "text"

    @cached_property
    def json_object(self) -> dict[str, object] | None:
        """The JSON object that the file is; None for anything else."""
        if self.syntax == "json" and isinstance(self._parsed[1], dict):
            return self._parsed[1]
        return None

    @cached_property
    def rows(self) -> list[dict[str, object]] | None:
        """The objects of a JSON array or of JSON Lines; None where there are none or others too."""
        if self.syntax not in ("json", "jsonl"):
            return None
        value = self._parsed[1]
        if not isinstance(value, list) or not value:
            return None
        return value if all(isinstance(row, dict) for row in value) else None

    @cached_property
    def text(self) -> str:
        """The file as text, without a byte order mark."""
        try:
            text = self._body.decode()
        except UnicodeDecodeError as error:
            raise self.malformed(
                f"the file is neither UTF-8 text nor a known binary (byte {error.start})"
            ) from None
        if "\0" in text:
            raise self.malformed(f"the file is binary (a zero byte at {text.index(chr(0))})")
        return text

    @cached_property
    def digest(self) -> str:
        """`sha256:<hex>`, of the compact sorted form where the file is one JSON value."""
        data = self.content
        if self.syntax == "json":
            data = json.dumps(self._parsed[1], sort_keys=True, separators=(",", ":")).encode()
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    def bounded(self, measurements: Iterable[Measurement]) -> tuple[Measurement, ...]:
        """The measurements as a tuple; refuses a file as soon as it gives too many."""
        found = tuple(islice(measurements, MAX_MEASUREMENTS + 1))
        if len(found) > MAX_MEASUREMENTS:
            raise self.too_large(f"it gives more than {MAX_MEASUREMENTS:,} measurements")
        return found

    def malformed(self, detail: str) -> FormatError:
        """The error for a file that is broken, naming it."""
        return FormatError("malformed-file", f"{self.label}: {detail}")

    def too_large(self, detail: str) -> FormatError:
        """The error for a file that asks for more than is granted, naming it."""
        return FormatError("file-too-large", f"{self.label}: {detail}")

    def nothing_measured(self, detail: str) -> FormatError:
        """The error for a stub: the right format with nothing in it, naming the file."""
        return FormatError("nothing-measured", f"{self.label}: {detail}")

    @property
    def label(self) -> str:
        """The name as it is safe to show: printable and of bounded length."""
        return "".join(c if c.isprintable() else "?" for c in self.name[:200]) or "(no name)"

    @cached_property
    def _body(self) -> bytes:
        return self.content.removeprefix(_BOM)

    @cached_property
    def _parsed(self) -> tuple[Literal["json", "jsonl"], object]:
        if self._body.count(b"{") + self._body.count(b"[") > _MAX_CONTAINERS:
            raise self.too_large(f"it holds more than {_MAX_CONTAINERS:,} objects and arrays")
        if self._body.count(b",") > _MAX_COMMAS:
            raise self.too_large(f"it holds more than {_MAX_COMMAS:,} values")
        try:
            return "json", self._checked_depth(_load(self._body))
        except ValueError as error:
            if isinstance(error, FormatError):
                raise
            if self._is_lines():
                return "jsonl", self._lines()
            raise self._broken_json(error) from None

    def _is_lines(self) -> bool:
        first, more, _ = self._body.strip().partition(b"\n")
        if not more:
            return False
        try:
            return isinstance(_load(first), dict)
        except ValueError:
            return False

    def _lines(self) -> list[object]:
        rows: list[object] = []
        for number, line in enumerate(self._body.split(b"\n"), 1):
            if not line.strip():
                continue
            if len(rows) == MAX_ROWS:
                raise self.too_large(f"it has more than {MAX_ROWS:,} lines")
            try:
                rows.append(self._checked_depth(_load(line)))
            except FormatError:
                raise
            except ValueError as error:
                raise self._broken_json(error, line=number) from None
        return rows

    def _checked_depth(self, value: object) -> object:
        level = [value]
        for _ in range(MAX_DEPTH):
            level = [
                child
                for parent in level
                for child in _children(parent)
                if isinstance(child, dict | list)
            ]
            if not level:
                return value
        raise self._too_deep()

    def _too_deep(self) -> FormatError:
        return FormatError(
            "file-too-deep", f"{self.label}: the JSON is nested deeper than {MAX_DEPTH} levels"
        )

    def _broken_json(self, error: ValueError, line: int | None = None) -> FormatError:
        message = str(error)
        if "recursion limit" in message:
            return self._too_deep()
        where = "" if line is None else f"line {line} of the JSON Lines: "
        cut = "; the file seems to be cut off" if message.startswith("EOF") else ""
        return self.malformed(f"{where}the JSON cannot be parsed: {message}{cut}")


def _load(data: bytes) -> object:
    # Only keys are cached: the parser's cache outlives the request, and values may be personal.
    value: object = jiter.from_json(data, catch_duplicate_keys=True, cache_mode="keys")
    return value


def _children(value: object) -> list[object]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []
