"""Power before data: what a policy asks of samples, before anything has been measured.

For each rule: how many examples it takes, which shortfall a given sample can resolve, and whether
any sample can prove it. Every assumption is said; where a spread is unknown, no number is made up:
the answer says what to give.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

from gates.planning import groups, margins, means, rates, series
from gates.planning.terms import BETA, DISAGREEMENT, AtN, Found, Known, Spread, Terms, given
from gates.planning.wording import words
from gates.policy import Policy
from gates.rules.base import MeasuredRule, Rule
from gates.rules.coverage import Coverage
from gates.rules.disparity import Disparity
from gates.rules.distribution import Distribution
from gates.rules.experiment import Experiment
from gates.rules.expr import Expr
from gates.rules.looks import planned_alpha
from gates.rules.measured import JudgedRule
from gates.rules.threshold import Threshold
from gates.rules.versus_baseline import VersusBaseline
from gates.rules.zero_tolerance import ZeroTolerance
from gates.verdict import Mode

__all__ = ["BETA", "DISAGREEMENT", "Known", "RulePlan", "Spread", "given", "metrics_of", "plan"]


@dataclass(frozen=True, slots=True)
class RulePlan:
    """What one rule asks of samples, for each of its slices (arms, groups).

    `samples` is None where no sample of a million would do, or where it hangs on what nobody has
    said; `provable` and `needs` tell these apart. `needs` names what to give, any one of: `sd`,
    `about`, `pilot`, `target`, `margin`, `tolerance`, `n`. `counts` says what `samples` counts.
    `at_n` says what the given sample resolves: `passes_from` is the true value from which the rule
    is shown to hold with the planned power, `fails_from` the one from which a violation is shown
    with 80%; for a rule with two limits `passes_to` and `fails_to` are the other ends.
    """

    gate: str
    rule: str
    slices: int
    provable: bool
    samples: int | None
    paired: int | None
    counts: str
    needs: tuple[str, ...]
    at_n: Mapping[str, float | int | None] | None
    message: str


def plan(policy: Policy, n: int | None = None, known: Known | None = None) -> list[RulePlan]:
    """What each rule about measurements asks of samples, in policy order, and then the score.

    The power of all prove rules together is 80%: with K hypotheses each is planned at 1 - .20 / K
    (statistics.md section 5). Violations are planned at the smallest level that Holm leaves.

    Args:
        policy: A loaded policy.
        n: Examples for each slice, where somebody asks what they can show.
        known: Spreads and typical values, as given or from earlier data.
    """
    known = known or Known()
    measured = [(gate, rule) for gate, rule in policy.rules() if isinstance(rule, MeasuredRule)]
    weighs = policy.header.score is not None
    must = [rule for _, rule in measured if _must_be_proven(rule, weighs=weighs)]
    hypotheses = max(1, sum(map(hypotheses_of, must)))
    found = []
    for gate, rule in measured:
        terms = Terms(
            alpha=_alpha(policy, rule),
            fail=policy.defaults.alpha_fail / max(1, len(must)) / hypotheses_of(rule),
            power=1.0 - BETA / hypotheses,
            n_plan=policy.defaults.n_plan,
            n=n,
        )
        numbers = _planned(policy, gate, rule, known, terms)
        if rule.min_samples is not None and numbers.samples is not None:
            numbers = replace(numbers, samples=max(rule.min_samples, numbers.samples))
        found.append(_worded(gate, rule, numbers, terms))
    return [*found, *_score(policy, found, terms_n=n)]


def metrics_of(policy: Policy) -> frozenset[str]:
    """The metrics that a policy's rules plan with, by their names in the catalogue."""
    found: set[str] = set()
    for _, rule in policy.rules():
        parts = rule.parts if isinstance(rule, Experiment) else (rule,)
        found.update(part.subject.metric for part in parts if isinstance(part, JudgedRule))
    return frozenset(found)


def slices_of(rule: MeasuredRule) -> int:
    """How many slices a rule is known to ask for: the product of `require`, at least one."""
    return prod(len(values) for values in (rule.require or {}).values())


def hypotheses_of(rule: MeasuredRule) -> int:
    """Questions that a rule asks: its slices, groups, parts or directions."""
    match rule:
        case Disparity():
            return sum(groups.sizes(rule))
        case Experiment():
            return len(rule.parts) * slices_of(rule)
        case Distribution() if rule.distribution.direction == "either":
            return 2 * slices_of(rule)
        case _:
            return slices_of(rule)


def _must_be_proven(rule: Rule, *, weighs: bool) -> bool:
    mode = getattr(rule, "mode", None)
    counts = {"fail", "escalate", "weigh"} if weighs else {"fail", "escalate"}
    return mode is not None and mode is not Mode.EXACT and rule.on_fail in counts


def _alpha(policy: Policy, rule: MeasuredRule) -> float:
    confidence = getattr(rule, "confidence", None)
    if isinstance(rule, Distribution):
        confidence = rule.distribution.confidence or confidence
    total = round(1.0 - (confidence or policy.defaults.confidence), 12)
    if policy.defaults.n_plan is not None:
        return total
    return planned_alpha(total, policy.defaults.looks, 1) or total


_PLAINLY = Found(samples=1, plain=True, assumes="it is compared plainly, without a sample")


def _planned(policy: Policy, gate: str, rule: MeasuredRule, known: Known, terms: Terms) -> Found:
    if getattr(rule, "mode", None) is Mode.EXACT:
        return _PLAINLY
    match rule:
        case Coverage():
            least = [rule.coverage.least(name) for name in rule.coverage.require or ("*",)]
            at_n: AtN = {} if terms.n is None else {"n": terms.n}
            return Found(samples=max(least), assumes="as the policy says", at_n=at_n)
        case ZeroTolerance():
            return rates.zero(rule, terms)
        case Threshold():
            return _threshold(gate, rule, known, terms)
        case VersusBaseline():
            return margins.comparison(policy, gate, rule, known, terms)
        case Disparity():
            return groups.disparity(policy, gate, rule, known, terms)
        case Distribution():
            return series.distribution(policy, gate, rule, known, terms)
        case Experiment():
            return series.experiment(policy, gate, rule, known, terms)
        case Expr():
            return _expression(rule)
        case _:
            raise TypeError(f"no plan for rules of kind {rule.KIND}")


def _threshold(gate: str, rule: Threshold, known: Known, terms: Terms) -> Found:
    subject, seen = rule.subject, known.seen.get((gate, rule.id))
    if rule.accepts_point_estimate is not None:
        return Found(samples=1, plain=True, assumes="the policy accepts a value alone")
    clustered = seen is not None and seen.clustered
    match subject.kind:
        case "point":
            return Found(never="one number without a sample cannot be proven; use `mode: exact`")
        case "count":
            return rates.events(rule, terms)
        case "quantile" if rule.mode is not Mode.GUARD or seen is None:
            return rates.quantile(rule, terms)
        case "proportion" if not clustered:
            return rates.proportion(rule, terms)
        case _:
            return means.threshold(gate, rule, known, terms)


def _expression(rule: Expr) -> Found:
    if ".lower" in rule.expr or ".upper" in rule.expr:
        return Found(
            asks="an expression over bounds is not planned: add the same question as a rule with "
            "`min`, `max` or `versus_baseline` and `on_fail: advise` to see how many it takes",
            needs=("rule",),
        )
    return replace(_PLAINLY, assumes="it compares values plainly, without error control")


def _worded(gate: str, rule: MeasuredRule, found: Found, terms: Terms) -> RulePlan:
    return RulePlan(
        gate=gate,
        rule=rule.id,
        slices=slices_of(rule),
        provable=not found.never,
        samples=found.samples,
        paired=found.paired,
        counts=found.counts,
        needs=found.needs,
        at_n=found.at_n or None,
        message=words(gate, rule, found, terms),
    )


def _score(policy: Policy, found: list[RulePlan], terms_n: int | None) -> list[RulePlan]:
    """What the score asks: every weighed rule that it cannot do without, shown to hold."""
    score = policy.header.score
    if score is None:
        return []
    weighed = {(gate, rule.id) for gate, rule in policy.rules() if rule.on_fail == "weigh"}
    parts = [item for item in found if (item.gate, item.rule) in weighed]
    best = _best_score(policy, {(item.gate, item.rule) for item in parts if not item.provable})
    sizes = [item.samples for item in parts if item.provable]
    samples = None if None in sizes else max((n for n in sizes if n is not None), default=1)
    where = "score"
    message = f"{where}: {score.passes:g} or more passes"
    if best < score.passes:
        message += f", and it can reach {best:.3g} at most: a weighed rule can never be proven."
        samples = None
    elif samples is None:
        asked = [f"{item.gate}/{item.rule}" for item in parts if item.provable and not item.samples]
        message += f"; a rule counts only if shown, and no number is known for {', '.join(asked)}."
    else:
        message += f"; {samples:,} examples show every weighed rule, if each is as good as planned."
    at_n = None if terms_n is None or samples is None else {"n": terms_n}
    if at_n is not None and samples is not None and terms_n is not None:
        message += f" {terms_n:,} are {'enough' if terms_n >= samples else 'too few for all'}."
    return [
        RulePlan(
            gate=where,
            rule=where,
            slices=1,
            provable=best >= score.passes,
            samples=samples,
            paired=None,
            counts="examples",
            needs=(),
            at_n=at_n,
            message=message,
        )
    ]


def _best_score(policy: Policy, lost: set[tuple[str, str]]) -> float:
    """The score if all weighed rules pass but those that never can."""
    score = policy.header.score
    assert score is not None
    shares: dict[str, list[bool]] = {}
    for gate, rule in policy.rules():
        if rule.on_fail == "weigh":
            shares.setdefault(gate, []).append((gate, rule.id) not in lost)
    total = sum(score.weights.get(gate, 0.0) for gate in shares)
    if total <= 0.0:
        return 0.0
    won = sum(score.weights.get(gate, 0.0) * sum(ok) / len(ok) for gate, ok in shares.items())
    return 100.0 * won / total
