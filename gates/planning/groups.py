"""Plans of disparity rules: groups that are truly alike, compared pair by pair.

Every pair must clear (intersection-union), so the chance of missing is shared by a group's pairs.
How many groups there are is what `require` names; without it, two.
"""

from dataclasses import replace
from math import exp, inf, sqrt

from gates.planning import differences, margins
from gates.planning.differences import Arms
from gates.planning.means import bounds_of, formula, quarter
from gates.planning.solving import Ask, Draw
from gates.planning.terms import Found, Known, Terms, ask_spread
from gates.policy import Policy
from gates.rules.disparity import HIGHEST, Disparity
from gates.statistics.binomial import Rate
from gates.statistics.disparity import Least, Size, largest
from gates.statistics.estimate import Estimate
from gates.statistics.ratio_of_rates import RateRatio
from gates.verdict import Mode


def sizes(rule: Disparity) -> list[int]:
    """Groups of each dimension, or of their crossing; two where nobody named them."""
    named = {name: len((rule.require or {}).get(name, ())) for name in rule.groups}
    counts = [max(2, count) for count in named.values()]
    if not rule.crossed:
        return counts
    crossed = 1
    for count in counts:
        crossed *= count
    return [crossed]


def disparity(policy: Policy, gate: str, rule: Disparity, known: Known, terms: Terms) -> Found:
    """Examples of each group."""
    subject, seen = rule.subject, known.seen.get((gate, rule.id))
    level = margins.level_of(policy, subject, known, seen)
    groups = max(sizes(rule))
    pairs = groups - 1 if rule.reference == HIGHEST else 1
    # A gap to a named reference may go either way: two one-sided tests, both of which must clear.
    tests = 2 if rule.reference != HIGHEST and rule.max_gap is not None else pairs
    each = replace(terms, power=1.0 - (1.0 - terms.power) / tests)
    relax = (rule.notice or 0.0) if rule.mode is Mode.GUARD else 0.0
    ask = Ask(rule.min_ratio, rule.max_gap, each, relax)
    words = f"{groups} groups" if rule.require else "two groups (name them with `require`)"
    words += " are truly alike"
    assert level is not None or subject.kind == "mean"
    if subject.kind == "proportion":
        words += f", at a rate of about {level:.4g}"
        if subject.metric not in known.about and (seen is None or seen.level is None):
            words += f" (say it with --about {subject.metric}=RATE)"
        if rule.min_ratio is not None:
            return _ratio(rule, ask, level or 0.5, pairs, words)
        return _gap(rule, ask, differences.rates(Arms(level or 0.5)), pairs, words)
    ends = bounds_of(subject)
    spread = known.sd.get(subject.metric) or (quarter(ends) if ends is not None else None)
    sd = None if spread is None else spread.at(level)
    if spread is None or sd is None:
        return ask_spread(subject.metric, formula(each, "gap", 2.0, " in each group"))
    words += f", scores varying by {spread.source}"
    arms = Arms(level or 0.0)
    return _gap(rule, ask, differences.means(arms, sd, ends), pairs, words)


def _ratio(rule: Disparity, ask: Ask, level: float, pairs: int, words: str) -> Found:
    relax = ask.notice
    limit = rule.min_ratio or 0.0

    def draw(n: int, ratio: float, luck: float) -> Estimate | None:
        one, two = level * ratio, level
        if not 0.0 < one <= 1.0:
            return None
        spread = [sqrt((1.0 - p) / (p * n)) for p in (one, two)]
        total = sqrt(spread[0] ** 2 + spread[1] ** 2)
        if total > 0.0:
            one *= exp(luck * spread[0] ** 2 / total)
            two *= exp(-luck * spread[1] ** 2 / total)
        counts = [min(n, max(0, round(n * p))) for p in (one, two)]
        rates = [Rate(count, count, n) for count in counts]
        if not rates[1].count_high:
            return None
        return Least((RateRatio(rates[0], rates[1]),) * pairs)

    truth = limit if relax else 1.0
    if truth == limit and not relax:
        return Found(never="no sample proves that groups are exactly alike; allow a ratio below 1")
    return Found(
        samples=ask.samples(draw, truth),
        assumes=f"if {words}",
        at_n=ask.at(draw, 0.001, (0.0, 1.0 / level), 1.0),
        each=" in each group",
        scale="a true ratio of ",
    )


def _gap(rule: Disparity, ask: Ask, pair: Draw, pairs: int, words: str) -> Found:
    limit = rule.max_gap or 0.0

    def draw(n: int, gap: float, luck: float) -> Estimate | None:
        known = pair(n, gap, luck)
        if known is None:
            return None
        return largest([known] * pairs) if rule.reference == HIGHEST else Size(known)

    truth = limit if ask.notice else 0.0
    return Found(
        samples=ask.samples(draw, truth),
        assumes=f"if {words}",
        at_n=ask.at(draw, 0.001 * limit, (0.0, inf), 0.0),
        each=" in each group",
        scale="a true gap of ",
    )
