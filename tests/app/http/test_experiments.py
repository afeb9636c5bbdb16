"""The experiment calculator over HTTP."""

from tests.app.http.service import Service

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
