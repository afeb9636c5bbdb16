"""The reasons of findings and decisions in words, for those that keep a question open."""

from collections.abc import Sequence

OPEN_WORDS = {
    "too_few_samples": "too few examples to settle it",
    "too_many_errors": "too many examples errored",
    "looks_spent": "all planned looks are spent; submit a fresh candidate or ask a person",
    "contradicts_attempt": "an earlier attempt of this candidate failed on other examples",
    "not_comparable": "candidate and baseline were measured on different data",
    "evidence_of_another_candidate": "the same scores or file came with another candidate",
    "relative_to_zero": "the baseline may be zero, so a share of it means nothing",
    "sample_ratio_mismatch": "the split is broken; find out why before comparing anything",
    "too_short": "the experiment has not run long enough",
    "judge_unreliable": "the judge got known answers wrong",
    "judge_unreviewed": "people have not reviewed enough of what the judge said",
    "needs_service": "only the service can confirm it",
    "no_uncertainty": "a value alone carries no uncertainty",
}

REASON_WORDS = {
    "nothing_proven": (
        "Nothing that was required has been proven by evidence, so a person has to decide."
    ),
    "nothing_decided": ("Only advisory or inapplicable rules are left, so a person has to decide."),
    "not_all_measured": (
        "The policy names measurements that were not sent; without them a person has to decide."
    ),
    "many_candidates": (
        "More candidates of this model were judged on this data than the policy allows without a "
        "person: the best of many looks better than it is."
    ),
    "score_low": "The weighed rules score below what the policy asks.",
    "score_failed": "The weighed rules score below the policy's floor.",
}

ALSO_BARS = "also bars a pass: "


def also_bars(reasons: Sequence[str]) -> tuple[str, ...]:
    """Flags for what bars a pass beside a finding's own reason."""
    if not reasons:  # as for almost every finding
        return ()
    return tuple(f"{ALSO_BARS}{OPEN_WORDS[reason]}" for reason in dict.fromkeys(reasons))
