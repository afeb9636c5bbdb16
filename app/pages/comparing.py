"""Side by side: candidate with baseline, and this decision with the one before it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.pages.reading import MARKS, WORDS, lines
from gates.rounding import number


@dataclass(frozen=True, slots=True)
class Beside:
    """One quantity of candidate and baseline."""

    place: str
    candidate: str
    baseline: str
    difference: str
    limit: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Change:
    """One rule that ended otherwise than last time."""

    place: str
    before: str
    after: str
    is_worse: bool
    before_mark: str
    after_mark: str


def beside_baseline(decision: Mapping[str, Any]) -> list[Beside]:
    """Every finding that was judged against a baseline."""
    found = []
    for gate, finding in _findings(decision):
        one, two = finding.get("candidate"), finding.get("baseline")
        if not one or not two:
            continue
        percent = finding.get("unit") in {"fraction", "percent"}
        line = next(line for _, _, some in lines(_only(gate, finding)) for line in some)
        found.append(
            Beside(
                place=line.place,
                candidate=_value(one, percent=percent),
                baseline=_value(two, percent=percent),
                difference=line.interval or line.seen,
                limit=line.limit,
                outcome=str(finding.get("outcome")),
            )
        )
    return found


def changes(decision: Mapping[str, Any], before: Mapping[str, Any]) -> list[Change]:
    """What ended otherwise than in the decision before, in policy order."""
    then = {line.place: line for _, _, some in lines(before) for line in some}
    now = {line.place: line for _, _, some in lines(decision) for line in some}
    found = []
    for place in dict.fromkeys((*now, *then)):
        old, new = then.get(place), now.get(place)
        if old and new and old.outcome == new.outcome and old.seen == new.seen:
            continue
        found.append(
            Change(
                place=place,
                before=_said(old.outcome, old.seen) if old else "not asked",
                after=_said(new.outcome, new.seen) if new else "no longer asked",
                is_worse=_rank(new.outcome if new else None) > _rank(old.outcome if old else None),
                before_mark=MARKS.get(old.outcome, "!") if old else "·",
                after_mark=MARKS.get(new.outcome, "!") if new else "·",
            )
        )
    return found


def _rank(outcome: str | None) -> int:
    order: Sequence[str] = ("pass", "inconclusive", "missing", "fail", "error")
    return order.index(outcome) if outcome in order else 0


def _said(outcome: str, seen: str) -> str:
    word = WORDS.get(outcome, outcome)
    return f"{seen}, {word}" if seen else word


def _value(observed: Mapping[str, Any], *, percent: bool) -> str:
    value = observed.get("value")
    if value is None:
        return "unknown"
    n = observed.get("n")
    size = f" (n = {n:,})" if n is not None else ""
    return number(float(value), percent=percent) + size


def _only(gate: str, finding: Mapping[str, Any]) -> dict[str, Any]:
    return {"gates": [{"gate": gate, "verdict": "pass", "findings": [finding]}]}


def _findings(decision: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for gate in decision.get("gates") or ():
        for finding in gate.get("findings") or ():
            yield str(gate.get("gate")), finding
