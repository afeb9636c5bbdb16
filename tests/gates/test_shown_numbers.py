"""What is shown never contradicts the outcome: rounding moves no number across its limit."""

import re
from collections.abc import Callable, Iterator
from math import isclose

import numpy as np
import pytest
from numpy.random import Generator

from gates.evidence import Exceed, Measurement, Submission
from gates.explanation import limits_of, reads_as_percent
from gates.finding import Finding, Observed
from gates.nearest import flip
from gates.verdict import Mode, Outcome
from tests.gates.build import decided, m, policy, submission

_NUMBER = r"([+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?:%| points)?"
_SURE = re.compile(
    rf"confidence (?:it|the difference) is (?:at least {_NUMBER})?(?: and )?(?:at most {_NUMBER})?"
)
_OPEN = re.compile(rf"looks (good|short), but this sample cannot rule out {_NUMBER}")
_NEAR = (0.0, 1e-6, 1e-4, 3e-4, 1e-3, 5e-3, 0.02, 0.1)

Draw = Callable[[Generator], Submission]


def _n(dice: Generator) -> int:
    return int(dice.choice([20, 100, 333, 2_000, 50_000, 1_000_000]))


def _off(dice: Generator, limit: float) -> float:
    """A number on or near the limit, on either side."""
    return limit + float(dice.choice([-1, 1])) * float(dice.choice(_NEAR))


def _count(dice: Generator, metric: str, limit: float, **fields: object) -> Measurement:
    n = _n(dice)
    x = min(n, max(0, round(n * _off(dice, limit)) + int(dice.integers(-1, 2))))
    return m(metric, count=x, n=n, n_errored=int(dice.choice([0, 0, 1])), **fields)


def _value(dice: Generator, metric: str, limit: float, sd: float, **fields: object) -> Measurement:
    n = _n(dice)
    return m(metric, value=_off(dice, limit), stderr=sd / n**0.5, n=n, **fields)


def _scores(dice: Generator, metric: str, centre: float, sd: float, n: int = 150) -> Measurement:
    values = dice.normal(_off(dice, centre), sd, n)
    return m(metric, scores=tuple(np.abs(values).tolist()), unit="s")


def _groups(dice: Generator) -> Submission:
    return submission(*(_count(dice, "accuracy", 0.8, slice={"sex": name}) for name in "fmx"))


def _tail(dice: Generator) -> Submission:
    n = _n(dice)
    over = min(n, max(0, round(n * _off(dice, 0.05))))
    return submission(m("latency", exceed=Exceed(0.8, over), n=n, unit="s"))


def _two(one: Measurement, two: Measurement) -> Submission:
    return submission(one, baseline=[two])


CASES: dict[str, Draw] = {
    "metric: accuracy, min: 0.95": lambda d: submission(_count(d, "accuracy", 0.95)),
    "metric: attack_success_rate, max: 0.02": lambda d: submission(
        _count(d, "attack_success_rate", 0.02)
    ),
    "metric: accuracy, min: 0.8, max: 0.95": lambda d: submission(
        _count(d, "accuracy", float(d.choice([0.8, 0.95])))
    ),
    "metric: accuracy, min: 0.9, mode: guard, notice: 0.02": lambda d: submission(
        _count(d, "accuracy", float(d.choice([0.88, 0.9])))
    ),
    "metric: attack_success_rate, max_count: 0, rate_below: 0.01": lambda d: submission(
        m("attack_success_rate", count=int(d.choice([0, 0, 0, 1])), n=int(d.integers(290, 310)))
    ),
    "metric: relevance, min: 4, range: [1, 5]": lambda d: submission(
        _value(d, "relevance", 4.0, 1.0)
    ),
    "metric: cost_per_inference, max: 0.004, unit: USD": lambda d: submission(
        _value(d, "cost_per_inference", 0.004, 0.002, unit="USD")
    ),
    "metric: response_length, min: 20, max: 400": lambda d: submission(
        _value(d, "response_length", float(d.choice([20.0, 300.0, 400.0, 450.0])), 100.0)
    ),
    "metric: latency, quantile: 0.95, max: 0.8, unit: s": _tail,
    "metric: latency, quantile: 0.5, max: 0.8, unit: s": lambda d: submission(
        _scores(d, "latency", 0.8, 0.1)
    ),
    "metric: f1, min: 0.8": lambda d: submission(_count(d, "f1", 2 / 3)),
    "metric: accuracy, versus_baseline: {max_drop: 0.02}": lambda d: _two(
        _count(d, "accuracy", 0.88), _count(d, "accuracy", 0.9)
    ),
    "metric: accuracy, versus_baseline: {min_gain: 0.01}": lambda d: _two(
        _count(d, "accuracy", 0.91), _count(d, "accuracy", 0.9)
    ),
    "metric: accuracy, versus_baseline: {max_drop_percent: 5}": lambda d: _two(
        _count(d, "accuracy", 0.855), _count(d, "accuracy", 0.9)
    ),
    "metric: mean_latency, unit: s, versus_baseline: {max_rise: 0.1}": lambda d: _two(
        _value(d, "mean_latency", 1.1, 0.5, unit="s"), _value(d, "mean_latency", 1.0, 0.5, unit="s")
    ),
    "disparity: accuracy, groups: [sex], min_ratio: 0.8": _groups,
    "disparity: accuracy, groups: [sex], max_gap: 0.05": _groups,
    "metric: latency, unit: s, distribution: {direction: increase, tolerance: 0.2}": lambda d: _two(
        _scores(d, "latency", 1.2, 0.2, 60), _scores(d, "latency", 1.0, 0.2, 60)
    ),
    "experiment: {primary: {metric: task_completion, min_gain: 0.01}}": lambda d: _two(
        m("task_completion", count=int(d.integers(900, 1100)), n=5000),
        m("task_completion", count=int(d.integers(900, 1000)), n=5000),
    ),
}


def _findings(rule: str, tries: int) -> Iterator[tuple[Finding, Observed]]:
    dice = np.random.default_rng(7)
    rules = policy(rule)
    for _ in range(tries):
        for finding in decided(rules, CASES[rule](dice)).findings:
            if finding.observed is not None:
                yield finding, finding.observed


def _at_most(shown: float, limit: float) -> bool:
    """At most, but for the last digit of a double."""
    return shown <= limit or isclose(shown, limit, rel_tol=1e-9)


@pytest.mark.parametrize("rule", CASES)
def test_bounds_and_estimates_are_shown_on_their_own_side_of_the_limit(rule: str) -> None:
    seen_outcomes = set()
    for finding, seen in _findings(rule, 150):
        seen_outcomes.add(finding.outcome)
        low, high = limits_of(finding, seen)
        scale = 100.0 if reads_as_percent(finding, seen) else 1.0
        low = None if low is None else low * scale
        high = None if high is None else high * scale
        said = finding.message
        if (sure := _SURE.search(said)) is not None:
            least, most = (None if text is None else float(text) for text in sure.groups())
            match finding.outcome:
                case Outcome.PASS if finding.mode is not Mode.GUARD:
                    assert low is None or (least is not None and _at_most(low, least)), said
                    assert high is None or (most is not None and _at_most(most, high)), said
                case Outcome.FAIL:
                    misses_low = low is not None and most is not None and _at_most(most, low)
                    misses_high = high is not None and least is not None and _at_most(high, least)
                    assert misses_low or misses_high, said
        if (open_ := _OPEN.search(said)) is not None:
            looks, shown = open_[1], float(open_[2])
            bad = (low is not None and shown < low) or (high is not None and shown > high)
            good = (low is None or _at_most(low, shown)) and (high is None or _at_most(shown, high))
            assert bad if looks == "good" else good, said
    assert len(seen_outcomes) > 1, "the cases lie on one side only"


@pytest.mark.parametrize("rule", CASES)
def test_a_flip_points_to_the_other_outcome(rule: str) -> None:
    for finding, _ in _findings(rule, 60):
        found = flip(finding)
        if found is not None:
            assert (found.by < 0.0) is (finding.outcome is Outcome.PASS)
            shown = re.search(_NUMBER, found.words.replace("about ", ""))
            assert found.samples is None or found.samples > 0
            assert shown is None or float(shown[1]) > 0.0, found.words
