"""Plans of means and of statistics that are neither rates nor means.

A spread comes from whoever states it, else from earlier data, else from a declared range (a
quarter of it); where there is none of these, the plan says what to give.
"""

from math import inf, isfinite, sqrt

from gates.planning import draws, rates, strictly
from gates.planning.solving import CAUTION, CLUSTERED, UNBOUNDED, Ask, Draw
from gates.planning.terms import (
    About,
    Found,
    Known,
    Seen,
    Spread,
    Terms,
    ask_pilot,
    ask_spread,
    ask_target,
    best_of,
    lognormal_skewness,
)
from gates.rules.measured import Subject
from gates.rules.threshold import Threshold
from gates.statistics.skewed import MIN_SCORES
from gates.statistics.special import z_quantile
from gates.verdict import Mode

AVERAGED = frozenset({"nps", "bleu", "chrf", "ter", "word_error_rate", "character_error_rate"})
"""Ratios whose per-example scores are averaged (gates.ladder.ratios)."""

NO_STRICT_MEAN = "`strict` bounds a mean only where its scores have an end: declare `range`"
NO_STRICT_RATIO = "`strict` has no bound for a ratio or a statistic of labels"


def bounds_of(subject: Subject) -> tuple[float, float] | None:
    """The range of scores, where it has two ends that one can reckon with."""
    ends = subject.value_range
    return ends if ends is not None and all(isfinite(end * end) for end in ends) else None


def quarter(ends: tuple[float, float]) -> Spread:
    """What scores of a range are assumed to vary by."""
    spread = (ends[1] - ends[0]) / 4.0
    return Spread(spread, source=f"{spread:.4g}, a quarter of their range")


def threshold(gate: str, rule: Threshold, known: Known, terms: Terms) -> Found:
    """A mean or a ratio between its limits."""
    subject, seen = rule.subject, known.seen.get((gate, rule.id))
    if subject.metric in {"f1", "jaccard"} and rule.max is None:
        return rates.f1(rule, terms)
    truth, words = truth_of(rule, known, seen)
    if truth is None:
        return ask_target(subject.metric, words)
    if seen is not None and (seen.clustered or subject.kind not in {"mean", "ratio"}):
        return _as_seen(rule, seen, known, (truth, words), terms)
    if subject.kind == "ratio" and subject.metric not in AVERAGED:
        return _ratio(rule, known, seen, (truth, words), terms)
    return _mean(rule, known, (truth, words), terms)


def _as_seen(
    rule: Threshold, seen: Seen, known: Known, wanted: tuple[float, str], terms: Terms
) -> Found:
    truth, words = wanted
    said = f"{words}; each example varies by {seen.sd:.4g} in effect, as in {known.source}"
    is_mean = rule.subject.kind in {"proportion", "mean"}
    draw = draws.as_seen(seen, bounds_of(rule.subject) if is_mean else None)
    caution = CLUSTERED if seen.clustered else CAUTION
    return solved(rule, draw, truth, said, terms, seen.sd, caution)


def truth_of(rule: Threshold, known: Known, seen: Seen | None) -> tuple[float | None, str]:
    """The truth that is planned for, and in words; None and why where nobody can say."""
    subject = rule.subject
    if rule.mode is Mode.GUARD:
        limit = rule.min if rule.min is not None else rule.max
        if rule.min is None or rule.max is None:
            return limit, f"if the limit itself, {limit:.4g}, is the truth"
    if rule.target is not None:
        return rule.target, f"if the target {rule.target:.4g} is the truth"
    if rule.min is not None and rule.max is not None:
        middle = (rule.min + rule.max) / 2.0
        return middle, f"if {middle:.4g}, the middle, is the truth"
    about = known.about.get(subject.metric)
    if about is None and seen is not None:
        about = About(seen.value, f"as in {known.source}")
    limit = rule.min if rule.min is not None else rule.max
    assert limit is not None
    if about is not None and (about.value > limit if rule.max is None else about.value < limit):
        return about.value, f"if {about.value:.4g}, {about.source}, is the truth"
    best = best_of(subject, limit)
    if best is None:
        at_end = subject.value_range is not None and limit in subject.value_range
        return (limit, "") if at_end else (None, "how good a candidate shall pass is not known")
    truth = (limit + best) / 2.0
    said = f"if {truth:.4g}, halfway to the best, is the truth"
    return truth, f"{said} (name a `target` to plan for it)"


def solved(
    rule: Threshold,
    draw: Draw,
    truth: float,
    assumes: str,
    terms: Terms,
    sd: float | None = None,
    caution: float = CAUTION,
) -> Found:
    """A size and what n examples resolve, for an imagined sample."""
    limits = [limit for limit in (rule.min, rule.max) if limit is not None]
    ends = rule.subject.value_range or (-inf, inf)
    for limit, end in ((rule.min, ends[1]), (rule.max, ends[0])):
        if limit is not None and limit == end and rule.mode is not Mode.GUARD:
            return Found(never=rates.AT_THE_END)
    relax = (rule.notice or 0.0) if rule.mode is Mode.GUARD else 0.0
    if truth in limits and not relax:
        return Found(never=f"a truth of {truth:.4g} lies at the limit itself")
    ask = Ask(rule.min, rule.max, terms, relax, caution)
    step = (sd or max(map(abs, limits)) or 1.0) / sqrt(terms.n or 1)
    return Found(
        samples=ask.samples(draw, truth), assumes=assumes, at_n=ask.at(draw, step, ends, truth)
    )


def _mean(rule: Threshold, known: Known, wanted: tuple[float, str], terms: Terms) -> Found:
    subject, (truth, words) = rule.subject, wanted
    if rule.strict and subject.kind != "mean":
        return Found(never=NO_STRICT_RATIO)
    spread, ends = known.sd.get(subject.metric), bounds_of(subject)
    is_assumed = spread is None and ends is not None
    if spread is None:
        if ends is None:
            return ask_spread(subject.metric, formula(terms))
        spread = quarter(ends)
    sd = spread.at(truth)
    if sd is None:
        return ask_spread(subject.metric, formula(terms))
    said = f"{words}; scores are assumed to vary by {spread.source}"
    if not is_assumed:
        said = f"{words}; scores vary by {sd:.4g}, {spread.source}"
    if ends is not None:
        at = draws.within(sd, ends, assumed=is_assumed)
        draw = strictly.mean(at, ends) if rule.strict else draws.bounded(at, ends)
        return solved(rule, draw, truth, said, terms, sd)
    if rule.strict:
        return Found(never=NO_STRICT_MEAN)
    skewness, more = _skewness(subject, spread, truth)

    def around(level: float) -> float:
        return spread.at(level) or sd

    draw = draws.skewed(around, skewness)
    return solved(rule, draw, truth, said + more, terms, sd, UNBOUNDED)


def _skewness(subject: Subject, spread: Spread, truth: float) -> tuple[float, str]:
    """As measured; else that of a log-normal for what is better lower, such as costs; else none."""
    if spread.skewness is not None:
        return spread.skewness, f" with a skewness of {spread.skewness:.3g}"
    share = spread.share(truth)
    if subject.direction == "lower" and share is not None and truth > 0.0:
        skewness = lognormal_skewness(share)
        return skewness, f", and are as skewed as log-normal ones ({skewness:.3g})"
    return 0.0, ", evenly to both sides"


def formula(
    terms: Terms, gap: str = "distance to the limit", times: float = 1.0, each: str = ""
) -> str:
    """The normal formula, for a spread that nobody has said."""
    need = z_quantile(terms.alpha) + z_quantile(UNBOUNDED * (1.0 - terms.power))
    return (
        f"about {times * need * need:.3g} x (standard deviation / {gap})^2 examples{each}, "
        f"at least {MIN_SCORES}"
    )


def _ratio(
    rule: Threshold, known: Known, seen: Seen | None, wanted: tuple[float, str], terms: Terms
) -> Found:
    """A statistic of all examples together: by its own estimator, else by a spread."""
    subject, (truth, words) = rule.subject, wanted
    if rule.strict:
        return Found(never=NO_STRICT_RATIO)
    spread = known.sd.get(subject.metric)
    if spread is None and seen is not None:
        return _as_seen(rule, seen, known, (truth, words), terms)
    if spread is None and subject.metric in OWN:
        draw, more = OWN[subject.metric]
        return solved(rule, draw, truth, words + more, terms, 1.0)
    if spread is None:
        asked = ask_pilot(subject.metric, f"what {subject.metric} varies by hangs on the data")
        more = f"; or its standard error times the root of n (--sd {subject.metric}=SD)"
        return Found(asks=asked.asks + more, needs=("pilot", "sd"))
    sd = spread.at(truth)
    if sd is None:
        return ask_spread(subject.metric, formula(terms))

    def around(level: float) -> float:
        return spread.at(level) or sd

    said = f"{words}; its standard error times the root of n is {sd:.4g}, {spread.source}"
    if subject.direction == "lower" and subject.value_range is None:
        skewness, more = _skewness(subject, spread, truth)
        draw = draws.skewed(around, skewness)
        return solved(rule, draw, truth, said + more, terms, sd, UNBOUNDED)
    return solved(rule, draws.student(around), truth, said, terms, sd)


OWN: dict[str, tuple[Draw, str]] = {
    "roc_auc": (draws.auc, ", half of the examples positive"),
    "kappa": (draws.kappa, ", in two equally common classes"),
    "pearson": (draws.correlation(ranks=False), ""),
    "spearman": (draws.correlation(ranks=True), ""),
}
"""Statistics whose spread follows from their value, and what that takes for granted."""
