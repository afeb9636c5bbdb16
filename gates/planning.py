"""Power before data: what a policy asks of samples, before anything has been measured.

For each rule: how many examples it takes, which shortfall a given sample can resolve, and whether
any sample can prove it. Every assumption is said; where a spread is unknown, no number is made up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod, sqrt

from gates.policy import Policy
from gates.rules.base import MeasuredRule, Rule
from gates.rules.coverage import Coverage
from gates.rules.looks import planned_alpha
from gates.rules.measured import Subject
from gates.rules.threshold import Threshold
from gates.rules.versus_baseline import VersusBaseline
from gates.rules.zero_tolerance import ZeroTolerance
from gates.statistics import binomial, power, sequence_rate
from gates.statistics.estimate import Side
from gates.statistics.special import z_quantile
from gates.verdict import Mode

BETA = 0.20
"""The chance that a good candidate is not cleared at the first look, over all rules together."""
DISAGREEMENT = 0.10
"""Share of paired examples on which candidate and baseline are assumed to differ."""


@dataclass(frozen=True, slots=True)
class RulePlan:
    """What one rule asks of samples, for each of its slices.

    `samples` is None where no sample of a million would do, or where it hangs on a spread that
    nobody knows; `provable` tells the two apart. `at_n` says what the given sample resolves:
    `passes_from` is the true value from which the rule is shown to hold with the planned power,
    `fails_from` the one from which a violation is shown with 80%.
    """

    gate: str
    rule: str
    slices: int
    provable: bool
    samples: int | None
    paired: int | None
    at_n: Mapping[str, float | int | None] | None
    message: str


@dataclass(frozen=True, slots=True)
class _Terms:
    """The errors that all rules share."""

    alpha: float
    fail: float
    power: float
    n_plan: int | None
    n: int | None


@dataclass(frozen=True, slots=True)
class _Found:
    """A rule's numbers before they are worded."""

    samples: int | None = None
    paired: int | None = None
    assumes: str = ""
    never: str = ""
    unknown: str = ""
    at_n: dict[str, float | int | None] = field(default_factory=dict)


def plan(policy: Policy, n: int | None = None) -> list[RulePlan]:
    """What each rule about measurements asks of samples, in policy order.

    The power of all prove rules together is 80%: with K hypotheses each is planned at 1 - .20 / K
    (statistics.md section 5). Violations are planned at the smallest level that Holm leaves.

    Args:
        policy: A loaded policy.
        n: Examples for each slice, where somebody asks what they can show.
    """
    rules = [(gate, rule) for gate, rule in policy.rules() if isinstance(rule, MeasuredRule)]
    must = [(rule, slices_of(rule)) for _, rule in rules if _must_be_proven(rule)]
    hypotheses = max(1, sum(count for _, count in must))
    found = []
    for gate, rule in rules:
        terms = _Terms(
            alpha=_alpha(policy, rule),
            fail=policy.defaults.alpha_fail / max(1, len(must)) / slices_of(rule),
            power=1.0 - BETA / hypotheses,
            n_plan=policy.defaults.n_plan,
            n=n,
        )
        found.append(_planned(policy, gate, rule, terms))
    return found


def slices_of(rule: MeasuredRule) -> int:
    """How many slices a rule is known to ask for: the product of `require`, at least one."""
    return prod(len(values) for values in (rule.require or {}).values())


def _must_be_proven(rule: Rule) -> bool:
    mode = getattr(rule, "mode", None)
    return mode is not None and mode is not Mode.EXACT and rule.on_fail in {"fail", "escalate"}


def _alpha(policy: Policy, rule: MeasuredRule) -> float:
    confidence = getattr(rule, "confidence", None)
    total = round(1.0 - (confidence or policy.defaults.confidence), 12)
    if policy.defaults.n_plan is not None:
        return total
    return planned_alpha(total, policy.defaults.looks, 1) or total


def _planned(policy: Policy, gate: str, rule: MeasuredRule, terms: _Terms) -> RulePlan:
    match rule:
        case Coverage():
            least = [rule.coverage.least(name) for name in rule.coverage.require or ("*",)]
            found = _Found(samples=max(least), assumes="as the policy says")
        case ZeroTolerance():
            found = _zero(rule, terms)
        case Threshold() if rule.mode is Mode.EXACT:
            found = _Found(samples=1, assumes="it is compared plainly, without a sample")
        case Threshold():
            found = _threshold(rule, terms)
        case VersusBaseline() if rule.mode is Mode.EXACT:
            found = _Found(samples=1, assumes="it is compared plainly, without a sample")
        case VersusBaseline():
            found = _versus(policy, rule, terms)
        case _:
            found = _Found(unknown="its sample hangs on data that no plan knows")
    if rule.min_samples is not None and found.samples is not None:
        found = replace(found, samples=max(rule.min_samples, found.samples))
    return RulePlan(
        gate=gate,
        rule=rule.id,
        slices=slices_of(rule),
        provable=not found.never,
        samples=found.samples,
        paired=found.paired,
        at_n=found.at_n or None,
        message=_words(gate, rule, found, terms),
    )


def _zero(rule: ZeroTolerance, terms: _Terms) -> _Found:
    if rule.rate_below is None:
        return _Found(samples=rule.min_samples, assumes="as the policy says")
    asked = (rule.max_count, rule.rate_below, terms.alpha)
    clean = (0, rule.rate_below, terms.alpha)
    if terms.n_plan is None:
        most, least = power.clean_samples(*asked), power.clean_samples(*clean)
    else:
        most = sequence_rate.clean_samples(*asked, terms.n_plan)
        least = sequence_rate.clean_samples(*clean, terms.n_plan)
    if least is None:
        return _Found(never=f"no realistic sample shows a rate below {rule.rate_below:g}")
    assumes = "with no event among them"
    if rule.max_count:
        assumes += f" ({most:,} with {rule.max_count})" if most else ""
    at_n: dict[str, float | int | None] = {}
    if terms.n is not None:
        at_n = {"n": terms.n, "passes_from": 0.0 if terms.n >= least else None, "fails_from": None}
    return _Found(samples=least, assumes=assumes, at_n=at_n)


def _threshold(rule: Threshold, terms: _Terms) -> _Found:
    subject = rule.subject
    if rule.accepts_point_estimate is not None:
        return _Found(unknown="a value alone will do: the policy accepts a point estimate")
    if rule.min is not None and rule.max is not None:
        return _Found(unknown="a range of two limits is not planned")
    side: Side = "upper" if rule.min is None else "lower"
    limit = rule.max if rule.min is None else rule.min
    assert limit is not None
    if subject.kind in {"point", "count"}:
        detail = "one number without a sample cannot be proven; use `mode: exact`"
        return _Found(never=detail if subject.kind == "point" else "use `max_count` to count")
    if subject.kind == "quantile":
        share = subject.quantile or 0.5
        side = "lower" if rule.min is None else "upper"
        return _rate(rule, share, side, None, terms)
    if subject.kind == "proportion":
        return _rate(rule, limit, side, rule.target, terms)
    if subject.kind == "ratio":
        return _Found(unknown=f"what {subject.metric} varies by is not known before it is measured")
    return _mean(rule, subject, limit, side, terms)


def _rate(rule: Threshold, limit: float, side: Side, target: float | None, terms: _Terms) -> _Found:
    best = 1.0 if side == "lower" else 0.0
    truth = (limit + best) / 2.0 if target is None else target
    if rule.mode is Mode.GUARD and rule.notice is not None:
        truth = limit
        limit = max(0.0, limit - rule.notice) if side == "lower" else limit + rule.notice
        limit = min(1.0, limit)
    if limit == best:
        return _Found(never=_AT_THE_END)
    if truth == limit:
        return _Found(never=f"a truth of {truth:.4g} lies at the limit itself")
    return _Found(
        samples=_rate_samples(truth, limit, side, terms),
        assumes=_assumed(rule, truth, target),
        at_n=_rate_at(limit, side, terms),
    )


_AT_THE_END = (
    "no sample proves a limit at the end of the range; for events that must not happen use "
    "`max_count: 0` with `rate_below`"
)


def _assumed(rule: Threshold, truth: float, target: float | None) -> str:
    what = "is the truth"
    if rule.mode is Mode.GUARD:
        return f"if the limit itself, {truth:.4g}, {what}"
    if rule.subject.kind == "quantile":
        within = "within" if rule.min is None else "below"
        return f"if {truth:.2%} of values lie {within} the limit"
    if target is not None:
        return f"if the target {truth:.4g} {what}"
    return f"if {truth:.4g}, halfway to the best, {what}; name a `target` to plan for it"


def _rate_samples(truth: float, limit: float, side: Side, terms: _Terms) -> int | None:
    if terms.n_plan is None:
        return power.rate(truth, limit, side, terms.alpha, terms.power)
    return sequence_rate.samples(
        truth, limit, side, terms.alpha, terms.n_plan, z_quantile(1.0 - terms.power)
    )


def _rate_at(limit: float, side: Side, terms: _Terms) -> dict[str, float | int | None]:
    """What n examples resolve, exactly: the truths at which the decisive counts are reached."""
    n = terms.n
    if n is None:
        return {}
    if side == "upper":
        mirrored = _rate_at(1.0 - limit, "lower", terms)
        ends = {
            name: None if (end := mirrored[name]) is None else 1.0 - end
            for name in ("passes_from", "fails_from")
        }
        return {"n": n, **ends}
    passing = _first(n, lambda x: _lower(x, n, terms) >= limit)
    failing = _first(n, lambda x: binomial.upper(x, n, terms.fail) > limit)
    passes = None if passing is None else binomial.lower(passing, n, terms.power)
    last = n if failing is None else failing - 1
    fails = None if last < 0 else binomial.upper(last, n, 1.0 - BETA)
    return {"n": n, "passes_from": passes, "fails_from": fails}


def _lower(x: int, n: int, terms: _Terms) -> float:
    if terms.n_plan is None:
        return binomial.lower(x, n, terms.alpha)
    rate = sequence_rate.SequentialRate(binomial.Rate(x, x, n), terms.n_plan)
    return rate.lower(terms.alpha, errors=False)


def _first(n: int, holds: Callable[[int], bool]) -> int | None:
    """The least count up to n for which a condition that stays true once it is holds."""
    if not holds(n):
        return None
    low, high = -1, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _mean(rule: Threshold, subject: Subject, limit: float, side: Side, terms: _Terms) -> _Found:
    if subject.value_range is None or max(map(abs, subject.value_range)) > 1e150:
        need = z_quantile(terms.alpha) + z_quantile(1.0 - terms.power)
        return _Found(
            unknown=f"about {need * need:.3g} x (standard deviation / distance to the limit)^2 "
            "examples, at least 100; nobody has said how much it varies"
        )
    low, high = subject.value_range
    best = high if side == "lower" else low
    if limit == best:
        return _Found(never=_AT_THE_END)
    truth = (limit + best) / 2.0 if rule.target is None else rule.target
    relax = rule.notice or 0.0
    gap = relax if rule.mode is Mode.GUARD else abs(truth - limit)
    spread = (high - low) / 4.0
    assumes = f"{_assumed(rule, limit if rule.mode is Mode.GUARD else truth, rule.target)}; scores "
    assumes += f"are assumed to vary by {spread:.4g}, a quarter of their range"
    at_n: dict[str, float | int | None] = {}
    if terms.n is not None:
        sign = 1.0 if side == "lower" else -1.0
        step = spread / sqrt(terms.n)
        above = (z_quantile(terms.alpha) + z_quantile(1.0 - terms.power)) * step - relax
        below = (z_quantile(terms.fail) + power.Z_POWER) * step
        at_n = {
            "n": terms.n,
            "passes_from": limit + sign * above,
            "fails_from": limit - sign * below,
        }
    samples = power.mean(gap, spread, terms.alpha, terms.power)
    return _Found(samples=samples, assumes=assumes, at_n=at_n)


def _versus(policy: Policy, rule: VersusBaseline, terms: _Terms) -> _Found:
    """Truth: no difference, or for a gain twice the margin; rates as the policy's own limit."""
    subject = rule.subject
    name, margin = rule.versus_baseline.given()[0]
    if subject.kind != "proportion":
        return _Found(unknown="candidate and baseline vary by what nobody has said yet")
    about = _about(policy, subject.metric)
    if name.endswith("_percent"):
        margin = margin / 100.0 * about
    if margin == 0.0:
        return _Found(never="a margin of zero is shown only by a gain; allow a margin")
    z = z_quantile(terms.alpha) + z_quantile(1.0 - terms.power)
    spread = sqrt(2.0 * about * (1.0 - about))
    gap = margin
    paired = power.mean(gap, sqrt(DISAGREEMENT), terms.alpha, terms.power)
    doing = "no difference" if not name.startswith("min_gain") else "twice that gain"
    assumes = f"in each arm, if {doing} is the truth and rates are about {about:.4g}"
    at_n: dict[str, float | int | None] = {}
    if terms.n is not None:
        reach = z * spread / sqrt(terms.n)
        at_n = {"n": terms.n, "passes_from": reach - margin, "fails_from": None}
    samples = power.mean(gap, spread, terms.alpha, terms.power)
    return _Found(samples=samples, paired=paired, assumes=assumes, at_n=at_n)


def _about(policy: Policy, metric: str) -> float:
    """The rate that the policy itself expects of a metric; one half, the worst, else."""
    for _, rule in policy.rules():
        if isinstance(rule, Threshold) and rule.subject.metric == metric:
            limit = rule.min if rule.min is not None else rule.max
            expected = rule.target if rule.target is not None else limit
            if expected is not None and 0.0 < expected < 1.0:
                return expected
    return 0.5


def _words(gate: str, rule: MeasuredRule, found: _Found, terms: _Terms) -> str:
    where = f"{gate}/{rule.id}"
    if found.never:
        return f"{where}: can never be proven: {found.never}."
    if found.unknown:
        return f"{where}: {found.unknown}."
    if found.samples is None:
        return f"{where}: no realistic sample (a million) would do {found.assumes}."
    each = " in each slice" if getattr(rule, "by", None) or isinstance(rule, Coverage) else ""
    start = f"{where}: {found.samples:,} examples{each} {found.assumes}"
    if found.paired is not None:
        start += (
            f"; {found.paired:,} if both answer the same examples (sent with ids) and differ on "
            f"{DISAGREEMENT:.0%} of them"
        )
    if not found.at_n or isinstance(rule, ZeroTolerance):
        return f"{start}.{_enough(found, terms)}"
    return f"{start}. {_resolves(rule, found)}"


def _enough(found: _Found, terms: _Terms) -> str:
    if terms.n is None or found.samples is None or not found.at_n:
        return ""
    word = "enough" if terms.n >= found.samples else "too few"
    return f" {terms.n:,} are {word}."


def _resolves(rule: MeasuredRule, found: _Found) -> str:
    passes, fails = found.at_n.get("passes_from"), found.at_n.get("fails_from")
    start = f"With {found.at_n['n']:,} a pass is likely"
    if isinstance(rule, VersusBaseline):
        return f"{start} where the true change is better than {passes:+.4g}."
    if passes is None:
        return f"With {found.at_n['n']:,} it cannot pass."
    start += f" from a true {passes:.4g} on"
    if fails is None:
        return f"{start}, and no violation is shown."
    return f"{start}, and a violation is shown at {fails:.4g} or worse."
