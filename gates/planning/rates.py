"""Plans of rates, exactly: proportions, quantiles as shares within a limit, F1 from counts.

Power of an exact bound is saw-toothed in n; sizes are those from which it stays (statistics.md
section 7). Events per exposure go by Garwood's bounds on an imagined count.
"""

from collections.abc import Callable
from dataclasses import replace
from math import ceil, inf, sqrt

from gates.planning.solving import Ask
from gates.planning.terms import BETA, AtN, Found, Terms, ask_target
from gates.rules.threshold import Threshold
from gates.rules.zero_tolerance import ZeroTolerance
from gates.statistics import binomial, power, sequence_rate
from gates.statistics.estimate import Side
from gates.statistics.exposure import EventRate
from gates.statistics.special import gammainc, gammaincc, z_quantile, z_tail

AT_THE_END = (
    "no sample proves a limit at the end of the range; for events that must not happen use "
    "`max_count: 0` with `rate_below`"
)
Limits = list[tuple[Side, float]]
"""Which bound must clear which limit."""


def zero(rule: ZeroTolerance, terms: Terms) -> Found:
    """Clean examples, and how many with as many events as are allowed."""
    if rule.rate_below is None:
        return Found(samples=rule.min_samples, assumes="as the policy says")
    asked = (rule.max_count, rule.rate_below, terms.alpha)
    clean = (0, rule.rate_below, terms.alpha)
    if terms.n_plan is None:
        most, least = power.clean_samples(*asked), power.clean_samples(*clean)
    else:
        most = sequence_rate.clean_samples(*asked, terms.n_plan)
        least = sequence_rate.clean_samples(*clean, terms.n_plan)
    if least is None:
        return Found(never=f"no realistic sample shows a rate below {rule.rate_below:g}")
    least = max(least, rule.min_samples or 0)
    assumes = "with no event among them"
    if rule.max_count:
        assumes += f" ({most:,} with {rule.max_count})" if most else ""
    at_n: AtN = {}
    if terms.n is not None:
        at_n = {"n": terms.n, "passes_from": 0.0 if terms.n >= least else None, "fails_from": None}
    return Found(samples=least, assumes=assumes, at_n=at_n)


def proportion(rule: Threshold, terms: Terms) -> Found:
    """A share of examples between its limits, at the rule's target or halfway to the best."""
    limits: Limits = []
    if rule.min is not None:
        limits.append(("lower", rule.min))
    if rule.max is not None:
        limits.append(("upper", rule.max))
    truth = rule.target
    if truth is None and len(limits) == 2:
        truth = sum(limit for _, limit in limits) / 2.0
    if truth is None:
        ((side, limit),) = limits
        truth = (limit + (1.0 if side == "lower" else 0.0)) / 2.0
    return share(limits, truth, _assumed(rule, truth), rule, terms)


def quantile(rule: Threshold, terms: Terms) -> Found:
    """`p95 <= T` asks that a share of at least 95% lies within T, whatever the values are."""
    q = rule.subject.quantile or 0.5
    if rule.mode == "guard":
        metric = rule.subject.metric
        return _notice_of_quantile(metric)
    limits: Limits = []
    truths = []
    if rule.max is not None:
        limits.append(("lower", q))
        truths.append(((1.0 + q) / 2.0, f"{(1.0 + q) / 2.0:.2%} of values lie within the limit"))
    if rule.min is not None:
        limits.append(("upper", q))
        truths.append((q / 2.0, f"{q / 2.0:.2%} of values lie below the limit"))
    if len(limits) == 1:
        found = share(limits, truths[0][0], f"if {truths[0][1]}", rule, terms)
        side = "within" if rule.max is not None else "below"
        return replace(found, scale=f"a true share {side} the limit of ")
    # Each end of the range is a share of its own; both must clear.
    half = Terms(terms.alpha, terms.fail / 2, (1.0 + terms.power) / 2.0, terms.n_plan, terms.n)
    parts = [
        share([limit], truth, "", rule, half)
        for limit, (truth, _) in zip(limits, truths, strict=True)
    ]
    sizes = [part.samples for part in parts]
    words = " and ".join(words for _, words in truths)
    at_n: AtN = {}
    if terms.n is not None:
        upper, lower = (part.at_n for part in parts)
        at_n = {"n": terms.n}
        for name in ("passes", "fails"):
            at_n |= {f"{name}_from": upper[f"{name}_from"], f"{name}_to": lower[f"{name}_from"]}
    samples = None if None in sizes else max(size for size in sizes if size is not None)
    return Found(
        samples=samples,
        assumes=f"if {words}, each a share of its own",
        at_n=at_n,
        scale="true shares of ",
    )


def _notice_of_quantile(metric: str) -> Found:
    return Found(
        asks=f"how many values of {metric} lie between the limit and what `notice` adds is not "
        "known: give a pilot (--from FILE), or plan from stored evaluations (--history)",
        needs=("pilot",),
    )


def share(limits: Limits, truth: float, assumes: str, rule: Threshold, terms: Terms) -> Found:
    """A share that must clear each of its limits, if `truth` is true."""
    relax = (rule.notice or 0.0) if rule.mode == "guard" else 0.0
    many = len(limits)
    if rule.mode == "guard" and many == 1:
        truth = limits[0][1]
        assumes = f"if the limit itself, {truth:.4g}, is the truth"
    each = Terms(
        terms.alpha, terms.fail / many, 1.0 - (1.0 - terms.power) / many, terms.n_plan, terms.n
    )
    sizes: list[int | None] = []
    for side, limit in limits:
        asked = max(0.0, limit - relax) if side == "lower" else min(1.0, limit + relax)
        if limit == (1.0 if side == "lower" else 0.0) and not relax:
            return Found(never=AT_THE_END)
        if truth == asked:
            return Found(never=f"a truth of {truth:.4g} lies at the limit itself")
        sizes.append(_samples(truth, asked, side, each))
    samples = None if None in sizes else max(size for size in sizes if size is not None)
    return Found(samples=samples, assumes=assumes, at_n=_at(limits, relax, each))


def _assumed(rule: Threshold, truth: float) -> str:
    if rule.target is not None:
        return f"if the target {truth:.4g} is the truth"
    if rule.min is not None and rule.max is not None:
        return f"if {truth:.4g}, the middle, is the truth"
    return f"if {truth:.4g}, halfway to the best, is the truth (name a `target` to plan for it)"


def _samples(truth: float, limit: float, side: Side, terms: Terms) -> int | None:
    if terms.n_plan is None:
        return power.rate(truth, limit, side, terms.alpha, terms.power)
    return sequence_rate.samples(
        truth, limit, side, terms.alpha, terms.n_plan, z_quantile(1.0 - terms.power)
    )


def _at(limits: Limits, relax: float, terms: Terms) -> AtN:
    """What n examples resolve, exactly: the truths at which the decisive counts are reached."""
    n = terms.n
    if n is None:
        return {}
    found: AtN = {"n": n}
    for side, limit in limits:
        name = "to" if side == "upper" and len(limits) == 2 else "from"
        asked, good = (limit, True) if side == "lower" else (1.0 - limit, False)
        passes, fails = _ends(asked, max(0.0, asked - relax), n, terms)
        for key, end in ((f"passes_{name}", passes), (f"fails_{name}", fails)):
            found[key] = end if end is None or good else 1.0 - end
    low, high = found["passes_from"], found.get("passes_to", inf)
    if len(limits) == 2 and (low is None or high is None or low > high):
        found |= {"passes_from": None, "passes_to": None}
    return found


def _ends(limit: float, relaxed: float, n: int, terms: Terms) -> tuple[float | None, float | None]:
    """(passes from, fails from) of a lower limit."""
    passing = _first(n, lambda x: _lower(x, n, terms) >= relaxed)
    failing = _first(n, lambda x: not _refuted(x, n, limit, terms))
    passes = None if passing is None else binomial.lower(passing, n, terms.power)
    last = n if failing is None else failing - 1
    return passes, None if last < 0 else binomial.upper(last, n, 1.0 - BETA)


def _lower(x: int, n: int, terms: Terms) -> float:
    if terms.n_plan is None:
        return binomial.lower(x, n, terms.alpha)
    rate = sequence_rate.SequentialRate(binomial.Rate(x, x, n), terms.n_plan)
    return rate.lower(terms.alpha, errors=False)


def _refuted(x: int, n: int, limit: float, terms: Terms) -> bool:
    if terms.n_plan is None:
        return binomial.upper(x, n, terms.fail) <= limit
    rate = sequence_rate.SequentialRate(binomial.Rate(x, x, n), terms.n_plan)
    return rate.p_below(limit) <= terms.fail


def _first(n: int, holds: Callable[[int], bool]) -> int | None:
    """The least count up to n for which a condition that stays true once it is holds."""
    if not holds(n):
        return None
    low, high = -1, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def f1(rule: Threshold, terms: Terms) -> Found:
    """F1 or Jaccard from counts: J = F1 / (2 - F1) is a rate of TP + FP + FN."""
    is_f1 = rule.subject.metric == "f1"

    def back(value: float) -> float:
        return value / (2.0 - value) if is_f1 else value

    def forth(value: float | None) -> float | None:
        return None if value is None else 2.0 * value / (1.0 + value) if is_f1 else value

    limit = rule.min if rule.min is not None else 0.0
    truth = (limit + 1.0) / 2.0 if rule.target is None else rule.target
    assumes = _assumed(rule, truth)
    relax = (rule.notice or 0.0) if rule.mode == "guard" else 0.0
    if relax:
        truth, assumes = limit, f"if the limit itself, {limit:.4g}, is the truth"
    asked = max(0.0, limit - relax)
    if limit >= 1.0:
        return Found(never=AT_THE_END)
    if truth == asked:
        return Found(never=f"a truth of {truth:.4g} lies at the limit itself")
    samples = _samples(back(truth), back(asked), "lower", terms)
    at_n: AtN = {}
    if terms.n is not None:
        passes, fails = _ends(back(limit), back(asked), terms.n, terms)
        at_n = {"n": terms.n, "passes_from": forth(passes), "fails_from": forth(fails)}
    return Found(samples=samples, assumes=assumes, at_n=at_n, counts="counts of TP + FP + FN")


def events(rule: Threshold, terms: Terms) -> Found:
    """Events per exposure: units of exposure, by Garwood's bounds."""
    metric = rule.subject.metric
    if rule.max is None:
        if rule.target is None:
            return ask_target(metric, "how good a candidate shall pass is not known")
        return _events(rule, rule.target, terms)
    if not rule.max > 0.0:
        return Found(never=AT_THE_END)
    return _events(rule, rule.max / 2.0 if rule.target is None else rule.target, terms)


def _poisson(mean: float, luck: float) -> int:
    """The count that lies `luck` normal errors off: as likely as that to be exceeded, or missed."""
    chance = z_tail(abs(luck))
    low, high = -1, ceil(mean + 10.0 * sqrt(mean) + 20.0)
    while high - low > 1:
        k = (low + high) // 2
        if luck > 0.0:  # the least k with P(X > k) <= chance
            enough = mean == 0.0 or gammainc(k + 1, mean) <= chance
        else:  # one more than the most k with P(X < k) <= chance
            enough = mean == 0.0 or (k > 0 and gammaincc(k, mean) > chance)
        low, high = (low, k) if enough else (k, high)
    return high if luck > 0.0 else max(0, low)


def _events(rule: Threshold, truth: float, terms: Terms) -> Found:
    def draw(n: int, rate: float, luck: float) -> EventRate:
        return EventRate(_poisson(rate * n, luck), float(n))

    relax = (rule.notice or 0.0) if rule.mode == "guard" else 0.0
    limit = rule.min if rule.max is None else rule.max
    assert limit is not None
    ask = Ask(rule.min, rule.max, terms, relax)
    truth = limit if relax else truth
    n = terms.n or 1
    return Found(
        samples=ask.samples(draw, truth),
        assumes=f"if {truth:.4g} events a unit is the truth",
        at_n=ask.at(draw, sqrt(limit / n), (0.0, inf), truth),
        counts="units of exposure",
    )
