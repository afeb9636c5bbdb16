"""What is measured is what the table says: 40 measurements, 12 rules, equal limits, a real pass."""

import json
from datetime import UTC, datetime

from app.evaluations.schemas import SubmissionIn
from gates.decision import decide
from gates.history import History
from gates.policy import load
from gates.verdict import Outcome, Verdict
from tests.bench import sample
from tests.bench.rivals import SubmissionIn as RivalSubmissionIn
from tests.bench.table import Row, Spread, render

POLICY = load(sample.POLICY, lambda _: None)


def test_the_sample_is_as_large_as_the_table_says() -> None:
    assert len(sample.MEASUREMENTS) == 40
    assert len(POLICY.rules()) == 12
    assert 4000 < len(sample.body()) < 6000


def test_every_rule_of_the_sample_holds() -> None:
    decision = decide(
        POLICY, sample.submission(), History(), (), datetime(2026, 11, 21, tzinfo=UTC)
    )
    assert {f.rule: f.outcome for f in decision.findings if f.outcome is not Outcome.PASS} == {}
    assert decision.verdict is Verdict.PASS


def test_the_samples_differ_and_hold_all_the_same() -> None:
    sent = [json.loads(body) for body in sample.bodies(50)]
    assert len({item["measurements"][0]["n"] for item in sent}) > 40
    for item in sent:
        asked = sample.submission(item["measurements"])
        made = decide(POLICY, asked, History(), (), datetime(2026, 11, 21, tzinfo=UTC))
        assert made.verdict is Verdict.PASS


def test_the_others_are_asked_the_same_limits() -> None:
    rules = {
        rule["metric"] + ("_p95" if "quantile" in rule else ""): rule
        for gate in POLICY.document["gates"].values()
        for rule in gate
    }
    assert rules.keys() == sample.LIMITS.keys()
    for name, (_, limit, higher) in sample.LIMITS.items():
        assert rules[name]["min" if higher else "max"] == limit


def test_service_and_rival_validate_the_same_body() -> None:
    body = sample.body()
    assert body.count(sample.MARK.encode()) == 1
    ours = SubmissionIn.model_validate_json(body)
    theirs = RivalSubmissionIn.model_validate_json(body)
    assert len(ours.measurements) == len(theirs.measurements) == 40


def test_the_table_names_a_task_once_and_aligns() -> None:
    spread = Spread.of([3.0, 1.0, 2.0])
    text = render([Row("t", "a", {"ms": spread}), Row("t", "bb", {"ms": spread}, "2 x")])
    assert text.splitlines()[2:] == [
        "t     a    2.00 (1.00-3.00) ms",
        "      bb   2.00 (1.00-3.00) ms  2 x",
    ]
