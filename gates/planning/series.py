"""Plans of whole distributions (Mann-Whitney) and of online experiments.

Ranks do not see the scale, so log-normal series are compared as normal ones: the chance that a
candidate's value lies above a tolerated baseline's follows from the spread of logarithms (Noether,
JASA 82 (1987), 645-647).
"""

from dataclasses import replace
from math import ceil, exp, inf, log1p, sqrt
from statistics import NormalDist

from gates.planning import margins
from gates.planning.draws import normal
from gates.planning.solving import CAUTION, Ask, Draw
from gates.planning.terms import (
    AtN,
    Found,
    Known,
    Seen,
    Spread,
    Terms,
    ask_pilot,
    ask_spread,
    lognormal_sigma,
)
from gates.policy import Policy
from gates.rules.distribution import Distribution
from gates.rules.experiment import Experiment
from gates.statistics import power
from gates.statistics.special import z_quantile
from gates.verdict import Mode

_NORMAL = NormalDist()
_CHANGE = "a true relative change of "


def distribution(
    policy: Policy, gate: str, rule: Distribution, known: Known, terms: Terms
) -> Found:
    """Values of candidate and baseline that are truly alike, within the tolerance."""
    subject, asked = rule.subject, rule.distribution
    seen = known.seen.get((gate, rule.id))
    ways = ("increase", "decrease") if asked.direction == "either" else (asked.direction,)
    if seen is not None and seen.level is not None:
        parts = [_as_seen(rule, way, seen, known, terms) for way in ways]
        return _hungriest(parts)
    metric = subject.metric
    if rule.mode is Mode.GUARD:
        return ask_pilot(metric, "how values lie around the tolerance decides")
    level = margins.level_of(policy, subject, known, seen)
    spread = known.sd.get(metric)
    share = None if spread is None else spread.share(level)
    if share is None or spread is None:
        found = ask_spread(metric, "how widely values lie decides; a pilot takes two (--baseline)")
        if spread is None:
            return found
        more = f"; what {metric} is about is not known (--about {metric}=VALUE)"
        return replace(found, asks=found.asks + more, needs=("about", "pilot"))
    return _hungriest([_ranked(rule, way, share, spread, terms) for way in ways])


def _ranked(rule: Distribution, way: str, share: float, spread: Spread, terms: Terms) -> Found:
    """By Noether's formula."""
    tolerance = rule.distribution.tolerance
    up = way == "increase"
    sigma = lognormal_sigma(share)
    room = log1p(tolerance) if up else -log1p(-tolerance)
    sign = 1.0 if up else -1.0
    # Under `anytime` ranks have no sequence: the first look gets half of the error.
    spent = 1.0 if terms.n_plan is None else 0.5
    alpha, fail = terms.alpha * spent, terms.fail * spent

    def size(z: float, shift: float) -> float:
        apart = _NORMAL.cdf(shift / (sigma * sqrt(2.0))) - 0.5
        return z * z / (6.0 * apart * apart) if apart > 0.0 else inf

    def shift_at(z: float, n: int) -> float | None:
        chance = 0.5 + z / sqrt(6.0 * n)
        return sigma * sqrt(2.0) * _NORMAL.inv_cdf(chance) if chance < 1.0 else None

    z = z_quantile(alpha) + z_quantile(CAUTION * (1.0 - terms.power))
    at_n: AtN = {}
    if terms.n is not None:
        good = shift_at(z, terms.n)
        bad = shift_at(z_quantile(fail) + power.Z_POWER, terms.n)
        at_n = {
            "n": terms.n,
            "passes_from": None if good is None else exp(sign * (room - good)) - 1.0,
            "fails_from": None if bad is None else exp(sign * (room + bad)) - 1.0,
        }
    words = f"values are log-normal with a spread of {share:.0%} of their mean, {spread.source}"
    if not room:
        return Found(
            asks="without `tolerance` only a candidate that is truly better clears it, by how "
            "much nobody has said: allow a tolerance, or ask with --n which change so many show",
            needs=("tolerance", "n"),
            at_n=at_n,
            scale=_CHANGE,
        )
    found = size(z, room)
    return Found(
        samples=ceil(found) + 1 if found < power.CAP else None,
        assumes=f"if both are alike and {words}",
        at_n=at_n,
        each=" in each arm",
        counts="values",
        scale=_CHANGE,
    )


def _as_seen(rule: Distribution, way: str, seen: Seen, known: Known, terms: Terms) -> Found:
    """By the spread that Hodges and Lehmann's shift had on earlier data."""
    tolerance, up = rule.distribution.tolerance, way == "increase"
    level = abs(seen.level or 0.0)
    # The shift is taken against the tolerated baseline: its limit is 0.
    shift = (-tolerance if up else tolerance) * level
    ask = Ask(None if up else 0.0, 0.0 if up else None, terms, rule.notice or 0.0)
    draw: Draw = normal(seen.sd)
    truth = 0.0 if rule.mode is Mode.GUARD else shift
    at_n = ask.at(draw, (level or 1.0) / 1000.0, (-inf, inf), 0.0)
    if level:
        at_n = {
            name: value if value is None or name == "n" else (value - shift) / level
            for name, value in at_n.items()
        }
    return Found(
        samples=ask.samples(draw, truth),
        assumes=f"if both are alike and vary as in {known.source}",
        at_n=at_n,
        each=" in each arm",
        counts="values",
        scale=_CHANGE,
    )


def _hungriest(parts: list[Found]) -> Found:
    """The part that asks most, or the first that asks for something else."""
    for part in parts:
        if part.never or part.asks or part.samples is None:
            return part
    return max(parts, key=lambda part: part.samples or 0)


def experiment(policy: Policy, gate: str, rule: Experiment, known: Known, terms: Terms) -> Found:
    """The hungriest of primary and guardrails, in units of the candidate's arm."""
    design = rule.experiment
    size = 1.0 / design.allocation
    found = [
        (part, margins.comparison(policy, gate, part, known, terms, size)) for part in rule.parts
    ]
    worst = _hungriest([one for _, one in found])
    part = next(part for part, one in found if one is worst)
    said = "decides" if len(found) > 1 else "is the primary"
    more = f"; {part.subject.metric} {said}"
    if design.allocation != 1.0:
        more += f"; the control gets {size:.4g} for each unit of the candidate"
    if design.min_days is not None:
        more += f"; and at least {design.min_days:g} days"
    each = " in the candidate's arm" if design.allocation != 1.0 else " in each arm"
    if worst.asks:
        return replace(worst, asks=f"{part.subject.metric}: {worst.asks}")
    return replace(
        worst,
        assumes=worst.assumes + more,
        paired=None,
        each=each,
        at_n=found[0][1].at_n,
        counts="units",
    )
