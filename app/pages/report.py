"""A decision as a report: one HTML page, Markdown, or JUnit XML, from the Decision JSON alone.

Every text in a decision is taken as hostile. A report never looks better than the decision's
status: only `passed` is shown as passed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.pages.escaping import markdown as md
from app.pages.escaping import xml
from app.pages.forest import Strip, strips
from app.pages.markup import own_markup, rendered
from app.pages.reading import (
    Line,
    asked_of_people,
    counts,
    headline,
    is_let_through,
    lines,
    release_name,
    tone,
)
from app.pages.standing import allowed, facts, needed, reach, standing

_GATE_WORDS = {"pass": "holds", "fail": "fails", "escalate": "needs people"}
_GLYPHS = {"good": "✅", "bad": "❌", "open": "⏳", "idle": "⚪"}


@dataclass(frozen=True, slots=True)
class _Gate:
    name: str
    verdict: str
    word: str
    rows: list[tuple[Line, Strip | None]]

    @property
    def plotted(self) -> bool:
        return any(strip for _, strip in self.rows)

    @property
    def applicable(self) -> list[tuple[Line, Strip | None]]:
        return [row for row in self.rows if row[0].outcome != "not_applicable"]

    @property
    def stand_aside(self) -> list[str]:
        found = [row[0].rule for row in self.rows if row[0].outcome == "not_applicable"]
        return list(dict.fromkeys(found))


def context(decision: Mapping[str, Any]) -> dict[str, Any]:
    """What a page shows of a decision, for the templates."""
    gates = [_gate(name, verdict, found) for name, verdict, found in lines(decision)]
    return {
        "headline": headline(decision),
        "tone": tone(decision),
        "release": release_name(decision),
        "summary": str(decision.get("summary") or ""),
        "standing": standing(decision),
        "asked": asked_of_people(decision),
        "reach": reach(decision),
        "allowed": allowed(decision),
        "needed": needed(decision),
        "gates": gates,
        "plotted": any(gate.plotted for gate in gates),
        "facts": facts(decision),
        "audit": decision.get("audit"),
    }


def html(decision: Mapping[str, Any]) -> str:
    """One self-contained page: no script, no request, all styles in one element."""
    return rendered("report.html", page=context(decision), style=own_markup("report.css"))


def _gate(name: str, verdict: str, found: list[Line]) -> _Gate:
    held, counted = counts(found)
    word = f"{_GATE_WORDS.get(verdict, verdict)}: {held} of {counted}"
    return _Gate(name, verdict, word, list(zip(found, strips(found), strict=True)))


def markdown(decision: Mapping[str, Any]) -> str:
    """The report for pull requests and job summaries."""
    glyph, release = _GLYPHS[tone(decision)], md(release_name(decision))
    parts = [f"## {glyph} {headline(decision)}{f': {release}' if release else ''}", ""]
    parts += [md(str(decision.get("summary") or "")), ""]
    for words in standing(decision):
        parts += [md(words), ""]
    if asked := asked_of_people(decision):
        parts += ["### What an approval accepts", ""]
        parts += [f"- **{md(item.place)}**: {md(item.accepted)}" for item in asked]
        if limits := reach(decision):
            granted = ", ".join(f"{md(name)} = {md(value)}" for name, value in limits)
            parts.append(f"- for this reach: {granted}")
        parts += ["", f"Needed: {', '.join(md(need) for need in needed(decision))}.", ""]
    for name, verdict, found in lines(decision):
        held, counted = counts(found)
        word = _GATE_WORDS.get(verdict, md(verdict))
        parts += [f"### {md(name)}: {word} ({held} of {counted})", ""]
        parts += ["| | Rule | Finding | Supported range | Limit |", "|:-:|---|---|---|---|"]
        parts += [_markdown_row(item) for item in found]
        parts.append("")
    parts += ["<details><summary>What was decided on</summary>", ""]
    parts += [f"- {name}: {md(value)}" for name, value in facts(decision)]
    parts += ["", "</details>", ""]
    return "\n".join(parts)


def _markdown_row(item: Line) -> str:
    scope = f" ({', '.join(item.scope)})" if item.scope else ""
    aside = f" [{item.aside}]" if item.aside else ""
    cells = [
        f"{item.mark} {item.word}{aside}",
        f"{item.rule}{scope}",
        item.message,
        item.interval,
        item.limit,
    ]
    return "| " + " | ".join(md(cell) for cell in cells) + " |"


def junit(decision: Mapping[str, Any]) -> str:
    """JUnit XML: a suite per gate, and one case for the verdict, which findings may not decide."""
    suites = [_verdict_suite(decision)]
    suites += [
        _suite(name, [_case(name, item, decision) for item in found])
        for name, _, found in lines(decision)
    ]
    totals = [sum(column) for column in zip(*(suite[1] for suite in suites), strict=True)]
    name = xml(release_name(decision) or "clearance")
    head = f'<testsuites name="{name}" {_totals(totals)}>'
    body = "\n".join(suite[0] for suite in suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{body}\n</testsuites>\n'


def _verdict_suite(decision: Mapping[str, Any]) -> tuple[str, list[int]]:
    status, summary = str(decision.get("status")), str(decision.get("summary") or "")
    if is_let_through(decision):
        words = f"{headline(decision)}: {summary}"
        return _suite("decision", [(_skipped(words), "verdict", "decision")])
    match tone(decision):
        case "good":
            return _suite("decision", [("", "verdict", "decision")])
        case "idle":
            words = f"{headline(decision)}: {summary}"
            return _suite("decision", [(_skipped(words), "verdict", "decision")])
        case _:
            return _suite("decision", [(_failure(status, summary), "verdict", "decision")])


def _suite(name: str, cases: list[tuple[str, str, str]]) -> tuple[str, list[int]]:
    totals = [
        len(cases),
        sum(body.startswith("<failure") for body, _, _ in cases),
        sum(body.startswith("<error") for body, _, _ in cases),
        sum(body.startswith("<skipped") for body, _, _ in cases),
    ]
    rows = [
        f'    <testcase classname="{xml(group)}" name="{xml(case)}"'
        + (f">{body}</testcase>" if body else "/>")
        for body, case, group in cases
    ]
    head = f'  <testsuite name="{xml(name)}" {_totals(totals)}>'
    return "\n".join([head, *rows, "  </testsuite>"]), totals


def _totals(totals: list[int]) -> str:
    names = ("tests", "failures", "errors", "skipped")
    return " ".join(f'{name}="{count}"' for name, count in zip(names, totals, strict=True))


def _case(gate: str, item: Line, decision: Mapping[str, Any]) -> tuple[str, str, str]:
    """What keeps a verdict from passing is a failure here, too; what does not count is skipped."""
    is_approved = tone(decision) == "good" and item.effect == "escalate"
    # Who let it through in an emergency is not stopped by a test report.
    is_through = is_let_through(decision) and item.effect != "none"
    name = " ".join((item.rule, *(f"[{part}]" for part in item.scope)))
    if item.outcome == "error":
        body = f'<error type="error" message="{xml(item.message)}"/>'
    elif is_through:
        body = _skipped(f"let through by broken glass: {item.message}")
    elif is_approved:
        body = _skipped(f"approved by people: {item.message}")
    elif item.effect != "none":
        body = _failure(item.outcome, item.message)
    elif item.outcome == "pass":
        body = ""
    else:
        body = _skipped(f"{item.aside or item.word}: {item.message}")
    return body, name, gate


def _failure(kind: str, words: str) -> str:
    return f'<failure type="{xml(kind)}" message="{xml(words)}"/>'


def _skipped(words: str) -> str:
    return f'<skipped message="{xml(words)}"/>'
