"""Candidates as good as `policy plan` assumes, with the sample that it recommends, decided.

One row for each kind of rule and of measurement: the share of them that is not cleared may be 20%
at most, and should not be far below, or the plan would ask for more than it takes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gates.decision import decide
from gates.evidence import Measurement, SliceKey, Submission
from gates.history import History
from gates.planning import Known, RulePlan, Spread, given, plan
from gates.verdict import Outcome, Verdict
from tests.gates.build import AT, policy, submission

Floats = NDArray[np.float64]
PLANNED = "defaults: {looks: planned(2)}"
ANYTIME = "defaults: {looks: anytime, n_plan: 1000}"


@dataclass(frozen=True)
class Planned:
    """A rule, what is known beforehand, and how a candidate as good as planned answers n times."""

    name: str
    rule: str
    draw: Callable[[Generator, int], Submission]
    known: Known = field(default_factory=Known)
    header: str = PLANNED
    paired: bool = False
    least: float = 0.02
    """The share of escalations below which the plan would ask for too much."""

    @property
    def plan(self) -> RulePlan:
        """What is recommended."""
        (found,) = plan(policy(self.rule, header=self.header), known=self.known)
        return found

    @property
    def samples(self) -> int:
        """The sample that is recommended."""
        n = self.plan.paired if self.paired else self.plan.samples
        if n is None:
            raise ValueError(f"{self.name}: {self.plan.message}")
        return n


@dataclass(frozen=True)
class Shown:
    """What came out: the sample, and the shares of verdicts."""

    n: int
    escalated: float
    failed: float


def shares(case: Planned, tries: int) -> Shown:
    """How often the planned candidate escalates or fails with the planned sample."""
    dice = np.random.default_rng(crc32(case.name.encode()))
    rules, n = policy(case.rule, header=case.header), case.samples
    escalated = failed = 0
    for _ in range(tries):
        made = decide(rules, case.draw(dice, n), History(), (), AT)
        # A guard alone carries no pass (`nothing_proven`): there the finding counts.
        held = all(finding.outcome is Outcome.PASS for finding in made.findings)
        escalated += made.verdict is Verdict.ESCALATE and not held
        failed += made.verdict is Verdict.FAIL
    return Shown(n, escalated / tries, failed / tries)


def _count(dice: Generator, metric: str, rate: float, n: int, slice_: SliceKey = ()) -> Measurement:
    return Measurement(metric, count=int(dice.binomial(n, rate)), n=n, slice=slice_)


def _scores(metric: str, values: Floats, **fields: object) -> Measurement:
    return Measurement.stated({"metric": metric, "scores": tuple(values.tolist()), **fields})


def _beta(dice: Generator, mean: float, sd: float, ends: tuple[float, float], n: int) -> Floats:
    """Scores in a range with a given mean and spread."""
    width = ends[1] - ends[0]
    m, s = (mean - ends[0]) / width, sd / width
    k = m * (1.0 - m) / (s * s) - 1.0
    return ends[0] + width * dice.beta(m * k, (1.0 - m) * k, n)


def _lognormal(dice: Generator, mean: float, share: float, n: int) -> Floats:
    """Values whose standard deviation is `share` of their mean."""
    sigma = np.sqrt(np.log1p(share * share))
    return dice.lognormal(np.log(mean) - sigma * sigma / 2.0, sigma, n)


def _against(one: Measurement, two: Measurement) -> Submission:
    return submission(one, baseline=[two])


def _two_latencies(dice: Generator, n: int) -> Submission:
    """Times about a second that vary by half of that, the same on both sides."""
    one, two = (_scores("latency", _lognormal(dice, 1.0, 0.5, n), unit="s") for _ in range(2))
    return _against(one, two)


def _ids(n: int) -> tuple[str, ...]:
    return tuple(f"e{i}" for i in range(n))


def _paired_rates(dice: Generator, n: int) -> Submission:
    """Two systems right 85 times in 100 that differ on one example in ten."""
    kind = dice.choice(4, n, p=(0.05, 0.05, 0.80, 0.10))
    sides = [np.isin(kind, rights).astype(float) for rights in ((0, 2), (1, 2))]
    one, two = (_scores("accuracy", side, ids=_ids(n)) for side in sides)
    return _against(one, two)


def _paired_scores(dice: Generator, n: int) -> Submission:
    """Judge scores about 3 that vary by 1 and correlate by a half."""
    shared, own, other = (dice.normal(0.0, np.sqrt(0.5), n) for _ in range(3))
    one, two = (
        _scores("relevance", np.clip(3.0 + shared + mine, 1.0, 5.0), ids=_ids(n))
        for mine in (own, other)
    )
    return _against(one, two)


def _labelled(dice: Generator, n: int, area: float) -> Measurement:
    """Binormal scores with a given area under the curve, half of them positive."""
    from scipy.special import ndtri

    half = n // 2
    apart = float(ndtri(area)) * np.sqrt(2.0)
    values = np.concatenate([dice.normal(apart, 1.0, half), dice.normal(0.0, 1.0, n - half)])
    labels = (1.0,) * half + (0.0,) * (n - half)
    return _scores("roc_auc", values, labels=labels)


def _paired_auc(dice: Generator, n: int) -> Submission:
    """Two scorers of the same examples with area .8 whose placements correlate by about a half."""
    from scipy.special import ndtri

    half = n // 2
    apart = float(ndtri(0.8)) * np.sqrt(2.0)
    shift = np.concatenate([np.full(half, apart), np.zeros(n - half)])
    shared = dice.normal(0.0, np.sqrt(0.5), n)
    labels = (1.0,) * half + (0.0,) * (n - half)
    one, two = (
        _scores(
            "roc_auc",
            shift + shared + dice.normal(0.0, np.sqrt(0.5), n),
            labels=labels,
            ids=_ids(n),
        )
        for _ in range(2)
    )
    return _against(one, two)


def _kappa(dice: Generator, n: int, value: float) -> Measurement:
    agreed = (1.0 + value) / 2.0
    cells = dice.multinomial(n, (agreed / 2, (1 - agreed) / 2, (1 - agreed) / 2, agreed / 2))
    a, b, c, d = (int(cell) for cell in cells)
    return Measurement("kappa", table=((a, b), (c, d)))


def _series(dice: Generator, n: int, value: float) -> Measurement:
    one = dice.normal(0.0, 1.0, n)
    two = value * one + np.sqrt(1.0 - value * value) * dice.normal(0.0, 1.0, n)
    return _scores("pearson", one, labels=tuple(two.tolist()))


def _groups(dice: Generator, metric: str, rate: float, n: int, groups: str) -> Submission:
    return submission(
        *(_count(dice, metric, rate, n, (("sex", group),)) for group in groups.split())
    )


def _ratio(dice: Generator, n: int) -> Measurement:
    """Costs per success: a cost of 1 each, success in 80 of 100."""
    costs = _lognormal(dice, 1.0, 0.5, n)
    wins = dice.binomial(1, 0.8, n).astype(float)
    return _scores("cost_per_success", costs, denominators=tuple(wins.tolist()), unit="USD")


def _experiment(dice: Generator, n: int) -> Submission:
    """An arm that gains twice what is asked, at an unchanged cost."""
    one = [
        _count(dice, "task_completion", 0.24, n),
        _scores("cost_per_task", _lognormal(dice, 1.0, 0.5, n), unit="USD"),
    ]
    two = [
        _count(dice, "task_completion", 0.20, n),
        _scores("cost_per_task", _lognormal(dice, 1.0, 0.5, n), unit="USD"),
    ]
    return submission(*one, baseline=two)


def _known(
    sd: Mapping[str, Spread] | None = None, about: Mapping[str, float] | None = None
) -> Known:
    return given(sd or {}, about or {})


_FIFTH = _known({"cost_per_inference": Spread(1.0, relative=True)})
_LATENCY = _known({"latency": Spread(0.5, relative=True)})
_JUDGED = "metric: relevance, range: [1, 5]"
ALL = (
    Planned(
        "rate",
        "metric: accuracy, min: 0.85, target: 0.9",
        lambda dice, n: submission(_count(dice, "accuracy", 0.9, n)),
        least=0.1,
    ),
    Planned(
        "rate, anytime",
        "metric: accuracy, min: 0.85, target: 0.9",
        lambda dice, n: submission(_count(dice, "accuracy", 0.9, n)),
        header=ANYTIME,
        least=0.1,
    ),
    Planned(
        "rate between two limits",
        "metric: accuracy, min: 0.85, max: 0.95",
        lambda dice, n: submission(_count(dice, "accuracy", 0.9, n)),
    ),
    Planned(
        "rate, guard",
        "metric: recall, min: 0.8, mode: guard, notice: 0.05",
        lambda dice, n: submission(_count(dice, "recall", 0.8, n)),
    ),
    Planned(
        "quantile",
        "metric: latency, quantile: 0.95, max: 0.8, unit: s",
        # 2.5% of these lie above the limit.
        lambda dice, n: submission(
            _scores("latency", 0.8 * dice.lognormal(-0.5 * 1.959964, 0.5, n), unit="s")
        ),
        least=0.1,
    ),
    Planned(
        "judge scores",
        f"{_JUDGED}, min: 3.8, target: 4",
        lambda dice, n: submission(_scores("relevance", _beta(dice, 4.0, 1.0, (1, 5), n))),
        least=0.1,
    ),
    Planned(
        "judge scores, anytime",
        f"{_JUDGED}, min: 3.8, target: 4",
        lambda dice, n: submission(_scores("relevance", _beta(dice, 4.0, 1.0, (1, 5), n))),
        header=ANYTIME,
    ),
    Planned(
        "judge scores, strict",
        f"{_JUDGED}, min: 3.8, target: 4, strict: true",
        lambda dice, n: submission(
            _scores("relevance", _beta(dice, 4.0, 1.0, (1, 5), n), ids=_ids(n))
        ),
    ),
    Planned(
        "judge scores, guard",
        f"{_JUDGED}, min: 4, mode: guard, notice: 0.2",
        lambda dice, n: submission(_scores("relevance", _beta(dice, 4.0, 1.0, (1, 5), n))),
    ),
    Planned(
        "cost without a range",
        "metric: cost_per_inference, max: 0.004, target: 0.003, unit: USD",
        lambda dice, n: submission(
            _scores("cost_per_inference", _lognormal(dice, 0.003, 1.0, n), unit="USD")
        ),
        known=_FIFTH,
    ),
    Planned(
        "length between two limits",
        "metric: response_length, min: 20, max: 60",
        lambda dice, n: submission(_scores("response_length", dice.normal(40.0, 90.0, n))),
        known=_known({"response_length": Spread(90.0)}),
    ),
    Planned(
        "F1 from counts",
        "metric: f1, min: 0.8, target: 0.85",
        lambda dice, n: submission(_count(dice, "f1", 0.85 / (2 - 0.85), n)),
        least=0.1,
    ),
    Planned(
        "AUC",
        "metric: roc_auc, min: 0.8, target: 0.85",
        lambda dice, n: submission(_labelled(dice, n, 0.85)),
    ),
    Planned(
        "kappa",
        "metric: kappa, min: 0.6, target: 0.7",
        lambda dice, n: submission(_kappa(dice, n, 0.7)),
    ),
    Planned(
        "correlation",
        "metric: pearson, min: 0.6, target: 0.7",
        lambda dice, n: submission(_series(dice, n, 0.7)),
    ),
    Planned(
        "events per exposure",
        "metric: incidents_x, kind: count, direction: lower, max: 0.05",
        lambda dice, n: submission(
            Measurement("incidents_x", count=int(dice.poisson(0.025 * n)), exposure=float(n))
        ),
    ),
    Planned(
        "difference of rates",
        "metric: accuracy, versus_baseline: {max_drop: 0.05}",
        lambda dice, n: _against(
            _count(dice, "accuracy", 0.85, n), _count(dice, "accuracy", 0.85, n)
        ),
        known=_known(about={"accuracy": 0.85}),
        least=0.1,
    ),
    Planned(
        "difference of rates, anytime",
        "metric: accuracy, versus_baseline: {max_drop: 0.05}",
        lambda dice, n: _against(
            _count(dice, "accuracy", 0.85, n), _count(dice, "accuracy", 0.85, n)
        ),
        known=_known(about={"accuracy": 0.85}),
        header=ANYTIME,
    ),
    Planned(
        "difference of rates in percent",
        "metric: accuracy, versus_baseline: {max_drop_percent: 5}",
        lambda dice, n: _against(
            _count(dice, "accuracy", 0.85, n), _count(dice, "accuracy", 0.85, n)
        ),
        known=_known(about={"accuracy": 0.85}),
    ),
    Planned(
        "difference of rates, paired",
        "metric: accuracy, versus_baseline: {max_drop: 0.03}",
        _paired_rates,
        known=_known(about={"accuracy": 0.85}),
        paired=True,
        least=0.1,
    ),
    Planned(
        "gain of a rate",
        "metric: accuracy, versus_baseline: {min_gain: 0.03}",
        lambda dice, n: _against(
            _count(dice, "accuracy", 0.86, n), _count(dice, "accuracy", 0.80, n)
        ),
        known=_known(about={"accuracy": 0.8}),
    ),
    Planned(
        "difference of judge scores",
        f"{_JUDGED}, versus_baseline: {{max_drop: 0.2}}",
        lambda dice, n: _against(
            _scores("relevance", _beta(dice, 3.0, 1.0, (1, 5), n)),
            _scores("relevance", _beta(dice, 3.0, 1.0, (1, 5), n)),
        ),
        least=0.1,
    ),
    Planned(
        "difference of judge scores, paired",
        f"{_JUDGED}, versus_baseline: {{max_drop: 0.2}}",
        _paired_scores,
        paired=True,
    ),
    Planned(
        "difference of costs in percent",
        "metric: cost_per_inference, unit: USD, versus_baseline: {max_rise_percent: 20}",
        lambda dice, n: _against(
            _scores("cost_per_inference", _lognormal(dice, 0.003, 1.0, n), unit="USD"),
            _scores("cost_per_inference", _lognormal(dice, 0.003, 1.0, n), unit="USD"),
        ),
        known=_FIFTH,
    ),
    Planned(
        "difference of p95 in percent",
        "metric: latency, quantile: 0.95, unit: s, versus_baseline: {max_rise_percent: 10}",
        _two_latencies,
        known=_LATENCY,
    ),
    Planned(
        "difference of F1",
        "metric: f1, versus_baseline: {max_drop: 0.05}",
        lambda dice, n: _against(
            _count(dice, "f1", 0.8 / 1.2, n), _count(dice, "f1", 0.8 / 1.2, n)
        ),
        known=_known(about={"f1": 0.8}),
    ),
    Planned(
        "difference of AUC",
        "metric: roc_auc, versus_baseline: {max_drop: 0.05}",
        lambda dice, n: _against(_labelled(dice, n, 0.8), _labelled(dice, n, 0.8)),
        known=_known(about={"roc_auc": 0.8}),
    ),
    Planned(
        "difference of AUC, paired",
        "metric: roc_auc, versus_baseline: {max_drop: 0.05}",
        _paired_auc,
        known=_known(about={"roc_auc": 0.8}),
        paired=True,
    ),
    Planned(
        "four fifths, two groups",
        "disparity: selection_rate, groups: [sex], min_ratio: 0.8, require: {sex: [f, m]}",
        lambda dice, n: _groups(dice, "selection_rate", 0.3, n, "f m"),
        known=_known(about={"selection_rate": 0.3}),
    ),
    Planned(
        "gap, three groups",
        "disparity: accuracy, groups: [sex], max_gap: 0.08, require: {sex: [f, m, x]}",
        lambda dice, n: _groups(dice, "accuracy", 0.85, n, "f m x"),
        known=_known(about={"accuracy": 0.85}),
    ),
    Planned(
        "gap to a named group",
        "disparity: accuracy, groups: [sex], max_gap: 0.08, reference: m, require: {sex: [f, m]}",
        lambda dice, n: _groups(dice, "accuracy", 0.85, n, "f m"),
        known=_known(about={"accuracy": 0.85}),
    ),
    Planned(
        "distribution",
        "metric: latency, unit: s, distribution: {direction: increase, tolerance: 0.2}",
        _two_latencies,
        known=_LATENCY,
    ),
    Planned(
        "distribution, either way",
        "metric: latency, unit: s, distribution: {direction: either, tolerance: 0.2}",
        _two_latencies,
        known=_LATENCY,
    ),
    Planned(
        "experiment",
        "experiment: {primary: {metric: task_completion, min_gain: 0.02}, "
        "guardrails: [{metric: cost_per_task, max_rise_percent: 10, unit: USD}]}",
        _experiment,
        known=_known({"cost_per_task": Spread(0.5, relative=True)}, {"task_completion": 0.2}),
    ),
    Planned(
        "statistic with a stated error",
        "metric: cost_per_success, max: 1.4, target: 1.25, unit: USD",
        lambda dice, n: submission(_ratio(dice, n)),
        # By the delta method: sqrt(.25 + 1.25^2 * .16) / .8.
        known=_known({"cost_per_success": Spread(0.8839)}),
    ),
)
