"""The experiment calculator over HTTP."""

from typing import Any

from tests.app.http.service import ESCALATES, POLICY, Service

ARMS = [{"name": "control", "count": 1200, "n": 10000}, {"name": "new", "count": 1400, "n": 10000}]


def test_an_experiment_is_answered_and_a_plan_is_sized(service: Service):
    answer = service.call("POST", "/v1/experiments/analyze", json={"arms": ARMS})
    assert answer.status_code == 200
    body = answer.json()["analysis"]
    assert (body["verdict"], body["adopt"]) == ("adopt", "new")
    assert body["primary"][0]["effect"].startswith("2 more per 100")
    plan = {"plan": {"base": 0.1, "effect": 0.01}}
    sized = service.call("POST", "/v1/experiments/analyze", json=plan).json()["needed"]
    assert sized["per_arm"] > 10_000


def test_a_broken_request_points_at_its_fault(service: Service):
    arms = [ARMS[0], {**ARMS[1], "count": 20_000}]
    answer = service.call("POST", "/v1/experiments/analyze", json={"arms": arms})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/arms/1"
    outside = {"arms": ARMS, "range": [0, 1], "metric": "x"}
    outside["arms"] = [{"name": n, "values": [2.0, 3.0] * 60} for n in ("a", "b")]
    refused = service.call("POST", "/v1/experiments/analyze", json=outside)
    assert refused.status_code == 422
    assert service.client.post("/v1/experiments/analyze", json={"arms": ARMS}).status_code == 401


def test_lint_plans_and_says_what_stored_releases_expect(service: Service):
    yaml = {"Content-Type": "application/yaml"}

    def linted(text: str = POLICY) -> dict[str, Any]:
        answer = service.call("POST", "/v1/policies/lint?n=500", content=text, headers=yaml)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    first = linted()
    assert first["expected"] is None
    accuracy = first["plan"][0]
    assert (accuracy["gate"], accuracy["rule"], accuracy["provable"]) == (
        "quality",
        "accuracy",
        True,
    )
    assert accuracy["at_n"]["n"] == 500
    service.publish()
    service.submit()
    service.submit(version="43", **ESCALATES)
    expected = linted()["expected"]
    assert (expected["evaluations"], expected["passed"], expected["escalated"]) == (2, 1, 1)
    assert expected["lower"] < 0.5 < expected["upper"]
    stricter = linted(POLICY.replace("max: 0.02", "max: 0.001"))["expected"]
    assert stricter["escalated"] + stricter["failed"] == 2
    assert linted("policy: x")["plan"] == []


def test_lint_takes_spreads_and_learns_them_from_what_is_stored(service: Service):
    text = POLICY.replace("gates:", "gates:\n  cost: [{metric: csat, min: 4.0, target: 4.2}]")

    def planned(**given: Any) -> dict[str, Any]:
        body = {"policy": text, **given}
        answer = service.call("POST", "/v1/policies/lint", json=body)
        assert answer.status_code == 200, answer.text
        (found,) = (item for item in answer.json()["plan"] if item["rule"] == "csat")
        return dict(found)

    unknown = planned()
    assert unknown["samples"] is None
    assert "sd" in unknown["needs"]
    stated = planned(spreads={"csat": {"sd": 1.0}})
    assert (stated["needs"], stated["samples"] > 100) == ([], True)
    service.publish()
    service.submit(
        measurements=[{"metric": "csat", "scores": [3.0, 4.0, 5.0] * 50}],
    )
    learned = planned()
    assert learned["samples"] is not None
    assert "newest stored evaluations" in learned["message"]
    rules = "".join(f"\n    - {{id: r{i}, metric: recall, min: 0.8}}" for i in range(201))
    many = {"policy": POLICY.split("gates:")[0] + f"gates:\n  quality:{rules}\n"}
    answer = service.call("POST", "/v1/policies/lint", json=many).json()
    assert answer["plan"] == []
    assert "more than 200 rules" in answer["warnings"][-1]
    for wrong in ({"spreads": {"csat": {"sd": 0}}}, {"spreads": {"bleu": {"sd": 1}}}):
        refused = service.call("POST", "/v1/policies/lint", json={"policy": text, **wrong})
        assert refused.status_code == 422
