"""Certificates of slices: which of a rule's slices may be published as claims of their own.

A rule that passes as a whole needs no correction; "X is shown to hold" said of each of twenty
slices does (statistics.md section 5). Holm over the slices' pass sides bounds the chance that any
certificate is wrong by the rule's error, over all planned looks together. It changes no outcome,
and refuses a slice that does not pass by itself.
"""

from collections.abc import Callable, Sequence

from gates.finding import Finding, finish
from gates.statistics.multiplicity import holm_by_bounds
from gates.verdict import Outcome

Shown = Callable[[float], bool]
"""Whether a slice clears its limit with this share, in (0, 1], of the error of its look."""


def certify(findings: Sequence[Finding], shown: Sequence[Shown | None]) -> list[Finding]:
    """The findings of one rule, each with `certified` and the words for it.

    Args:
        findings: One for each expected or measured slice, concluded.
        shown: For each, the test of its pass side; None where there is nothing to test. Such a
            slice stays in the family and is never certified.

    Returns:
        The same findings, in their order.
    """
    asks = [ask or _never for ask in shown]
    answers = holm_by_bounds(asks, [1.0] * len(asks), 1.0)
    return [
        _with_words(finding, len(findings), held=held and finding.outcome is Outcome.PASS)
        for finding, (held, _) in zip(findings, answers, strict=True)
    ]


def _never(share: float) -> bool:
    del share
    return False


def _with_words(finding: Finding, slices: int, *, held: bool) -> Finding:
    words = ""
    if held:
        words = f" Certified: it may be published by itself, beside {slices - 1} other slices."
    elif finding.outcome is Outcome.PASS:
        words = (
            f" Not certified: among {slices} slices this sample is too small to publish it by "
            "itself; the rule's own answer stands."
        )
    return finish(finding, certified=held, message=finding.message + words)
