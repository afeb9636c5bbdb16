"""What time and newer evidence end is written down and told, once, whoever reads before."""

from datetime import timedelta

import pytest

from app.jobs.kinds import KINDS, Job
from app.record.completeness import compare
from tests.app.http.service import ESCALATES, POLICY, Service
from tests.app.http.test_documents import REPORT
from tests.app.http.test_reviews import escalate, sign
from tests.app.http.test_waivers import granted, people

__all__ = ["people"]

WITH_DPIA = POLICY.replace(
    "gates:", "gates:\n  papers:\n    - {document: dpia, signed_by: security}"
)


def swept(service: Service, kind: str = "clearance.sweep", **ahead):
    """What a worker's recurring job does at a time; when it wants to come again."""
    service.clock.ahead = timedelta(**ahead)
    now = service.clock()
    job = Job("job_1", kind, kind, {}, now, 1)
    return now, KINDS[kind].run(service.app.state.runtime, job, now)


def ended(service: Service):
    """(decision, why) of every end that the log tells of, oldest first."""
    items = service.call("GET", "/v1/audit/entries?type=decision.expired").json()["items"]
    return [(item["subject"], item["body"]["data"]["because"]) for item in items]


@pytest.fixture
def sam(service: Service):
    return service.key("sam", "reviewer:security", person=True)


def test_validity_that_is_over_is_an_entry_once(service: Service):
    service.publish()
    decision = service.submit().json()
    now, again = swept(service, days=29)
    assert (ended(service), again - now) == ([], timedelta(minutes=1))
    swept(service, days=30, seconds=5)
    swept(service, days=30, minutes=2)
    assert ended(service) == [(decision["id"], "valid_days")]
    entry = service.call("GET", "/v1/audit/entries?type=decision.expired").json()["items"][0]
    assert entry["body"]["actor"] == "clearance"
    assert entry["body"]["data"]["valid_until"] == decision["valid_until"]
    assert entry["body"]["refs"] == {"digest": decision["digest"]}
    assert compare(service.app.state.runtime.engine).is_complete


def test_it_comes_again_when_the_next_clearance_ends(service: Service, sam):
    service.publish()
    path, answer = escalate(service)
    until = service.clock() + timedelta(seconds=20)
    sign(service, path, answer, sam, until=until.isoformat())
    now, again = swept(service)
    assert timedelta(0) < again - now <= timedelta(seconds=20)
    swept(service, seconds=25)
    assert ended(service) == [(answer["_"]["id"], "approval.until")]


def test_a_lapsed_waiver_is_named_as_what_ended_the_clearance(service: Service, people):
    made = granted(service, people)
    decision = service.submit(attacks=(60, 1000)).json()
    assert decision["status"] == "passed"
    swept(service, days=10, minutes=1)
    assert ended(service) == [(decision["id"], "waiver.expired")]
    entry = service.call("GET", "/v1/audit/entries?type=decision.expired").json()["items"][0]
    assert entry["body"]["refs"]["waiver"] == made["id"]
    assert compare(service.app.state.runtime.engine).is_complete


def test_a_revoked_waiver_ends_it_once(service: Service, people):
    made = granted(service, people)
    decision = service.submit(attacks=(60, 1000)).json()
    path = f"/v1/waivers/{made['id']}/revoke"
    assert service.call("POST", path, json={"reason": "It was wrong."}).is_success
    swept(service, minutes=1)
    assert ended(service) == [(decision["id"], "waiver.revoked")]


def test_a_document_s_end_is_named_as_what_ended_the_clearance(service: Service, sam):
    service.publish(WITH_DPIA)
    body = {
        "model": "support-bot",
        "kind": "dpia",
        "sha256": REPORT,
        "role": "security",
        "expires_at": (service.clock() + timedelta(days=3)).isoformat(),
    }
    assert service.call("POST", "/v1/documents", sam, json=body).is_success
    decision = service.submit().json()
    assert decision["status"] == "passed", decision["summary"]
    swept(service, days=3, minutes=1)
    assert ended(service) == [(decision["id"], "document.expired")]


def test_a_pass_that_was_replaced_or_revoked_ends_no_clearance(service: Service):
    service.publish()
    service.submit()
    service.clock.ahead = timedelta(days=10)
    newer = service.submit().json()
    gone = service.submit(version="43").json()
    path = f"/v1/decisions/{gone['id']}/revoke"
    assert service.call("POST", path, json={"reason": "wrong data"}).is_success
    swept(service, days=30, minutes=1)
    assert ended(service) == []
    swept(service, days=40, minutes=1)
    assert ended(service) == [(newer["id"], "valid_days")]


def test_an_open_question_keeps_what_stood_before_and_its_end_is_told(service: Service):
    service.publish()
    older = service.submit().json()
    service.clock.ahead = timedelta(days=29, hours=23)
    assert service.submit(**ESCALATES).json()["status"] == "pending"
    swept(service, days=30, minutes=1)
    assert ended(service) == [(older["id"], "valid_days")]


def test_more_ends_than_one_batch_are_all_told(service: Service, monkeypatch):
    monkeypatch.setattr("app.evaluations.ending._BATCH", 2)
    service.publish()
    made = [service.submit(version=str(number)).json()["id"] for number in range(5)]
    swept(service, days=31)
    assert [name for name, _ in ended(service)] == made


def test_newer_evidence_and_revoking_close_the_question_without_waiting_for_its_alarm(
    service: Service, sam
):
    service.publish()
    _, old = escalate(service)
    path, new = escalate(service, attacks=(15, 1000))
    swept(service, "review.sweep", seconds=30)
    name = old["_"]["review"]["id"]
    closed = service.call("GET", "/v1/audit/entries?type=review.superseded").json()["items"]
    assert [item["subject"] for item in closed] == [name]
    assert sign(service, path, new, sam).status_code == 201
    _, third = escalate(service, attacks=(16, 1000))
    gone = service.call("POST", f"/v1/decisions/{third['_']['id']}/revoke", json={"reason": "oops"})
    assert gone.is_success
    swept(service, "review.sweep", seconds=60)
    swept(service, "review.sweep", seconds=120)
    cancelled = service.call("GET", "/v1/audit/entries?type=review.cancelled").json()["items"]
    assert [item["subject"] for item in cancelled] == [third["_"]["review"]["id"]]
    assert compare(service.app.state.runtime.engine).is_complete
