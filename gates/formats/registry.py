"""Which format a result file has, and the one way to read it.

Files are recognised by content, never by name. A file that no format or more than one format
recognises is refused, with what was tried and why each did not fit.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import BinaryIO, Protocol

from gates.evidence import Measurement, Source
from gates.formats import foreign, generic, tools
from gates.formats.result_file import MAX_BYTES, MAX_DEPTH, ResultFile
from gates.formats.understood import FormatError, Reading, Understood

MAX_NOTES = 50


class Format(Protocol):
    """What a format module offers."""

    @property
    def NAME(self) -> str: ...  # noqa: N802, D102 - a module constant
    @property
    def TITLE(self) -> str: ...  # noqa: N802, D102 - the same
    @property
    def RECOGNISED_BY(self) -> str: ...  # noqa: N802, D102 - the same

    def mismatch(self, file: ResultFile) -> str | None:
        """Why the file is not of this format; None where it is. Disjoint between formats."""

    def read(self, file: ResultFile) -> Reading:
        """What the file says. Only called where `mismatch` is None; may raise FormatError."""


TOOLS: tuple[Format, ...] = tuple(
    module for module in vars(tools).values() if isinstance(module, ModuleType)
)
"""Formats of one tool each. A new format is a module of its own and one line in `tools`."""

GENERIC: Format = generic
"""Tried only where no tool's format fits, so that it cannot take a tool's file for a table."""


def names() -> list[tuple[str, str, str]]:
    """(name, title, how it is recognised) of every format, in the order of trying."""
    return [(f.NAME, f.TITLE, f.RECOGNISED_BY) for f in (*TOOLS, GENERIC)]


def read(
    name: str,
    content: bytes | BinaryIO,
    format: str = "auto",  # noqa: A002 - the name it has in the API
    *,
    max_bytes: int = MAX_BYTES,
) -> Understood:
    """Measurements of a result file. `name` is only for messages, `format` is from `names()`.

    `content` is the bytes, or an open binary file that can be read at any place: JSON Lines and
    archives beyond `max_bytes` are read from it piece by piece.
    Every value and score that comes back is finite; what the tool wrote as NaN, infinite or "N/A"
    has `missing` set. Raises FormatError for everything that cannot be understood for certain.
    """
    file = ResultFile(name, content, max_bytes)
    chosen = _recognise(file) if format == "auto" else _named(file, format)
    reading = chosen.read(file)
    for m in file.bounded(reading.measurements):
        _refuse_impossible(file, m)
    return Understood(
        format=chosen.NAME,
        title=chosen.TITLE,
        tool_version=reading.tool_version,
        measurements=tuple(_from_file(reading.measurements, file.digest)),
        model=reading.model,
        measured_at=reading.measured_at,
        notes=_bounded_notes(reading.notes),
        digest=file.digest,
    )


def _from_file(measurements: Iterable[Measurement], digest: str) -> Iterator[Measurement]:
    """The measurements with the file they came from, by which a copied file is recognised."""
    completed: dict[Source | None, Source] = {}
    for m in measurements:
        source = completed.get(m.source)
        if source is None:
            source = replace(m.source or Source(), file_digest=digest)
            completed[m.source] = source
        yield Measurement.stated({**vars(m), "source": source})


def read_json(
    name: str,
    value: object,
    format: str = "auto",  # noqa: A002 - the name it has in the API
    *,
    max_bytes: int = MAX_BYTES,
) -> Understood:
    """The same for a native file that was sent as parsed JSON (`content` in the API)."""
    try:
        content = json.dumps(value, separators=(",", ":")).encode()
    except RecursionError:
        raise FormatError(
            "file-too-deep", f"{name}: the JSON is nested deeper than {MAX_DEPTH} levels"
        ) from None
    except (TypeError, ValueError) as error:
        raise FormatError("malformed-file", f"{name}: not a JSON value: {error}") from None
    return read(name, content, format, max_bytes=max_bytes)


def _bounded_notes(notes: tuple[str, ...]) -> tuple[str, ...]:
    shown = [note if len(note) <= 300 else f"{note[:299]}…" for note in notes[:MAX_NOTES]]
    if len(notes) > MAX_NOTES:
        shown.append(f"and {len(notes) - MAX_NOTES:,} more remarks")
    return tuple(shown)


def _recognise(file: ResultFile) -> Format:
    reasons = {f.NAME: f.mismatch(file) for f in TOOLS}
    fitting = [f for f in TOOLS if reasons[f.NAME] is None]
    match fitting:
        case [only]:
            return only
        case []:
            if advice := foreign.advice(file):
                raise FormatError("unrecognised-format", f"{file.label}: {advice}.")
            reasons[GENERIC.NAME] = GENERIC.mismatch(file)
            if reasons[GENERIC.NAME] is None:
                return GENERIC
            raise FormatError("unrecognised-format", _unrecognised(file, reasons))
        case _:
            found = " and ".join(f.NAME for f in fitting)
            raise FormatError(
                "ambiguous-format",
                f"{file.label}: looks like {found} at once; name the format to read it as",
            )


def _unrecognised(file: ResultFile, reasons: dict[str, str | None]) -> str:
    """What to do first; then what was tried, formats that lack the same together."""
    lacking: dict[str | None, list[str]] = {}
    for name, reason in reasons.items():
        lacking.setdefault(reason, []).append(name)
    tried = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in lacking.items())
    return (
        f"{file.label}: the format is not recognised. Send a file of one of these formats, or "
        f"measurements as rows with the columns metric, value, n. Tried {tried}."
    )


def _named(file: ResultFile, wanted: str) -> Format:
    known = {f.NAME: f for f in (*TOOLS, GENERIC)}
    if wanted not in known:
        raise FormatError(
            "unknown-format",
            f"{file.label}: there is no format {wanted[:60]!r}; known are auto, {', '.join(known)}",
        )
    reason = known[wanted].mismatch(file)
    if reason is not None:
        raise FormatError(
            "unrecognised-format",
            f"{file.label}: cannot be read as {wanted}: {reason}. Leave the format out, or send "
            f"the file that {known[wanted].TITLE} writes ({known[wanted].RECOGNISED_BY}).",
        )
    return known[wanted]


def _refuse_impossible(file: ResultFile, m: Measurement) -> None:
    where = f"{file.label}: {m.metric}" + (f" of {m.task}" if m.task else "")
    sizes = (m.n, m.count, m.n_errored, m.stderr, m.exceed.count if m.exceed else None)
    if any(size is not None and size < 0 for size in sizes):
        raise FormatError("impossible-value", f"{where}: a sample size or error is negative")
    count = m.exceed.count if m.exceed else m.count
    if count is not None and m.n is not None and count > m.n:
        raise FormatError("impossible-value", f"{where}: {count} of {m.n} is more than all")
    if not all(map(math.isfinite, m.scores or ())) or not all(map(math.isfinite, _numbers(m))):
        raise FormatError("malformed-file", f"{where}: a number is not finite")


def _numbers(m: Measurement) -> Iterator[float]:
    yield from m.ci or ()
    yield from (x for x in (m.value, m.stderr, m.confidence, m.quantile) if x is not None)
    if m.exceed:
        yield m.exceed.limit
