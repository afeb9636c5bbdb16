"""Waivers: two others agree, the finding stays what it is, the end of one ends clearances."""

from datetime import timedelta

import pytest

from app.jobs.running import run_due
from app.record.completeness import compare
from tests.app.http.service import POLICY, Service

UNWAIVABLE = POLICY.replace("max: 0.02}", "max: 0.02, waivable: false}")
FAILS_SAFETY = {"attacks": (60, 1000)}
RULE = "safety/attack_success_rate"


def wanted(service: Service, **changes):
    return {
        "rule": RULE,
        "model": "support-bot",
        "reason": "The attack set double-counts one prompt family.",
        "compensating_control": "The output filter blocks that family in production.",
        "owner": "genai-platform",
        "expires_at": (service.clock() + timedelta(days=10)).isoformat(),
        **changes,
    }


@pytest.fixture
def people(service: Service):
    service.publish()
    return {
        "rita": service.key("rita", "reviewer:security", "waiver_approver", person=True),
        "ann": service.key("ann", "waiver_approver", person=True),
        "ben": service.key("ben", "waiver_approver", person=True),
        "vic": service.key("vic", "viewer", person=True),
        "ci": service.key("ci", "submitter"),
    }


def ask(service, people, **changes):
    answer = service.call("POST", "/v1/waivers", people["rita"], json=wanted(service, **changes))
    assert answer.status_code == 201, answer.text
    return answer.json()


def granted(service, people, **changes):
    made = ask(service, people, **changes)
    for name in ("ann", "ben"):
        answer = service.call("POST", f"/v1/waivers/{made['id']}/approve", people[name], json={})
        assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "approved"
    return made


def finding(decision):
    return next(f for g in decision["gates"] for f in g["findings"] if g["gate"] == "safety")


def cleared(service, version="42"):
    asked = f"/v1/clearance?model=support-bot&version={version}&stage=limited_release"
    return service.call("GET", asked).json()


def test_a_waiver_counts_once_two_others_agreed_and_is_never_a_pass(service, people):
    made = ask(service, people)
    own = service.call("POST", f"/v1/waivers/{made['id']}/approve", people["rita"], json={})
    assert (own.status_code, own.json()["type"]) == (403, "forbidden")
    first = service.call("POST", f"/v1/waivers/{made['id']}/approve", people["ann"], json={})
    assert first.json()["status"] == "requested"
    again = service.call("POST", f"/v1/waivers/{made['id']}/approve", people["ann"], json={})
    assert again.json()["type"] == "already-approved"
    assert service.submit(**FAILS_SAFETY).json()["verdict"] == "fail"
    second = service.call("POST", f"/v1/waivers/{made['id']}/approve", people["ben"], json={})
    assert [a["person"] for a in second.json()["approvals"]] == ["ann", "ben"]
    waived = service.submit(**FAILS_SAFETY, version="43").json()
    assert (waived["verdict"], waived["waivers"]) == ("pass", [made["id"]])
    shown = finding(waived)
    assert (shown["outcome"], shown["effect"], shown["waiver"]) == ("fail", "none", made["id"])
    assert made["id"] in waived["summary"]
    assert waived["valid_until"] <= made["expires_at"]
    listed = service.call("GET", "/v1/waivers?status=approved").json()["items"]
    assert [(w["id"], w["decisions"]) for w in listed] == [(made["id"], [waived["id"]])]
    replay = service.call("POST", f"/v1/decisions/{waived['id']}/replay").json()
    assert replay["identical"], replay
    assert compare(service.app.state.runtime.engine).is_complete


def test_revoking_a_waiver_ends_the_clearances_that_rest_on_it(service, people):
    made = granted(service, people)
    decision = service.submit(**FAILS_SAFETY).json()
    assert cleared(service)["cleared"] is True
    body = {"reason": "The filter was switched off."}
    ended = service.call("POST", f"/v1/waivers/{made['id']}/revoke", people["rita"], json=body)
    assert ended.json()["status"] == "revoked"
    assert cleared(service)["cleared"] is False
    assert service.call("GET", f"/v1/decisions/{decision['id']}").json()["status"] == "expired"
    assert service.submit(**FAILS_SAFETY, version="44").json()["verdict"] == "fail"
    twice = service.call("POST", f"/v1/waivers/{made['id']}/revoke", people["rita"], json=body)
    assert (twice.status_code, twice.json()["type"]) == (409, "already-revoked")
    late = service.call("POST", f"/v1/waivers/{made['id']}/approve", people["ann"], json={})
    assert late.status_code == 409
    log = service.call("GET", f"/v1/audit/entries?subject={made['id']}")
    types = [entry["type"] for entry in log.json()["items"]]
    assert types == ["waiver.requested", *["waiver.approved"] * 2, "waiver.revoked"]
    assert "double-counts" not in log.text
    assert compare(service.app.state.runtime.engine).is_complete


def test_a_waiver_lapses_by_the_clock_with_or_without_a_worker(service, people):
    made = granted(service, people)
    service.submit(**FAILS_SAFETY)
    service.clock.ahead = timedelta(days=10, minutes=1)
    assert cleared(service)["cleared"] is False
    path = f"/v1/waivers/{made['id']}"
    assert service.call("GET", path).json()["status"] == "expired"
    assert service.submit(**FAILS_SAFETY, version="43").json()["verdict"] == "fail"
    run_due(service.app.state.runtime, service.clock())
    entries = service.call("GET", "/v1/audit/entries?type=waiver.expired").json()["items"]
    assert [e["subject"] for e in entries] == [made["id"]]
    assert run_due(service.app.state.runtime, service.clock()) == 0
    assert compare(service.app.state.runtime.engine).is_complete


@pytest.mark.parametrize(
    ("scope", "verdict"),
    [
        ({"versions": ["4?"]}, "pass"),
        ({"versions": ["41"]}, "fail"),
        ({"versions": ["40..42"]}, "pass"),
        ({"versions": ["43.."]}, "fail"),
        ({"stage": "limited_release"}, "pass"),
        ({"stage": "broad_rollout"}, "fail"),
        ({"slice": {"category": "spam"}}, "fail"),
        ({"digest": "sha256:" + "a" * 64}, "fail"),
    ],
)
def test_a_waiver_covers_its_scope_and_no_more(service, people, scope, verdict):
    granted(service, people, **scope)
    assert service.submit(**FAILS_SAFETY).json()["verdict"] == verdict


def test_who_may_ask_and_what_cannot_be_waived(service, people):
    for name in ("vic", "ci", "ann"):
        refused = service.call("POST", "/v1/waivers", people[name], json=wanted(service))
        assert refused.status_code == 403
    assert service.call("POST", "/v1/waivers", json=wanted(service)).status_code == 403
    far = (service.clock() + timedelta(days=400)).isoformat()
    for wrong in (
        {"versions": ["45..41"]},
        {"versions": [".."]},
        {"expires_at": far},
        {"rule": "safety/attack_rate"},
        {"reason": "short"},
    ):
        body = wanted(service, **wrong)
        assert service.call("POST", "/v1/waivers", people["rita"], json=body).status_code == 422
    missing = wanted(service)
    del missing["expires_at"]
    assert service.call("POST", "/v1/waivers", people["rita"], json=missing).status_code == 422
    unknown = wanted(service, rule="safety/attack_rate")
    answer = service.call("POST", "/v1/waivers", people["rita"], json=unknown)
    assert f"Did you mean {RULE}" in answer.json()["detail"]
    made = granted(service, people)
    service.publish(UNWAIVABLE)
    refused = service.call("POST", "/v1/waivers", people["rita"], json=wanted(service))
    assert (refused.status_code, refused.json()["type"]) == (422, "not-waivable")
    decision = service.submit(**FAILS_SAFETY).json()
    assert (decision["verdict"], decision["waivers"]) == ("fail", [])
    elsewhere = service.key("eve", "waiver_approver", person=True, models=("fraud*",))
    path = f"/v1/waivers/{made['id']}"
    assert service.call("GET", path, elsewhere).status_code == 404
    assert service.call("GET", "/v1/waivers", elsewhere).json()["items"] == []


def test_asking_twice_with_one_key_asks_once(service, people):
    body = wanted(service)
    headers = {"Idempotency-Key": "w-1"}
    answers = [
        service.call("POST", "/v1/waivers", people["rita"], json=body, headers=headers)
        for _ in range(2)
    ]
    assert [a.status_code for a in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()
    shown = service.call("GET", f"/v1/waivers/{answers[0].json()['id']}").json()
    assert shown == answers[0].json()
