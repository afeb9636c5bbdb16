"""Looks at any time: a question continued from look to look over cumulative counts.

Bounds come from sequences that hold at every look (gates.statistics.anytime), so what was once
shown stays shown. It refuses counts that shrank: whoever may leave examples out again can wait for
a lucky moment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gates.evidence import ImpossibleEvidence, Measurement
from gates.finding import Finding
from gates.history import Progress
from gates.rules.judging import Earlier, Question
from gates.rules.looks import LookState, inputs_digest
from gates.statistics.anytime import Cumulative, cumulative, sequence
from gates.verdict import Mode

Shown = tuple[str, float, float]


def continued(
    question: Question,
    finding: Finding,
    against: Sequence[Measurement | None],
    state: LookState,
    n_plan: int,
) -> tuple[Question, Progress]:
    """The question with bounds for every look and what was shown before, and what to hand on.

    Args:
        question: What is asked, at the rule's whole error.
        finding: Whose question it is; its limit is part of the scope where it is not on the
            metric's own scale.
        against: The baseline's measurements, which a sequence takes as fixed.
        state: Where the hypothesis stands.
        n_plan: Examples for which the sequences are tuned.

    Raises:
        ImpossibleEvidence: where cumulative counts are smaller than at the last look.
    """
    estimate = sequence(question.estimate, n_plan, state.number)
    scope = scope_of(estimate.method, question.scale, finding, against)
    counts = cumulative(estimate)
    last = joined(state.progress, scope)
    if not state.is_known:
        require_growth(counts, state.progress, scope, finding.metric or finding.rule)
    question = question._replace(estimate=estimate)
    question = question._replace(earlier=_earlier(question, last.shown if last else ()))
    certain = tuple(low for low, _ in counts)
    if last is not None and len(last.certain) == len(certain):
        certain = tuple(map(max, certain, last.certain))
    return question, Progress(scope, certain, _merged(last, _shown_now(question)))


def scope_of(
    method: str, scale: str, finding: Finding, against: Sequence[Measurement | None]
) -> str:
    """How something was measured and against what; within it looks continue each other."""
    limit = finding.limit or {}
    plain = scale == "metric" or (
        scale == "difference" and not any(name.endswith("_percent") for name in limit)
    )
    terms = "" if plain else repr(sorted(limit.items()))
    return f"{method}|{terms}|{inputs_digest(against) if against else ''}"


def joined(progress: Iterable[Progress], scope: str) -> Progress | None:
    """What rules about one hypothesis handed on within a scope, as one."""
    found: Progress | None = None
    for item in progress:
        if item.scope == scope:
            found = replace(item, shown=_merged(found, item.shown))
    return found


def require_growth(
    counts: Cumulative, progress: Iterable[Progress], scope: str, metric: str
) -> None:
    """Raise ImpossibleEvidence where examples, or within a scope any count, shrank."""
    for item in progress:
        compared = zip(item.certain, counts, strict=False)
        if item.scope != scope:
            compared = zip(item.certain[:1], counts, strict=False)
        for before, (_, possible) in compared:
            if possible < before:
                detail = (
                    f"{metric}: {possible:.0f} where an earlier look had {before:.0f}. Under "
                    "`looks: anytime` counts are cumulative: send everything since the start"
                )
                raise ImpossibleEvidence("shrinking-counts", "/measurements", detail)


def _merged(last: Progress | None, shown: Iterable[Shown]) -> tuple[Shown, ...]:
    """The smallest error for each claim and limit, in a fixed order."""
    best = {(claim, limit): error for claim, limit, error in (last.shown if last else ())}
    for claim, limit, error in shown:
        best[claim, limit] = min(error, best.get((claim, limit), 1.0))
    return tuple((claim, limit, best[claim, limit]) for claim, limit in sorted(best))


def _earlier(question: Question, shown: Iterable[Shown]) -> Earlier:
    """What stands of it for these limits: a claim about a stricter limit is one about this."""
    relax = question.notice if question.mode is Mode.GUARD else 0.0
    minimum, maximum, alpha = question.minimum, question.maximum, question.alpha
    at_least = at_most = False
    p_below = p_above = 1.0
    for claim, limit, error in shown:
        if minimum is not None and claim == "at_least":
            at_least |= limit >= minimum - relax and error <= alpha
        elif maximum is not None and claim == "at_most":
            at_most |= limit <= maximum + relax and error <= alpha
        elif minimum is not None and claim == "below" and limit <= minimum:
            p_below = min(p_below, error)
        elif maximum is not None and claim == "above" and limit >= maximum:
            p_above = min(p_above, error)
    return Earlier(at_least, at_most, p_below, p_above)


def _shown_now(question: Question) -> list[Shown]:
    relax = question.notice if question.mode is Mode.GUARD else 0.0
    low, high = question.pass_bounds(errors=True)
    below, above = question.p_sides()
    found: list[Shown] = []
    if question.minimum is not None:
        if low >= question.minimum - relax:
            found.append(("at_least", question.minimum - relax, question.alpha))
        if below < 1.0:
            found.append(("below", question.minimum, below))
    if question.maximum is not None:
        if high <= question.maximum + relax:
            found.append(("at_most", question.maximum + relax, question.alpha))
        if above < 1.0:
            found.append(("above", question.maximum, above))
    return found
