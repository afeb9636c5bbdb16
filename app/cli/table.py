"""A decision as a table for terminals: signs and words beside colour, one verdict line at the end.

Every text is made harmless before it reaches the terminal.
"""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from unicodedata import east_asian_width

import click

from app.pages.escaping import terminal, unlike_a_command
from app.pages.reading import MARKS, Line, headline, lines, release_name, tone
from app.pages.standing import needed, reach, standing

_PLAIN_WIDTH: Final = 100
_MAX_NAME: Final = 48
_COLOURS: Final[Mapping[str, str]] = {
    "pass": "green",
    "fail": "red",
    "error": "red",
    "inconclusive": "yellow",
    "missing": "yellow",
}
_TONES: Final[Mapping[str, str]] = {"good": "green", "bad": "red", "open": "yellow"}


def decision_table(decision: Mapping[str, Any]) -> str:
    """The whole decision; styled text, which click strips where there is no terminal."""
    parts: list[str] = []
    for gate, _, found in lines(decision):
        parts += [click.style(terminal(gate), bold=True), *_gate(found), ""]
    parts += [f"Note: {terminal(str(note))}" for note in decision.get("notes") or ()]
    parts += [_verdict(decision), *_wrapped(str(decision.get("summary") or ""), 2)]
    for words in _next(decision):
        parts += _wrapped(words, 2)
    return "\n".join(parts)


def _verdict(decision: Mapping[str, Any]) -> str:
    colour = _TONES.get(tone(decision))
    word = click.style(headline(decision).upper(), fg=colour, bold=True)
    return f"{word}  {terminal(release_name(decision))}".rstrip()


def _next(decision: Mapping[str, Any]) -> list[str]:
    found = standing(decision)
    if decision.get("status") == "pending":
        found += [f"Needed: {', '.join(asked)}." for asked in (needed(decision),) if asked]
        granted = ", ".join(f"{name} = {value}" for name, value in reach(decision))
        found += [f"An approval would allow {granted}."] if granted else []
    if decision.get("id"):
        found.append(f"Decision {decision['id']}")
    return found


def _gate(found: Sequence[Line]) -> list[str]:
    aside = dict.fromkeys(item.rule for item in found if item.outcome == "not_applicable")
    found = [item for item in found if item.outcome != "not_applicable"]
    rows = []
    for item in found:
        scope = f" ({', '.join(item.scope)})" if item.scope else ""
        note = f" [{item.aside}]" if item.aside else ""
        rows.append((f"{item.rule}{scope}{note}", item.seen, item.interval, item.limit))
    printed = columns(rows)
    parts = []
    for item, row in zip(found, printed, strict=True):
        sign = click.style(item.mark, fg=_COLOURS.get(item.outcome), bold=True)
        parts.append(f"  {sign} {row}".rstrip())
        if item.outcome != "pass" or not item.seen:
            parts += _wrapped(item.message, 6)
    if aside:
        parts += [click.style(row, dim=True) for row in _wrapped(_aside_words(aside), 2)]
    return parts


def _aside_words(rules: Iterable[str]) -> str:
    return f"{MARKS['not_applicable']} not applicable: {', '.join(rules)}"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with aligned columns, by the width that terminals give a character."""
    clean = [[terminal(cell) for cell in row] for row in rows]
    widths = [
        min(max(map(_width, column)), _MAX_NAME) for column in zip(*clean, strict=True) if column
    ]
    return [
        "  ".join(
            cell + " " * max(0, width - _width(cell))
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in clean
    ]


def _width(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _wrapped(text: str, indent: int) -> list[str]:
    space = " " * indent
    width = shutil.get_terminal_size((_PLAIN_WIDTH, 24)).columns if _is_terminal() else _PLAIN_WIDTH
    wrapped = textwrap.wrap(
        terminal(text),
        max(40, min(width, 120)),
        initial_indent=space,
        subsequent_indent=space,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [unlike_a_command(line) for line in wrapped]


def _is_terminal() -> bool:
    return sys.stdout.isatty()
