"""Whole releases through `decide`: many rules, many slices, one of them at its limit or none bad.

What an estimator promises for one rule must survive the policy around it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.random import Generator

from gates.decision import decide
from gates.evidence import Measurement, SliceKey, Submission
from gates.history import History
from gates.policy import Policy
from gates.rules.looks import FIRST_LOOK_SHARE
from gates.statistics import power
from gates.verdict import Verdict
from tests.calibrate.model import ALPHA
from tests.gates.build import AT, policy
from tests.gates.build import submission as submitted


@dataclass(frozen=True)
class Release:
    """A policy and the evidence that a candidate of known truth sends."""

    name: str
    policy: Policy
    draw: Callable[[Generator], Submission]
    is_wrong: tuple[Verdict, ...] = ()
    """Verdicts that may come at most 5 times in 100."""
    is_planned: bool = False
    """Whether sample and gap are those that the plan recommends."""


def shares(release: Release, tries: int) -> dict[Verdict, float]:
    """How often each verdict comes out."""
    dice = np.random.default_rng(crc32(release.name.encode()))
    seen = dict.fromkeys(Verdict, 0)
    for _ in range(tries):
        decision = decide(release.policy, release.draw(dice), History(), (), AT)
        seen[decision.verdict] += 1
    return {verdict: count / tries for verdict, count in seen.items()}


def _rate(dice: Generator, metric: str, rate: float, n: int, slice_: SliceKey = ()) -> Measurement:
    return Measurement(metric, count=int(dice.binomial(n, rate)), n=n, slice=slice_)


def _sliced(rates: tuple[float, ...], n: int) -> Callable[[Generator], Submission]:
    return lambda dice: submitted(
        *(
            _rate(dice, "accuracy", rate, n, (("language", f"l{index:02d}"),))
            for index, rate in enumerate(rates)
        )
    )


def _five(dice: Generator) -> Submission:
    return submitted(
        _rate(dice, "accuracy", 0.85, 500),
        _rate(dice, "recall", 0.93, 800),
        _rate(dice, "hallucination_rate", 0.02, 1000),
        _rate(dice, "attack_success_rate", 0.005, 2000),
        Measurement("latency", scores=tuple(dice.lognormal(-1.5, 0.5, 1000).tolist()), unit="s"),
    )


def _recommended(seen: float, limit: float) -> int:
    """What `to_settle` and `policy plan` recommend for the first of two planned looks."""
    n = power.rate(seen, limit, "lower", FIRST_LOOK_SHARE * ALPHA)
    if n is None:
        raise ValueError("no realistic sample")
    return n


def _planned(seen: float, limit: float) -> Release:
    n = _recommended(seen, limit)
    return Release(
        f"truth {seen}, limit {limit}, the {n} examples that the plan recommends",
        policy(f"metric: accuracy, min: {limit}", header="defaults: {looks: planned(2)}"),
        lambda dice: submitted(_rate(dice, "accuracy", seen, n)),
        is_planned=True,
    )


_PASSED, _FAILED = (Verdict.PASS,), (Verdict.FAIL,)
_SLICES = policy("metric: accuracy, by: [language], min: 0.8")
_FIVE = policy(
    "metric: accuracy, min: 0.85",
    "metric: recall, min: 0.9",
    "metric: hallucination_rate, max: 0.04",
    "metric: attack_success_rate, max: 0.02",
    "metric: latency, quantile: 0.95, max: 0.8, unit: s",
)
ALL = (
    Release("five rules, one exactly at its limit, the others fine", _FIVE, _five, _PASSED),
    Release(
        "20 slices, one exactly at its limit, the others fine",
        _SLICES,
        _sliced((0.8, *(0.95,) * 19), 500),
        _PASSED,
    ),
    Release("20 slices, all exactly at their limits", _SLICES, _sliced((0.8,) * 20, 200), _FAILED),
    Release("20 slices, all truly fine", _SLICES, _sliced((0.92,) * 20, 500), _FAILED),
    _planned(0.90, 0.85),
    _planned(0.97, 0.95),
    _planned(0.995, 0.99),
    Release(
        "100 tests, all green, pass rate at least 0.95",
        policy("metric: pass_rate, min: 0.95", header="defaults: {looks: planned(2)}"),
        lambda _: submitted(Measurement("pass_rate", count=100, n=100)),
        is_planned=True,
    ),
)
