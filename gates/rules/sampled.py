"""From a picked measurement to a claim: looks, error levels, bars to a pass, point estimates.

Shared by the rules that test a metric against a limit or a baseline; what they ask differs, how
the answer comes about does not.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import NamedTuple

from gates.evidence import Measurement
from gates.explanation import sentence
from gates.finding import Finding, Observed, finish
from gates.ladder import Unsettled
from gates.reasons import also_bars
from gates.rounding import points_text
from gates.rules.base import MetricRule
from gates.rules.context import Claim, Context
from gates.rules.cumulative import continued
from gates.rules.judging import Answer, Question, pointwise, shown_with
from gates.rules.looks import (
    FIRST_LOOK,
    LookState,
    fingerprints,
    hypothesis_key,
    inputs_digest,
    planned_alpha,
)
from gates.rules.measured import Absent, JudgedRule, Picked, Subject, blocks, known_slices
from gates.rules.selection import Target, missing_values, targets
from gates.statistics.estimate import Estimate
from gates.verdict import Outcome


class Levels(NamedTuple):
    """The error that this look may spend on the pass side, and what the looks bar."""

    state: LookState
    alpha: float
    next_alpha: float | None
    blocks: tuple[str, ...]


def levels(ctx: Context, rule: MetricRule, hypothesis: str, inputs: str) -> Levels:
    """This look's share of the rule's error budget (policy.md section 5)."""
    return _levels(*_budget(ctx, rule), ctx.looks.state(hypothesis, inputs))


def first_levels(ctx: Context, rule: MetricRule) -> Levels:
    """The same for hypotheses that nobody looked at before."""
    return _levels(*_budget(ctx, rule), FIRST_LOOK)


def _budget(ctx: Context, rule: MetricRule) -> tuple[float, int | None]:
    """The confidence of all looks, and how many are planned (None: `anytime`)."""
    confidence = ctx.defaults.confidence if rule.confidence is None else rule.confidence
    return confidence, None if ctx.defaults.n_plan is not None else ctx.defaults.looks


@lru_cache(maxsize=1024)  # the slices of a release stand at the same look
def _levels(confidence: float, planned: int | None, state: LookState) -> Levels:
    """`planned` is None where looks are `anytime`: each of them has the whole budget."""
    total = round(1 - confidence, 12)
    if planned is None:
        barred = ("contradicts_attempt",) if state.earlier_fail else ()
        return Levels(state, total, total, barred)
    alpha = planned_alpha(total, planned, state.number)
    bars = []
    if alpha is None:
        bars.append("looks_spent")
        alpha = planned_alpha(total, planned, planned) or total
    if state.earlier_fail:
        bars.append("contradicts_attempt")
    return Levels(state, alpha, planned_alpha(total, planned, state.number + 1), tuple(bars))


def draft(rule: JudgedRule, gate: str, target: Target, limit: Mapping[str, float]) -> Finding:
    """The finding before its outcome is known; `limit` as the policy writes it."""
    return Finding.drafted(
        rule.in_every_finding, gate=gate, task=target.task, slice=target.slice, limit=limit
    )


def absent_claim(finding: Finding, absent: Absent, subject: Subject) -> Claim:
    """A claim without evidence: it stays in the family with p = 1."""
    missing = finish(finding, outcome=Outcome.MISSING, reason=absent.reason)
    return Claim(finish(missing, message=sentence(missing, subject.title, absent.detail)))


def clustered_flags(known: Estimate) -> tuple[str, ...]:
    """What examples in clusters, or pairs in clusters, are worth; nothing for separate ones."""
    worth = getattr(known, "worth", None)
    if worth is None:
        return ()
    return (f"clustered: {known.n} examples in {worth[0]} clusters, worth {worth[1]} separate",)


class Asked(NamedTuple):
    """What is compared with what: the limits, and the measurements that it rests on.

    `value` is the plain estimate for comparisons without error control. `blocks` are reasons that
    bar a pass, `voids` reasons that bar any answer.
    """

    comparison: str
    minimum: float | None
    maximum: float | None
    inputs: tuple[Measurement | None, ...]
    value: float | None = None
    scale: str = "metric"
    voids: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()


def compared_claim(
    finding: Finding, rule: MetricRule, subject: Subject, picked: Picked, asked: Asked
) -> Claim:
    """`exact`: a plain comparison; errored examples count against the candidate."""
    m, n = picked.measurement, picked.n
    if asked.value is None:
        absent = Absent("not_a_number", f"{subject.metric} has no value to compare")
        return absent_claim(finding, absent, subject)
    observed = Observed(
        value=asked.value,
        n=n,
        count=m.count,
        n_errored=m.n_errored,
        method="exact",
        scale=asked.scale,
    )
    answer = pointwise(asked.value, asked.minimum, asked.maximum, observed, "limit_met")
    if answer.outcome is Outcome.PASS:
        barred = [*asked.voids, *(["too_many_errors"] if m.n_errored else [])]
        if rule.min_samples is not None and (n is None or n < rule.min_samples):
            barred.append("too_few_samples")
        sampled = n is not None or m.stderr is not None or m.ci is not None
        if barred:
            answer = answer._replace(outcome=Outcome.INCONCLUSIVE, reason=barred[0])
        else:
            answer = answer._replace(proven=not sampled and subject.exact_allowed)
    elif asked.voids:
        answer = answer._replace(outcome=Outcome.INCONCLUSIVE, reason=asked.voids[0])
    return Claim(_concluded(finding, subject, picked, None, "", answer))


def unsettled_claim(
    finding: Finding,
    rule: MetricRule,
    subject: Subject,
    picked: Picked,
    asked: Asked,
    why: Unsettled,
) -> Claim:
    """No bound can be computed: inconclusive, or a comparison where the policy accepts one."""
    if rule.accepts_point_estimate is not None and asked.value is not None:
        flagged = finish(finding, flags=(*finding.flags, "no error control"))
        return compared_claim(flagged, rule, subject, picked, asked)
    m = picked.measurement
    observed = Observed(
        value=asked.value, n=picked.n, count=m.count, n_errored=m.n_errored, scale=asked.scale
    )
    answer = Answer(Outcome.INCONCLUSIVE, why.reason, observed, proven=False)
    return Claim(_concluded(finding, subject, picked, None, why.detail, answer))


def point_value(m: Measurement, subject: Subject) -> float | None:
    """The plain value of a measurement, whatever its form; None where the form has none."""
    if m.value is not None:
        return m.value if m.quantile in (None, subject.quantile) else None
    if m.count is not None and m.n:
        share = m.count / m.n
        return 2 * share / (1 + share) if subject.metric == "f1" else share
    plain = m.labels is None and m.denominators is None
    if m.scores is not None and plain and subject.kind != "quantile":
        return sum(m.scores) / len(m.scores)
    return None


def tested_claim(
    ctx: Context,
    rule: MetricRule,
    subject: Subject,
    finding: Finding,
    picked: Picked,
    estimate: Estimate,
    asked: Asked,
) -> Claim:
    """A claim that waits for Holm."""
    m = picked.measurement
    key = hypothesis_key(
        subject.metric, subject.quantile, finding.task, finding.slice, asked.comparison
    )
    inputs = inputs_digest(asked.inputs)
    level = levels(ctx, rule, key, inputs)
    voids, known = asked.voids, ctx.history.foreign_evidence
    if known and any(mark in known for mark in fingerprints(m)):
        voids = (*voids, "evidence_of_another_candidate")
    question = Question(
        estimate,
        asked.minimum,
        asked.maximum,
        level.alpha,
        level.next_alpha,
        rule.mode,
        rule.notice or 0.0,
        m.n_errored,
        blocks=blocks(rule, ctx, m) + asked.blocks + level.blocks,
        voids=voids,
        min_samples=rule.min_samples,
        scale=asked.scale,
    )
    progress = None
    if ctx.defaults.n_plan is not None:
        against = asked.inputs[1:] if asked.scale == "difference" else ()
        question, progress = continued(question, finding, against, level.state, ctx.defaults.n_plan)
    return Claim(
        finding,
        p=question.p_fail(),
        question=question,
        conclude=partial(
            _concluded,
            finding,
            subject,
            picked,
            level.state.number,
            "",
            notice=_noticed(rule, subject),
        ),
        hypothesis=key,
        inputs=inputs,
        progress=progress,
        shown=partial(shown_with, question) if rule.certify else None,
    )


def _noticed(rule: MetricRule, subject: Subject) -> str:
    """What a guard's pass rules out; empty for other rules."""
    if rule.notice is None:
        return ""
    is_share = subject.kind == "proportion"
    amount = points_text(rule.notice) if is_share else f"{rule.notice:.10g}"
    return f"; missing it by more than {amount} is ruled out"


def _concluded(
    finding: Finding,
    subject: Subject,
    picked: Picked,
    look: int | None,
    detail: str,
    answer: Answer,
    notice: str = "",
) -> Finding:
    unit = finding.unit or picked.measurement.unit
    settled = finish(
        finding,
        outcome=answer.outcome,
        reason=answer.reason,
        observed=answer.observed,
        proven=answer.proven and answer.outcome is Outcome.PASS,
        to_settle={"samples": answer.to_settle} if answer.settleable else None,
        unit=unit,
        look=look,
        flags=finding.flags + picked.flags + also_bars(answer.barred),
    )
    said = notice if answer.outcome is Outcome.PASS else detail
    return finish(settled, message=sentence(settled, subject.title, said))


def each_target(
    ctx: Context,
    rule: JudgedRule,
    claim: Callable[[Target], Claim],
    drafted: Callable[[Target], Finding],
) -> list[Claim]:
    """A claim for every hypothesis of a rule, and one for each required value nobody measured."""
    subject = rule.subject
    expected = known_slices(ctx, subject.metric) if rule.by else ()
    found = targets(rule, subject.metric, ctx.evidence, expected)
    claims = [claim(target) for target in found]
    for name, value in missing_values(rule, found):
        detail = f"{subject.metric} was expected for {name}={value} and is not there"
        finding = drafted(Target(None, ((name, value),)))
        claims.append(absent_claim(finding, Absent("not_measured", detail), subject))
    return claims
