"""From arms to answers, through the estimators, the judgement and the Holm of the rules.

There is no arithmetic of its own here: a difference is `gates.ladder.compare`, a decision is
`gates.rules.judging.settle`. It refuses to compare arms whose split is broken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite

from gates.evidence import Measurement
from gates.experiments import words
from gates.experiments.answer import Analysis, ArmSeen, Compared, Outcome, SampleRatio, Verdict
from gates.experiments.request import Arm, Comparison, Experiment
from gates.ladder import Unsettled, compare, estimate
from gates.rules.judging import Answer, Question, settle
from gates.statistics import power, sample_ratio
from gates.statistics.anytime import sequence
from gates.statistics.estimate import Estimate
from gates.statistics.multiplicity import holm_by_bounds
from gates.statistics.special import z_quantile
from gates.verdict import Outcome as Settled


def analyze(asked: Experiment) -> Analysis:
    """Answer an experiment.

    Every arm but the control is compared with it. Claims that an arm is better, or not worse, are
    separate claims, so they share the error by Holm; a guardrail must hold for the arm that is to
    be adopted, and keeps its whole error.

    Raises:
        ImpossibleEvidence: for values that no sample can have.
    """
    ratio = _sample_ratio(asked)
    voids = () if ratio.holds else ("sample_ratio_mismatch",)
    primary = _compared(asked, asked, voids, share=True)
    guardrails = tuple(
        compared
        for guardrail in asked.guardrails
        for compared in _compared(asked, _with_margin(guardrail), voids, share=False)
    )
    verdict, adopt = _verdict(asked, ratio, primary, guardrails)
    found = Analysis(
        verdict=verdict,
        adopt=adopt,
        summary="",
        arms=tuple(_seen(asked, arm) for arm in asked.arms),
        primary=primary,
        guardrails=guardrails,
        sample_ratio=ratio,
        notes=words.notes(asked),
    )
    return replace(found, summary=words.summary(asked, found))


def _with_margin(guardrail: Comparison) -> Comparison:
    """A guardrail without a margin asks for no loss at all, which only a gain can show."""
    if guardrail.margin is None and guardrail.margin_percent is None:
        return guardrail.model_copy(update={"margin": 0.0})
    return guardrail


def _sample_ratio(asked: Experiment) -> SampleRatio:
    units = [arm.size if arm.units is None else arm.units for arm in asked.arms]
    shares = [(asked.allocation or {}).get(arm.name, 1.0) for arm in asked.arms]
    p = sample_ratio.p_value(units, shares, asked.plan)
    holds = p >= asked.srm_min_p
    return SampleRatio(holds, p, asked.srm_min_p, words.sample_ratio(asked, units, shares, p))


@dataclass(frozen=True, slots=True)
class _Open:
    """One comparison on its way to an answer."""

    arm: Arm
    known: Estimate | Unsettled
    question: Question | None


def _compared(
    asked: Experiment, compared: Comparison, voids: tuple[str, ...], *, share: bool
) -> tuple[Compared, ...]:
    control = next(arm for arm in compared.arms if arm.name == asked.base)
    opened = [_open(asked, compared, arm, control) for arm in compared.arms if arm is not control]
    alpha = _alpha(asked)
    questions = [item.question for item in opened if item.question is not None]
    count = len(opened) if share else 1
    passing = _levels(questions, alpha, share=share)
    answers = iter(
        settle(
            question._replace(alpha=level, next_alpha=level, voids=voids),
            rejected=question.p_fail() <= alpha / count,
            level=alpha / count,
        )
        for question, level in zip(questions, passing, strict=True)
    )
    return tuple(
        _answered(asked, compared, item, control, None if item.question is None else next(answers))
        for item in opened
    )


def _levels(questions: Sequence[Question], alpha: float, *, share: bool) -> list[float]:
    """The error of each arm's claim: all of it, or its part by Holm where several are claimed."""
    if not share:
        return [alpha] * len(questions)

    def shown(question: Question, level: float) -> bool:
        at_level = question._replace(alpha=level)
        return at_level.clears(*at_level.pass_bounds(errors=True))

    asks = [lambda level, q=question: shown(q, level) for question in questions]
    found = holm_by_bounds(asks, [1.0] * len(questions), alpha)
    return [level for _, level in found]


def _alpha(asked: Experiment) -> float:
    return round((1.0 - asked.confidence) / asked.sides, 12)


def _open(asked: Experiment, compared: Comparison, arm: Arm, control: Arm) -> _Open:
    known = _difference(compared, arm.measurement(), control.measurement())
    if isinstance(known, Unsettled):
        return _Open(arm, known, None)
    if asked.plan is not None:
        known = sequence(known, asked.plan, 1)
    up = compared.direction == "higher"
    limit = 0.0 if compared.margin is None else compared.margin
    alpha = _alpha(asked)
    question = Question(
        known, -limit if up else None, None if up else limit, alpha, alpha, scale="difference"
    )
    return _Open(arm, known, question)


def _difference(
    compared: Comparison, arm: Measurement, control: Measurement
) -> Estimate | Unsettled:
    sign = -1.0 if compared.direction == "higher" else 1.0
    percent = compared.margin_percent
    found = compare(
        arm,
        control,
        kind="proportion" if compared.is_rate else "mean",
        value_range=compared.range,
        share=None if percent is None else sign * percent / 100.0,
    )
    if found.relative_to_zero:
        return Unsettled("relative_to_zero", "The control may be zero: a share of it means nothing")
    return found.estimate


def _alone(compared: Comparison, m: Measurement) -> Estimate | Unsettled:
    kind = "proportion" if compared.is_rate else "mean"
    return estimate(
        m, kind=kind, value_range=compared.range, quantile=None, limit=0.0, side="lower"
    )


def _seen(asked: Experiment, arm: Arm) -> ArmSeen:
    known = _alone(asked, arm.measurement())
    alpha = _alpha(asked)
    if isinstance(known, Unsettled):
        return ArmSeen(arm.name, arm.size, None, None, None, round(1 - alpha, 12), None)
    if asked.plan is not None:
        known = sequence(known, asked.plan, 1)
    return ArmSeen(
        arm.name,
        arm.size,
        known.value,
        _finite(known.lower(alpha, errors=True)),
        _finite(known.upper(alpha, errors=True)),
        round(1 - alpha, 12),
        known.method,
    )


def _finite(number: float | None) -> float | None:
    return number if number is not None and isfinite(number) else None


def _answered(
    asked: Experiment, compared: Comparison, item: _Open, control: Arm, answer: Answer | None
) -> Compared:
    arm, base = item.arm.measurement(), control.measurement()
    if answer is None or isinstance(item.known, Unsettled):
        detail = item.known.detail if isinstance(item.known, Unsettled) else ""
        return Compared(
            arm=item.arm.name,
            metric=compared.metric,
            outcome="cannot_answer",
            value=None,
            lower=None,
            lower_confidence=None,
            upper=None,
            upper_confidence=None,
            relative=None,
            method=None,
            approximate=False,
            effect="",
            message=words.unanswerable(item.arm.name, compared, detail),
            samples=None,
            detectable=None,
            p=None,
        )
    seen = answer.observed
    at_zero = _shown_beyond_zero(compared, answer)
    outcome = _outcome(compared, answer, beyond_zero=at_zero)
    values = (point(arm), point(base))
    effect = words.effect(compared, *values)
    found = Compared(
        arm=item.arm.name,
        metric=compared.metric,
        outcome=outcome,
        value=seen.value,
        lower=_finite(seen.lower),
        lower_confidence=seen.lower_confidence,
        upper=_finite(seen.upper),
        upper_confidence=seen.upper_confidence,
        relative=words.share(values[0] - values[1], values[1]),
        method=seen.method,
        approximate=seen.approximate,
        effect=effect,
        message="",
        samples=answer.to_settle if answer.settleable else None,
        detectable=_detectable(item.known, compared, _alpha(asked)),
        p=_p_value(item.question, asked),
    )
    return replace(found, message=words.comparison(asked, compared, found, answer))


def point(m: Measurement) -> float:
    """The plain value of an arm."""
    if m.count is not None and m.n:
        return m.count / m.n
    if m.scores is not None:
        return sum(m.scores) / len(m.scores)
    return m.value or 0.0


def _shown_beyond_zero(compared: Comparison, answer: Answer) -> bool:
    """Whether a pass within a margin shows a gain as well; percent margins do not say."""
    if compared.margin_percent is not None:
        return False
    if compared.direction == "higher":
        return answer.observed.lower is not None and answer.observed.lower > 0.0
    return answer.observed.upper is not None and answer.observed.upper < 0.0


def _outcome(compared: Comparison, answer: Answer, *, beyond_zero: bool) -> Outcome:
    has_margin = compared.margin is not None or compared.margin_percent is not None
    match answer.outcome:
        case Settled.PASS if has_margin and not beyond_zero:
            return "not_worse"
        case Settled.PASS:
            return "better"
        case Settled.FAIL:
            return "worse"
        case _:
            return "undecided"


def _detectable(known: Estimate, compared: Comparison, alpha: float) -> float | None:
    """The distance from the limit that would be shown with 80% probability at these sizes."""
    if compared.direction == "higher":
        reach = known.value - known.lower(alpha, errors=True)
    else:
        reach = known.upper(alpha, errors=True) - known.value
    if not isfinite(reach) or (compared.is_rate and _is_at_the_end(known, alpha)):
        return None
    return reach * (1.0 + power.Z_POWER / z_quantile(alpha))


def _is_at_the_end(known: Estimate, alpha: float) -> bool:
    """Whether a bound of a difference of rates says no more than that there is no other."""
    return known.lower(alpha, errors=True) <= -1.0 or known.upper(alpha, errors=True) >= 1.0


def _p_value(question: Question | None, asked: Experiment) -> float | None:
    """Of the claim that an arm is better: against the limit, either way where it has two sides."""
    if question is None:
        return None
    known, low, high = question.estimate, question.minimum, question.maximum
    good = known.p_above(low) if low is not None else known.p_below(high or 0.0)
    limit = low if low is not None else high
    return good if asked.sides == 1 or limit else min(1.0, 2.0 * min(good, question.p_fail()))


def _verdict(
    asked: Experiment,
    ratio: SampleRatio,
    primary: Sequence[Compared],
    guardrails: Sequence[Compared],
) -> tuple[Verdict, str | None]:
    """The best arm whose primary and guardrails are shown, if the experiment is sound and done."""
    if not ratio.holds:
        return "invalid", None
    holding = {"better", "not_worse"}
    lost = {item.arm for item in guardrails if item.outcome == "worse"}
    open_ = {item.arm for item in guardrails if item.outcome not in {*holding, "worse"}}
    good = [item for item in primary if item.outcome in holding and item.arm not in lost]
    is_short = asked.min_days is not None and (asked.days is None or asked.days < asked.min_days)
    ready = [] if is_short else [item for item in good if item.arm not in open_]
    if ready:
        sign = 1.0 if asked.direction == "higher" else -1.0
        return "adopt", max(ready, key=lambda item: sign * (item.value or 0.0)).arm
    undecided = [item for item in primary if item.outcome in {"undecided", "cannot_answer"}]
    if good or [item for item in undecided if item.arm not in lost]:
        return "undecided", None
    return "keep_control", None
