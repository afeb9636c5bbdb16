"""A count of n against one limit, asked for the first time: the commonest claim, at a glance.

`gates.rules.sampled` and `gates.rules.judging` answer any evidence, limits and looks; what they
need for that costs a release of a thousand slices more than its statistics. Here the plainest
claim gets the same answer straight from its numbers, and everything else goes their way. A law in
the tests holds both ways to the same bytes.
"""

from functools import partial
from operator import attrgetter

from gates.evidence import Measurement
from gates.explanation import sentence
from gates.finding import Finding, Observed, finish
from gates.ladder.screening import UNIT
from gates.rules.context import Claim, Context
from gates.rules.judging import confidence_of, fail_lower, fail_upper
from gates.rules.looks import FIRST_LOOK, count_digest, hypothesis_key
from gates.rules.measured import UNDECLARED_ERRORS, JudgedRule, Subject
from gates.rules.sampled import Levels, draft, first_levels
from gates.rules.selection import Target
from gates.statistics import binomial
from gates.statistics.estimate import Side
from gates.verdict import Mode, Outcome

_BESIDE = attrgetter(
    *("n_errored", "bucketed", "value", "stderr", "ci", "confidence", "scores", "ids", "clusters"),
    *("exceed", "labels", "denominators", "table", "exposure", "quantile", "missing", "incomplete"),
)
_NOTHING_BESIDE = (0, False, *[None] * 15)


class Counted:
    """What the slices of one rule share. `None` from `claim` sends a slice the general way."""

    def __init__(
        self, rule: JudgedRule, gate: str, comparison: str, limit: float, level: Levels
    ) -> None:
        self._subject = rule.subject
        self._comparison, self._limit, self._level = comparison, limit, level
        self._open = draft(rule, gate, Target(None, ()), {comparison: limit})
        self._wanted = rule.unit or rule.subject.unit

    @classmethod
    def of(
        cls,
        ctx: Context,
        rule: JudgedRule,
        gate: str,
        minimum: float | None,
        maximum: float | None,
    ) -> "Counted | None":
        """For a rule that asks of a rate no more than one limit; None for any other."""
        is_plain = rule.mode is Mode.PROVE and not (rule.strict or rule.certify or rule.needs)
        if not (is_plain and _is_rate(rule.subject)) or ctx.defaults.n_plan is not None:
            return None
        level = first_levels(ctx, rule)
        limit = maximum if minimum is None else minimum
        if rule.min_samples is not None or limit is None or level.blocks:
            return None
        if minimum is not None and maximum is not None:
            return None
        return cls(rule, gate, "max" if minimum is None else "min", limit, level)

    def claim(self, ctx: Context, target: Target) -> Claim | None:
        """The claim of a plain count that nobody looked at before; None for anything else."""
        if len(target.rows) != 1:
            return None
        m = target.rows[0].measurement
        if m.count is None or not m.n or _BESIDE(m) != _NOTHING_BESIDE:
            return None
        if self._wanted is not None and m.unit != self._wanted:
            return None
        if ctx.history.foreign_evidence and m.source is not None and m.source.file_digest:
            return None
        key = hypothesis_key(
            self._subject.metric, None, target.task, target.slice, self._comparison
        )
        inputs = count_digest(m)
        if ctx.looks.state(key, inputs) is not FIRST_LOOK:
            return None
        p_value = binomial.p_below if self._comparison == "min" else binomial.p_above
        settle = partial(self._settled, target, m, m.n, m.count)
        p = p_value(m.count, m.n, self._limit)
        return Claim(self._open, p, None, None, key, inputs, None, None, None, settle)

    def _settled(
        self, target: Target, m: Measurement, n: int, count: int, *, rejected: bool, level: float
    ) -> Finding:
        """As `judging.settle` has it."""
        limit, alpha = self._limit, self._level.alpha
        if self._comparison == "min":
            lower = binomial.lower(count, n, alpha)
            passes = lower >= limit
            upper = fail_upper(binomial.upper(count, n, level), limit, fails=rejected)
            sure = (confidence_of(alpha), confidence_of(level))
        else:
            upper = binomial.upper(count, n, alpha)
            passes = upper <= limit
            lower = fail_lower(binomial.lower(count, n, level), limit, fails=rejected)
            sure = (confidence_of(level), confidence_of(alpha))
        to_settle = None
        if rejected:
            outcome, reason = Outcome.FAIL, "limit_missed"
        elif passes:
            outcome, reason = Outcome.PASS, "limit_met"
        else:
            outcome, reason = Outcome.INCONCLUSIVE, "interval_straddles_limit"
            to_settle = self._to_settle(n, count)
        finding = Finding.drafted(
            vars(self._open),
            task=target.task,
            slice=target.slice,
            outcome=outcome,
            reason=reason,
            observed=Observed.drafted(
                value=count / n,
                n=n,
                count=count,
                n_errored=0,
                lower=lower,
                lower_confidence=sure[0],
                upper=upper,
                upper_confidence=sure[1],
                method="clopper_pearson",
                approximate=False,
                scale="metric",
            ),
            proven=outcome is Outcome.PASS,
            to_settle=to_settle,
            unit=self._open.unit or m.unit,
            look=FIRST_LOOK.number,
            flags=() if m.errors_stated else UNDECLARED_ERRORS,
        )
        return finish(finding, message=sentence(finding, self._subject.title))

    def _to_settle(self, n: int, count: int) -> dict[str, int | None] | None:
        """Examples in all that would settle it at the next look, where there is one."""
        alpha = self._level.next_alpha
        if alpha is None:
            return None
        side: Side = "lower" if self._comparison == "min" else "upper"
        known = binomial.Rate(count, count, n)
        return {"samples": known.samples_to_settle(self._limit, side, alpha)}


def _is_rate(subject: Subject) -> bool:
    """Whether a count of n is about a rate: of a proportion, or of scores from 0 to 1."""
    return subject.kind == "proportion" or (subject.kind == "mean" and subject.value_range == UNIT)
