"""The examples behind a finding: which ones went wrong, worst first, by the ids they came with.

Only ids are shown. What an example says stays where the customer keeps it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gates.evidence import Measurement
from gates.metrics import resolve

MOST: Final = 25


@dataclass(frozen=True, slots=True)
class Failing:
    """The worst examples of one measurement; `ids` are (id, score), worst first."""

    metric: str
    scope: tuple[str, ...]
    ids: tuple[tuple[str, str], ...]
    in_all: int
    """How many examples fell short of the best score."""


def failing(measurements: Iterable[Measurement], decision: Mapping[str, Any]) -> list[Failing]:
    """Examples that fell short, for each judged metric that carries scores with ids."""
    judged = _judged(decision)
    found = []
    for m in measurements:
        if m.scores is None or m.ids is None or _name(m.metric) not in judged:
            continue
        best = max(m.scores) if _higher_is_better(m.metric) else min(m.scores)
        scored = zip(m.scores, m.ids, strict=True)
        short = [(score, name) for score, name in scored if score != best]
        short.sort(key=lambda pair: pair[0], reverse=not _higher_is_better(m.metric))
        if short:
            found.append(
                Failing(
                    _name(m.metric),
                    (*([m.task] if m.task else []), *(f"{k}={v}" for k, v in m.slice)),
                    tuple((name, f"{score:g}") for score, name in short[:MOST]),
                    len(short),
                )
            )
    return found


def _judged(decision: Mapping[str, Any]) -> set[str]:
    return {
        str(finding.get("metric"))
        for gate in decision.get("gates") or ()
        for finding in gate.get("findings") or ()
    }


def _name(metric: str) -> str:
    known = resolve(metric)
    return known.metric.id if known else metric


def _higher_is_better(metric: str) -> bool:
    known = resolve(metric)
    return known is None or known.metric.direction != "lower"
