"""Break-glass: own role, a day at most, loud, judged afterwards, and it changes no verdict."""

from datetime import timedelta

import pytest

from app.jobs.running import run_due
from app.record.completeness import compare
from tests.app.http.service import FAILS, Service

REASON = {"reason": "Customers are locked out; the old version is down."}
ASKED = "/v1/clearance?model=support-bot&version=42&stage=limited_release"


@pytest.fixture
def people(service: Service):
    service.publish()
    return {
        "oncall": service.key("oncall", "break_glass", "reviewer:security", person=True),
        "sam": service.key("sam", "reviewer:security", person=True),
        "bot": service.key("bot", "viewer"),
    }


def broken(service, people, **changes):
    made = service.submit(**FAILS).json()
    assert made["status"] == "failed"
    path = f"/v1/decisions/{made['id']}/break-glass"
    answer = service.call("POST", path, people["oncall"], json={**REASON, **changes})
    assert answer.status_code == 201, answer.text
    return made["id"], answer.json()


def test_it_lets_through_for_a_while_and_the_verdict_stays(service, people):
    decision, used = broken(service, people, hours=2)
    shown = service.call("GET", f"/v1/decisions/{decision}").json()
    assert (shown["verdict"], shown["status"]) == ("fail", "passed")
    assert (shown["break_glass"]["person"], shown["valid_until"]) == ("oncall", None)
    barrier = service.call("GET", f"/v1/decisions/{decision}/barrier")
    assert barrier.status_code == 200
    assert "glass was broken" in barrier.json()["reason"]
    held = service.call("GET", ASKED).json()
    assert (held["cleared"], held["valid_until"]) == (True, used["until"])
    assert "the verdict" in held["reason"]
    assert [
        d["id"] for d in service.call("GET", "/v1/decisions?status=passed").json()["items"]
    ] == [decision]
    service.clock.ahead = timedelta(hours=2, minutes=1)
    assert service.call("GET", ASKED).json()["cleared"] is False
    assert service.call("GET", f"/v1/decisions/{decision}").json()["status"] == "failed"
    assert compare(service.app.state.runtime.engine).is_complete


def test_who_may_break_it_and_what(service, people):
    made = service.submit(**FAILS).json()
    path = f"/v1/decisions/{made['id']}/break-glass"
    for token in (people["sam"], people["bot"], service.admin):
        assert service.call("POST", path, token, json=REASON).status_code == 403
    too_long = service.call("POST", path, people["oncall"], json={**REASON, "hours": 25})
    assert too_long.status_code == 422
    assert service.call("POST", path, people["oncall"], json={}).status_code == 422
    passed = service.submit(version="50").json()
    refused = service.call("POST", f"/v1/decisions/{passed['id']}/break-glass", people["oncall"],
                           json=REASON)  # fmt: skip
    assert (refused.status_code, refused.json()["type"]) == (409, "not-breakable")


def test_somebody_else_judges_it_and_may_end_it(service, people):
    decision, used = broken(service, people)
    path = f"/v1/break-glass/{used['id']}/review"
    body = {"outcome": "unjustified", "comment": "The old version was up all along."}
    own = service.call("POST", path, people["oncall"], json=body)
    assert (own.status_code, own.json()["type"]) == (403, "forbidden")
    waiting = service.call("GET", "/v1/break-glass?review=open").json()["items"]
    assert [item["id"] for item in waiting] == [used["id"]]
    judged = service.call("POST", path, people["sam"], json=body)
    assert (judged.status_code, judged.json()["review_status"]) == (200, "closed")
    assert service.call("GET", ASKED).json()["cleared"] is False
    assert service.call("POST", path, people["sam"], json=body).status_code == 409
    assert service.call("GET", "/v1/break-glass?review=open").json()["items"] == []
    log = service.call("GET", f"/v1/audit/entries?subject={decision}").json()["items"]
    assert [e["type"] for e in log if e["type"].startswith("break")] == [
        "break_glass.used",
        "break_glass.reviewed",
    ]
    run_due(service.app.state.runtime, service.clock() + timedelta(days=5))
    overdue = service.call("GET", "/v1/audit/entries?type=break_glass.overdue").json()["items"]
    assert overdue == []
    assert compare(service.app.state.runtime.engine).is_complete


def test_a_use_that_nobody_looks_at_is_said_aloud_once(service, people):
    _, used = broken(service, people)
    runtime = service.app.state.runtime
    service.clock.ahead = timedelta(hours=73)
    run_due(runtime, service.clock())
    run_due(runtime, service.clock())
    overdue = service.call("GET", "/v1/audit/entries?type=break_glass.overdue").json()["items"]
    assert len(overdue) == 1
    shown = service.call("GET", f"/v1/break-glass/{used['id']}").json()
    assert shown["review_status"] == "overdue"


def test_what_came_through_is_neither_baseline_nor_passed_stage(service, people):
    policy = """
policy: rollout
owner: genai-platform
applies_to: {model: "support-bot*", stage: monitoring}
gates:
  compliance:
    - {passed_stage: limited_release}
"""
    service.publish(policy, "rollout")
    broken(service, people)
    body = {
        "candidate": {"model": "support-bot", "version": "42"},
        "stage": "monitoring",
        "measurements": [],
    }
    made = service.call("POST", "/v1/evaluations", json=body).json()
    assert made["verdict"] == "fail", made


def test_revoking_ends_it_for_good(service, people):
    decision, _ = broken(service, people)
    ended = service.call("POST", f"/v1/decisions/{decision}/revoke", people["sam"],
                         json={"reason": "worse than feared"})  # fmt: skip
    assert ended.json()["status"] == "revoked"
    assert service.call("GET", ASKED).json()["cleared"] is False
