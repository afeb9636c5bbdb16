"""A result file as it came: its name, its bytes, and what they are as JSON, JSON Lines or text.

Everything is decoded once and only when asked for; JSON Lines and archives may be larger than what
is held in memory, and are then read piece by piece. It refuses what no format could read: empty
files, Git LFS pointers, binaries, duplicate keys, and what is built to exhaust memory or stack.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, BinaryIO, Literal, TypeVar

import jiter
import orjson

from gates.evidence import Measurement
from gates.formats.understood import FormatError

MAX_BYTES = 64 * 2**20
"""What is held in memory at once; larger files are read only as JSON Lines or as an archive."""

MAX_STREAMED = 4 * 2**30
MAX_DEPTH = 200
"""Levels at which the parser itself stops."""

MAX_ROWS = 1_000_000
MAX_MEASUREMENTS = 50_000
_MAX_LINE = 16 * 2**20
_MAX_CONTAINERS = 2_000_000
_MAX_COMMAS = 10_000_000
_HEAD = 64 * 1024

Syntax = Literal["json", "jsonl", "xml", "zip", "text"]
T = TypeVar("T")

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
    """One file. The properties raise FormatError where the bytes are not what they claim to be.

    `given` is the bytes, or an open binary file that can be read at any place.
    """

    name: str
    given: bytes | BinaryIO
    max_bytes: int = MAX_BYTES
    _kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse at once what no format could read."""
        if isinstance(self.given, bytes) and self.size > self.max_bytes:
            raise self._beyond_memory()
        if self.size > MAX_STREAMED:
            raise self.too_large(f"it has {self.size:,} bytes; at most {MAX_STREAMED:,} are read")
        start = self.head if self.is_streamed else self._body
        if not start.strip():
            raise self.malformed("the file is empty; the tool that should write it did not finish")
        if start.startswith(b"version https://git-lfs"):
            raise self.malformed(
                "this is a Git LFS pointer, not the file it stands for; run `git lfs pull` first"
            )
        for magic, what in _BINARIES:
            if start.startswith(magic):
                raise self.malformed(f"the file is {what}")
        if start.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
            raise self.malformed(
                "this is a web page, probably an error or login page saved in place of the file"
            )

    @cached_property
    def size(self) -> int:
        """Bytes in the file."""
        return len(self.given) if isinstance(self.given, bytes) else self.given.seek(0, 2)

    @property
    def is_streamed(self) -> bool:
        """Whether the file is too large to be held in memory."""
        return self.size > self.max_bytes

    @cached_property
    def content(self) -> bytes:
        """All bytes; refused for a file that is larger than what is held in memory."""
        if isinstance(self.given, bytes):
            return self.given
        if self.is_streamed:
            raise self._beyond_memory()
        self.given.seek(0)
        return self.given.read()

    @cached_property
    def head(self) -> bytes:
        """The beginning, without a byte order mark: enough to tell what the file is."""
        if isinstance(self.given, bytes):
            return self.given[:_HEAD].removeprefix(_BOM)
        self.given.seek(0)
        return self.given.read(_HEAD).removeprefix(_BOM)

    @cached_property
    def syntax(self) -> Syntax:
        """What the bytes are, by their beginning; JSON in memory is parsed whole to be sure."""
        if self.head.startswith(b"PK\x03\x04"):
            return "zip"
        match self.head.lstrip()[:1]:
            case b"<":
                return "xml"
            case b"{":
                return "jsonl" if self._is_lines else self._certainly_json()
            case b"[":
                return self._certainly_json()
            case _:
                return "text"

    @cached_property
    def json_object(self) -> dict[str, object] | None:
        """The JSON object that the file is; None for anything else."""
        if self.syntax == "json" and isinstance(self._json, dict):
            return self._json
        return None

    @property
    def json_value(self) -> object:
        """The one JSON value that the file is; refused where it is none."""
        return self._json

    @cached_property
    def rows(self) -> list[dict[str, object]] | None:
        """The objects of a JSON array or of JSON Lines; None where there are none or others too."""
        if self.syntax not in ("json", "jsonl"):
            return None
        value = [row for _, row in self.lines()] if self.syntax == "jsonl" else self._json
        if not isinstance(value, list) or not value:
            return None
        return value if set(map(type, value)) == {dict} else None

    @cached_property
    def first_row(self) -> dict[str, object] | None:
        """The first object of a JSON array or of JSON Lines, without reading the others."""
        if self.syntax == "jsonl":
            row = next((row for _, row in self.lines()), None)
        else:
            value = self._json if self.syntax == "json" else None
            row = value[0] if isinstance(value, list) and value else None
        return row if isinstance(row, dict) else None

    def raw_lines(self) -> Iterator[tuple[int, bytes]]:
        """Number and bytes of every line that is not blank, one in memory at a time."""
        for number, line in enumerate(self._split(), 1):
            if len(line) > _MAX_LINE:
                raise self.too_large(f"line {number} has more than {_MAX_LINE:,} bytes")
            if line.strip():
                yield number, line.removeprefix(_BOM) if number == 1 else line

    def parsed(self, number: int, line: bytes) -> object:
        """One line of JSON Lines as a value."""
        try:
            return _load(line)
        except ValueError as error:
            raise self._broken_json(error, line=number) from None

    def lines(self) -> Iterator[tuple[int, object]]:
        """Number and value of every line of JSON Lines."""
        for count, (number, line) in enumerate(self.raw_lines()):
            if count == MAX_ROWS:
                raise self.too_large(f"it has more than {MAX_ROWS:,} lines")
            yield number, self.parsed(number, line)

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
        if self.syntax == "json":
            return f"sha256:{hashlib.sha256(self._sorted_json()).hexdigest()}"
        found = hashlib.sha256()
        if isinstance(self.given, bytes):
            found.update(self.given)
        else:
            self.given.seek(0)
            while piece := self.given.read(2**20):
                found.update(piece)
        return f"sha256:{found.hexdigest()}"

    def once(self, key: str, make: Callable[[], T]) -> T:
        """What a format makes of the file, made once and kept beside it."""
        if key not in self._kept:
            self._kept[key] = make()
        found: T = self._kept[key]
        return found

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

    def unsupported(self, detail: str) -> FormatError:
        """The error for a version whose numbers mean something else, saying what to do."""
        return FormatError("unsupported-version", f"{self.label}: {detail}")

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

    def _certainly_json(self) -> Literal["json"]:
        """Parses the whole: what only begins like JSON is refused."""
        _ = self._json
        return "json"

    @cached_property
    def _json(self) -> object:
        if self.is_streamed:
            raise self._beyond_memory()
        # A container takes two bytes and a value one more than its comma: short bodies hold few.
        long = len(self._body) > 2 * _MAX_CONTAINERS
        if long and self._body.count(b"{") + self._body.count(b"[") > _MAX_CONTAINERS:
            raise self.too_large(f"it holds more than {_MAX_CONTAINERS:,} objects and arrays")
        if len(self._body) > _MAX_COMMAS and self._body.count(b",") > _MAX_COMMAS:
            raise self.too_large(f"it holds more than {_MAX_COMMAS:,} values")
        try:
            return _load(self._body)
        except ValueError as error:
            raise self._broken_json(error) from None

    @cached_property
    def _is_lines(self) -> bool:
        """Whether the first line is an object by itself, and another line follows."""
        lines = iter(self.raw_lines())
        try:
            _, first = next(lines)
            if not first.rstrip().endswith(b"}") or next(lines, None) is None:
                return False
            return isinstance(_load(first), dict)
        except FormatError:
            raise
        except ValueError:
            return False

    def _split(self) -> Iterator[bytes]:
        if isinstance(self.given, bytes):
            start, end = 0, len(self.given)
            while start < end:
                stop = self.given.find(b"\n", start) + 1 or end
                yield self.given[start:stop]
                start = stop
            return
        place = 0
        while True:
            # Others may read elsewhere between two lines.
            self.given.seek(place)
            line = self.given.readline(_MAX_LINE + 1)
            if not line:
                return
            place += len(line)
            yield line

    def _sorted_json(self) -> bytes:
        """The value in compact form with sorted keys."""
        # orjson writes null for what is no number, and refuses whole numbers beyond 64 bits.
        if b"NaN" not in self._body and b"Infinity" not in self._body:
            with suppress(TypeError):
                return orjson.dumps(self._json, option=orjson.OPT_SORT_KEYS)
        return json.dumps(self._json, sort_keys=True, separators=(",", ":")).encode()

    def _beyond_memory(self) -> FormatError:
        return self.too_large(
            f"it has {self.size:,} bytes; only JSON Lines and archives are read beyond "
            f"{self.max_bytes:,}"
        )

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
