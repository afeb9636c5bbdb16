"""A candidate as good as planned, with the sample that is recommended, is rarely left open."""

from math import sqrt

import pytest

from gates.planning import BETA
from gates.rules.registry import KINDS
from tests.calibrate import planned
from tests.calibrate.planned import Planned

FEW = {
    "difference of rates, anytime": 60,
    "distribution, either way": 100,
    "difference of rates, strict, paired": 100,
    "difference of judge scores, strict": 100,
}
"""Tries of what takes long."""


@pytest.mark.parametrize("case", planned.ALL, ids=lambda case: case.name)
def test_a_planned_candidate_escalates_at_most_one_time_in_five(case: Planned) -> None:
    tries = FEW.get(case.name, 250)
    found = planned.shares(case, tries)
    slack = 3.0 * sqrt(BETA * (1.0 - BETA) / tries)
    assert found.escalated <= BETA + slack
    assert found.escalated >= case.least - slack, "the plan asks for more than it takes"
    # A guard is planned for a candidate at its limit, where a violation is shown 5 times in 100.
    assert found.failed <= 0.05 + 3.0 * sqrt(0.05 * 0.95 / tries)


def test_every_sampled_kind_of_rule_is_among_them() -> None:
    rules = " ".join(case.rule for case in planned.ALL)
    sampled = {"versus_baseline", "disparity", "distribution", "experiment"}
    assert sampled <= set(KINDS)
    assert all(f"{kind}:" in rules for kind in sampled)
