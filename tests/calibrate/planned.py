"""Candidates as good as `policy plan` assumes, with the sample that it recommends, decided.

One row for each kind of rule and of measurement: the share of them that is not cleared may be 20%
at most, and should not be far below, or the plan would ask for more than it takes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from numpy.random import Generator

from gates.decision import decide
from gates.evidence import Measurement, Submission
from gates.history import History
from gates.planning import Known, Spread, given, plan
from gates.planning.pilot import of_pilot
from gates.policy import Policy
from gates.verdict import Outcome, Verdict
from tests.calibrate import candidates
from tests.gates.build import AT, policy, submission

PLANNED = "defaults: {looks: planned(2)}"
ANYTIME = "defaults: {looks: anytime, n_plan: 1000}"
SCORED = f"{PLANNED}\nscore: {{weights: {{quality: 1}}, pass: 100, escalate: 50}}"


@dataclass(frozen=True)
class Planned:
    """A rule, what is known beforehand, and how a candidate as good as planned answers n times.

    `beside` are further rules of the same policy. `pilot` is the size of a pilot drawn alike, from
    which all that is known is learned; 0 where `known` says it.
    """

    name: str
    rule: str
    draw: Callable[[Generator, int], Submission]
    known: Known = field(default_factory=Known)
    header: str = PLANNED
    paired: bool = False
    least: float = 0.02
    """The share of escalations below which the plan would ask for too much."""
    beside: tuple[str, ...] = ()
    pilot: int = 0

    @property
    def policy(self) -> Policy:
        """The rules as one policy."""
        return policy(self.rule, *self.beside, header=self.header)

    @property
    def learned(self) -> Known:
        """What is known beforehand."""
        if not self.pilot:
            return self.known
        dice = np.random.default_rng(crc32(f"{self.name}, pilot".encode()))
        return of_pilot(self.policy, self.draw(dice, self.pilot), AT)

    @property
    def samples(self) -> int:
        """The sample that is recommended: the largest that a rule, or the score, asks."""
        found = []
        for item in plan(self.policy, known=self.learned):
            n = item.paired if self.paired else item.samples
            if n is None:
                raise ValueError(f"{self.name}: {item.message}")
            found.append(n)
        return max(found)


@dataclass(frozen=True)
class Shown:
    """What came out: the sample, and the shares of verdicts."""

    n: int
    escalated: float
    failed: float


def shares(case: Planned, tries: int) -> Shown:
    """How often the planned candidate escalates or fails with the planned sample."""
    dice = np.random.default_rng(crc32(case.name.encode()))
    rules, n = case.policy, case.samples
    escalated = failed = 0
    for _ in range(tries):
        made = decide(rules, case.draw(dice, n), History(), (), AT)
        # A guard alone carries no pass (`nothing_proven`): there the finding counts.
        held = all(finding.outcome is Outcome.PASS for finding in made.findings)
        escalated += made.verdict is Verdict.ESCALATE and not held
        failed += made.verdict is Verdict.FAIL
    return Shown(n, escalated / tries, failed / tries)


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
        lambda dice, n: submission(candidates.count(dice, "accuracy", 0.9, n)),
        least=0.1,
    ),
    Planned(
        "rate, anytime",
        "metric: accuracy, min: 0.85, target: 0.9",
        lambda dice, n: submission(candidates.count(dice, "accuracy", 0.9, n)),
        header=ANYTIME,
        least=0.1,
    ),
    Planned(
        "rate between two limits",
        "metric: accuracy, min: 0.85, max: 0.95",
        lambda dice, n: submission(candidates.count(dice, "accuracy", 0.9, n)),
    ),
    Planned(
        "rate, guard",
        "metric: recall, min: 0.8, mode: guard, notice: 0.05",
        lambda dice, n: submission(candidates.count(dice, "recall", 0.8, n)),
    ),
    Planned(
        "quantile",
        "metric: latency, quantile: 0.95, max: 0.8, unit: s",
        # 2.5% of these lie above the limit.
        lambda dice, n: submission(
            candidates.scores("latency", 0.8 * dice.lognormal(-0.5 * 1.959964, 0.5, n), unit="s")
        ),
        least=0.1,
    ),
    Planned(
        "judge scores",
        f"{_JUDGED}, min: 3.8, target: 4",
        lambda dice, n: submission(candidates.judged(dice, n)),
        least=0.1,
    ),
    Planned(
        "judge scores, anytime",
        f"{_JUDGED}, min: 3.8, target: 4",
        lambda dice, n: submission(candidates.judged(dice, n)),
        header=ANYTIME,
    ),
    Planned(
        "judge scores, strict",
        f"{_JUDGED}, min: 3.8, target: 4, strict: true",
        lambda dice, n: submission(
            candidates.scores(
                "relevance", candidates.beta(dice, 4.0, 1.0, (1, 5), n), ids=candidates.ids(n)
            )
        ),
    ),
    Planned(
        "judge scores, guard",
        f"{_JUDGED}, min: 4, mode: guard, notice: 0.2",
        lambda dice, n: submission(candidates.judged(dice, n)),
    ),
    Planned(
        "cost without a range",
        "metric: cost_per_inference, max: 0.004, target: 0.003, unit: USD",
        lambda dice, n: submission(
            candidates.scores(
                "cost_per_inference", candidates.lognormal(dice, 0.003, 1.0, n), unit="USD"
            )
        ),
        known=_FIFTH,
    ),
    Planned(
        "length between two limits",
        "metric: response_length, min: 20, max: 60",
        lambda dice, n: submission(
            candidates.scores("response_length", dice.normal(40.0, 90.0, n))
        ),
        known=_known({"response_length": Spread(90.0)}),
    ),
    Planned(
        "F1 from counts",
        "metric: f1, min: 0.8, target: 0.85",
        lambda dice, n: submission(candidates.count(dice, "f1", 0.85 / (2 - 0.85), n)),
        least=0.1,
    ),
    Planned(
        "AUC",
        "metric: roc_auc, min: 0.8, target: 0.85",
        lambda dice, n: submission(candidates.labelled(dice, n, 0.85)),
    ),
    Planned(
        "kappa",
        "metric: kappa, min: 0.6, target: 0.7",
        lambda dice, n: submission(candidates.kappa(dice, n, 0.7)),
    ),
    Planned(
        "correlation",
        "metric: pearson, min: 0.6, target: 0.7",
        lambda dice, n: submission(candidates.series(dice, n, 0.7)),
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
        candidates.separate_rates,
        known=_known(about={"accuracy": 0.85}),
        least=0.1,
    ),
    Planned(
        "difference of rates, anytime",
        "metric: accuracy, versus_baseline: {max_drop: 0.05}",
        candidates.separate_rates,
        known=_known(about={"accuracy": 0.85}),
        header=ANYTIME,
    ),
    Planned(
        "difference of rates in percent",
        "metric: accuracy, versus_baseline: {max_drop_percent: 5}",
        candidates.separate_rates,
        known=_known(about={"accuracy": 0.85}),
    ),
    Planned(
        "difference of rates, paired",
        "metric: accuracy, versus_baseline: {max_drop: 0.03}",
        candidates.paired_rates,
        known=_known(about={"accuracy": 0.85}),
        paired=True,
        least=0.1,
    ),
    Planned(
        "gain of a rate",
        "metric: accuracy, versus_baseline: {min_gain: 0.03}",
        lambda dice, n: candidates.against(
            candidates.count(dice, "accuracy", 0.86, n), candidates.count(dice, "accuracy", 0.80, n)
        ),
        known=_known(about={"accuracy": 0.8}),
    ),
    Planned(
        "difference of judge scores",
        f"{_JUDGED}, versus_baseline: {{max_drop: 0.2}}",
        lambda dice, n: candidates.against(
            candidates.scores("relevance", candidates.beta(dice, 3.0, 1.0, (1, 5), n)),
            candidates.scores("relevance", candidates.beta(dice, 3.0, 1.0, (1, 5), n)),
        ),
        least=0.1,
    ),
    Planned(
        "difference of judge scores, paired",
        f"{_JUDGED}, versus_baseline: {{max_drop: 0.2}}",
        candidates.paired_scores,
        paired=True,
    ),
    Planned(
        "difference of rates, strict",
        "metric: accuracy, strict: true, versus_baseline: {max_drop: 0.05}",
        candidates.separate_rates,
        known=_known(about={"accuracy": 0.85}),
    ),
    Planned(
        "difference of rates, strict, paired",
        "metric: accuracy, strict: true, versus_baseline: {max_drop: 0.03}",
        candidates.paired_rates,
        known=_known(about={"accuracy": 0.85}),
        paired=True,
    ),
    Planned(
        "difference of judge scores, strict",
        f"{_JUDGED}, strict: true, versus_baseline: {{max_drop: 0.2}}",
        candidates.separate_scores,
    ),
    Planned(
        "difference of judge scores, strict, paired",
        f"{_JUDGED}, strict: true, versus_baseline: {{max_drop: 0.2}}",
        candidates.paired_scores,
        paired=True,
    ),
    Planned(
        "difference of costs in percent",
        "metric: cost_per_inference, unit: USD, versus_baseline: {max_rise_percent: 20}",
        lambda dice, n: candidates.against(
            candidates.scores(
                "cost_per_inference", candidates.lognormal(dice, 0.003, 1.0, n), unit="USD"
            ),
            candidates.scores(
                "cost_per_inference", candidates.lognormal(dice, 0.003, 1.0, n), unit="USD"
            ),
        ),
        known=_FIFTH,
    ),
    Planned(
        "difference of p95 in percent",
        "metric: latency, quantile: 0.95, unit: s, versus_baseline: {max_rise_percent: 10}",
        candidates.two_latencies,
        known=_LATENCY,
    ),
    Planned(
        "difference of F1",
        "metric: f1, versus_baseline: {max_drop: 0.05}",
        lambda dice, n: candidates.against(
            candidates.count(dice, "f1", 0.8 / 1.2, n), candidates.count(dice, "f1", 0.8 / 1.2, n)
        ),
        known=_known(about={"f1": 0.8}),
    ),
    Planned(
        "difference of AUC",
        "metric: roc_auc, versus_baseline: {max_drop: 0.05}",
        lambda dice, n: candidates.against(
            candidates.labelled(dice, n, 0.8), candidates.labelled(dice, n, 0.8)
        ),
        known=_known(about={"roc_auc": 0.8}),
    ),
    Planned(
        "difference of AUC, paired",
        "metric: roc_auc, versus_baseline: {max_drop: 0.05}",
        candidates.paired_auc,
        known=_known(about={"roc_auc": 0.8}),
        paired=True,
    ),
    Planned(
        "four fifths, two groups",
        "disparity: selection_rate, groups: [sex], min_ratio: 0.8, require: {sex: [f, m]}",
        lambda dice, n: candidates.groups(dice, "selection_rate", 0.3, n, "f m"),
        known=_known(about={"selection_rate": 0.3}),
    ),
    Planned(
        "gap, three groups",
        "disparity: accuracy, groups: [sex], max_gap: 0.08, require: {sex: [f, m, x]}",
        lambda dice, n: candidates.groups(dice, "accuracy", 0.85, n, "f m x"),
        known=_known(about={"accuracy": 0.85}),
    ),
    Planned(
        "gap to a named group",
        "disparity: accuracy, groups: [sex], max_gap: 0.08, reference: m, require: {sex: [f, m]}",
        lambda dice, n: candidates.groups(dice, "accuracy", 0.85, n, "f m"),
        known=_known(about={"accuracy": 0.85}),
    ),
    Planned(
        "distribution",
        "metric: latency, unit: s, distribution: {direction: increase, tolerance: 0.2}",
        candidates.two_latencies,
        known=_LATENCY,
    ),
    Planned(
        "distribution, either way",
        "metric: latency, unit: s, distribution: {direction: either, tolerance: 0.2}",
        candidates.two_latencies,
        known=_LATENCY,
    ),
    Planned(
        "experiment",
        "experiment: {primary: {metric: task_completion, min_gain: 0.02}, "
        "guardrails: [{metric: cost_per_task, max_rise_percent: 10, unit: USD}]}",
        candidates.experiment,
        known=_known({"cost_per_task": Spread(0.5, relative=True)}, {"task_completion": 0.2}),
    ),
    Planned(
        "statistic with a stated error",
        "metric: cost_per_success, max: 1.4, target: 1.25, unit: USD",
        lambda dice, n: submission(candidates.ratio(dice, n)),
        # By the delta method: sqrt(.25 + 1.25^2 * .16) / .8.
        known=_known({"cost_per_success": Spread(0.8839)}),
    ),
    Planned(
        "judge scores, by a pilot of 2000",
        f"{_JUDGED}, min: 3.8, target: 4",
        lambda dice, n: submission(candidates.judged(dice, n)),
        pilot=2000,
    ),
    Planned(
        "rate of clustered questions, by a pilot of 5000",
        "metric: accuracy, min: 0.75, target: 0.85",
        lambda dice, n: submission(candidates.clustered(dice, 0.85, n)),
        pilot=5000,
    ),
    Planned(
        "difference of judge scores, paired, by a pilot of 2000",
        f"{_JUDGED}, versus_baseline: {{max_drop: 0.2}}",
        candidates.paired_scores,
        paired=True,
        pilot=2000,
    ),
    Planned(
        "score of two weighed rules",
        "metric: accuracy, min: 0.85, target: 0.9, on_fail: weigh",
        lambda dice, n: submission(
            candidates.count(dice, "accuracy", 0.9, n), candidates.count(dice, "recall", 0.8, n)
        ),
        header=SCORED,
        beside=("metric: recall, min: 0.7, target: 0.8, on_fail: weigh",),
    ),
)
