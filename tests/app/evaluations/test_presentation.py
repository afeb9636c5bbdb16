import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from math import inf, nan

import pytest

from app.evaluations.presentation import decision_json, offline_json, time_text
from gates.decision import Decision, decide
from gates.evidence import Candidate, Evidence, Measurement, Submission
from gates.finding import Observed
from gates.history import History
from gates.policy import load

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
POLICY = """
policy: bot
owner: team
applies_to: {model: "*", stage: "*"}
gates:
  quality: [{metric: accuracy, by: [language], min: 0.85, target: 0.9}]
grants: {traffic_max: 0.05}
valid_days: 30
"""


def decided(count: int, policy: str = POLICY) -> Decision:
    measured = Measurement("accuracy", count=count, n=500, slice=(("language", "de"),))
    submission = Submission(Candidate("bot", "7"), "evaluation", Evidence((measured,)))
    return decide(load(policy, lambda _: None), submission, History(), (), AT)


def test_the_decision_has_the_shape_of_the_api():
    made = decision_json(decided(445), id="dec_1", status="passed", policy_version=3)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert made["id"] == "dec_1"
    assert made["policy"]["version"] == 3
    assert made["grants"] == {"traffic_max": 0.05}
    assert made["decided_at"] == "2026-11-24T09:30:00.000000Z"
    assert "audit" not in made
    finding = made["gates"][0]["findings"][0]
    assert made["gates"][0]["gate"] == "quality"
    assert finding["slice"] == {"language": "de"}
    assert finding["outcome"] == "pass"
    assert finding["limit"] == {"min": 0.85}
    assert finding["target"] == 0.9
    assert (finding["observed"]["count"], finding["observed"]["n"]) == (445, 500)
    assert 0.85 < finding["observed"]["lower"] < 0.89 < finding["observed"]["upper"]


def test_everything_is_plain_json():
    def plain(value: object) -> bool:
        if type(value) is dict:
            return all(type(key) is str and plain(item) for key, item in value.items())
        if type(value) is list:
            return all(map(plain, value))
        return value is None or type(value) in {str, int, float, bool}

    for count in (445, 435, 400):
        assert plain(offline_json(decided(count)))


@pytest.mark.parametrize("number", [inf, -inf, nan])
def test_json_never_carries_what_it_cannot(number):
    made = decided(445)
    gate = made.gates[0]
    endless = replace(gate.findings[0], observed=Observed(value=number, lower=number, upper=number))
    broken = replace(made, gates=(replace(gate, findings=(endless,)),))
    seen = decision_json(broken)["gates"][0]["findings"][0]["observed"]
    assert (seen["value"], seen["lower"], seen["upper"]) == (None, None, None)


def test_an_offline_decision_is_in_no_record():
    made = offline_json(decided(400), notes=["a note"])
    assert made["id"] is None
    assert made["audit"] is None
    assert made["status"] == "failed"
    assert made["valid_until"] is None
    assert made["notes"] == ["a note"]


def test_an_offline_pass_ends_with_the_policy():
    made = offline_json(decided(445))
    assert made["status"] == "passed"
    assert made["valid_until"] == time_text(AT + timedelta(days=30))


def test_an_escalation_says_whom_it_asks():
    made = decision_json(decided(435))
    assert made["status"] == "pending"
    assert made["review"]["id"] is None
    assert all(need["have"] == 0 for need in made["review"]["needed"])


def test_an_observing_policy_asks_nobody():
    made = decision_json(decided(435, POLICY + "observe: true\n"))
    assert made["status"] == "observed"
    assert made["review"] is None


def test_the_service_adds_what_it_knows():
    review = {"id": "rev_1", "status": "open"}
    made = decision_json(decided(435), review=review, links={"self": "/x"}, valid_until="later")
    assert made["review"] == review
    assert made["links"] == {"self": "/x"}
    assert made["valid_until"] == "later"


def test_times_are_utc_whatever_their_zone():
    there = AT.astimezone(timezone(timedelta(hours=9)))
    assert time_text(there) == "2026-11-24T09:30:00.000000Z"
