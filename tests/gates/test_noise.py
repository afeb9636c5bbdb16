"""61 runs of one unchanged model must not be told apart: noise alone never flips pass and fail."""

from fractions import Fraction

import pytest

from gates.history import History, Look
from gates.verdict import Verdict
from tests.gates.build import judge, m, policy

RUNS = {
    "0.840": 2,
    "0.845": 3,
    "0.850": 7,
    "0.855": 13,
    "0.860": 12,
    "0.865": 10,
    "0.870": 7,
    "0.875": 5,
    "0.880": 2,
}
"""Accuracy on 200 items -> how many of the 61 runs had it."""
N = 200


@pytest.mark.parametrize("looks", ["single", "planned(2)", "anytime, n_plan: 200"])
def test_an_unchanged_model_never_flips_between_pass_and_fail(looks):
    assert sum(RUNS.values()) == 61
    rules = policy("metric: accuracy, min: 0.85", header=f"defaults: {{looks: {looks}}}")
    by_counts = {
        judge(rules, m("accuracy", count=int(Fraction(run) * N), n=N)).verdict for run in RUNS
    }
    by_values = {judge(rules, m("accuracy", value=float(run), n=N)).verdict for run in RUNS}
    assert by_counts == by_values == {Verdict.ESCALATE}


@pytest.mark.parametrize("backwards", [False, True])
def test_running_it_again_until_it_passes_does_not_work_either(backwards):
    rules = policy("metric: accuracy, min: 0.85", header="defaults: {looks: planned(2)}")
    past: tuple[Look, ...] = ()
    verdicts = set()
    for run in sorted(RUNS, reverse=backwards):
        seen = m("accuracy", count=int(Fraction(run) * N), n=N)
        made = judge(rules, seen, history=History(looks=past))
        past += made.looks
        verdicts.add(made.verdict)
    assert verdicts == {Verdict.ESCALATE}


def test_a_point_estimate_would_flip():
    assert {Fraction(run) >= Fraction("0.85") for run in RUNS} == {True, False}
