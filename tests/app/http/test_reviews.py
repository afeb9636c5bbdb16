"""People settle what numbers cannot: who may, once, bound to what they saw (law 5)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.app.http.service import ESCALATES, POLICY, Service

TWO = POLICY.replace(
    "reviews: [{role: security, min: 1}]",
    "reviews: [{role: security, min: 2}, {role: legal, min: 1}]",
)


@pytest.fixture
def ready(service: Service) -> Service:
    service.publish()
    return service


def escalate(service: Service, token: str | None = None, **changes) -> tuple[str, dict[str, Any]]:
    made = service.submit(token, **(ESCALATES | changes)).json()
    assert made["status"] == "pending", made
    answer = {"answer": "approve", "role": "security", "decision_digest": made["digest"]}
    return f"/v1/reviews/{made['review']['id']}/sign-offs", {**answer, "_": made}


def sign(service: Service, path: str, seen: dict[str, Any], token: str, **changes):
    body = {k: v for k, v in (seen | changes).items() if k != "_"}
    return service.call("POST", path, token, json=body)


def test_an_approval_makes_the_decision_pass_from_then_on(ready: Service):
    sam = ready.key("sam", "reviewer:security", person=True)
    path, answer = escalate(ready, ready.key("ci", "submitter"))
    made = answer["_"]
    assert ready.call("GET", "/v1/reviews?status=open&role=security").json()["items"]
    assert ready.call("GET", "/v1/reviews?role=legal").json()["items"] == []
    ready.clock.ahead = timedelta(hours=10)
    signed = sign(ready, path, answer, sam, comment="Seen the transcripts; acceptable.")
    assert signed.status_code == 201, signed.text
    body = signed.json()
    assert (body["review_status"], body["decision_status"]) == ("approved", "passed")
    shown = ready.call("GET", f"/v1/decisions/{made['id']}").json()
    assert (shown["status"], shown["verdict"]) == ("passed", "escalate")
    assert shown["review"]["needed"] == [{"role": "security", "min": 1, "have": 1}]
    assert shown["valid_until"] == body["valid_until"]
    review = ready.call("GET", f"/v1/reviews/{made['review']['id']}").json()
    assert review["sign_offs"][0]["person"] == "sam"
    asked = "/v1/clearance?model=support-bot&version=42&stage=limited_release"
    assert ready.call("GET", asked).json()["cleared"] is True
    log = ready.call("GET", f"/v1/audit/entries?subject={made['review']['id']}")
    assert [e["type"] for e in log.json()["items"]] == ["review.opened", "review.signed_off"]
    assert "transcripts" not in log.text
    assert ready.call("POST", f"/v1/decisions/{made['id']}/replay").json()["identical"] is True


def test_who_may_not_sign_off(ready: Service):
    submitter = ready.key("dev", "submitter", "reviewer:security", person=True)
    author = ready.key("ann author", "reviewer:security", person=True)
    legal = ready.key("lee", "reviewer:legal", person=True)
    viewer = ready.key("vic", "viewer", person=True)
    service_key = ready.key("bot", "viewer")
    boss = ready.key("boss", "reviewer:security", person=True)
    ready.key("boss", "admin", person=True)
    more = {"person": True, "known_as": ["Ann.Author@Example.com", "github:583231"]}
    named = ready.call(
        "POST", "/v1/keys", json={"name": "bea", "roles": ["reviewer:security"], **more}
    ).json()["key"]
    path, answer = escalate(
        ready, submitter, context={"author": "Ann Author", "actor": "GitHub:583231"}
    )
    for token in (submitter, author, named, legal, viewer, service_key, ready.admin, boss):
        refused = sign(ready, path, answer, token)
        assert (refused.status_code, refused.json()["type"]) == (403, "forbidden"), refused.text
    wrong_role = sign(ready, path, answer, legal, role="legal")
    assert wrong_role.status_code == 403
    elsewhere = ready.key("eve", "reviewer:security", person=True, models=("fraud*",))
    assert sign(ready, path, answer, elsewhere).status_code == 404
    review = ready.call("GET", path.removesuffix("/sign-offs")).json()
    assert (review["status"], review["sign_offs"]) == ("open", [])


def test_an_approval_binds_to_what_was_seen(ready: Service):
    sam = ready.key("sam", "reviewer:security", person=True)
    path, answer = escalate(ready)
    stale = sign(ready, path, answer, sam, decision_digest="sha256:" + "0" * 64)
    assert (stale.status_code, stale.json()["type"]) == (409, "stale-decision")
    newer_path, newer = escalate(ready, attacks=(15, 1000))
    assert newer["decision_digest"] != answer["decision_digest"]
    old = sign(ready, path, answer, sam)
    assert (old.status_code, old.json()["type"]) == (409, "review-closed")
    crossed = sign(ready, newer_path, answer, sam)
    assert crossed.json()["type"] == "stale-decision"
    assert sign(ready, newer_path, newer, sam).status_code == 201


def test_a_person_answers_once_and_a_quorum_counts_people(service: Service):
    service.publish(TWO)
    people = {
        name: service.key(name, *roles, person=True)
        for name, roles in (
            ("s1", ("reviewer:security", "reviewer:legal")),
            ("s2", ("reviewer:security",)),
            ("l1", ("reviewer:legal",)),
        )
    }
    path, answer = escalate(service)
    assert sign(service, path, answer, people["s1"]).json()["review_status"] == "open"
    for role in ("security", "legal"):
        twice = sign(service, path, answer, people["s1"], role=role)
        assert (twice.status_code, twice.json()["type"]) == (409, "already-answered")
    second_key = service.key("s1", "reviewer:legal", person=True)
    assert sign(service, path, answer, second_key, role="legal").status_code == 409
    assert sign(service, path, answer, people["s2"]).json()["decision_status"] == "pending"
    done = sign(service, path, answer, people["l1"], role="legal")
    assert done.json()["decision_status"] == "passed"


def test_answers_at_one_time_are_all_counted(service: Service):
    service.publish(TWO)
    people = [
        (service.key("s1", "reviewer:security", person=True), "security"),
        (service.key("s2", "reviewer:security", person=True), "security"),
        (service.key("l1", "reviewer:legal", person=True), "legal"),
    ]
    path, answer = escalate(service)
    with ThreadPoolExecutor(3) as pool:
        signed = list(pool.map(lambda p: sign(service, path, answer, p[0], role=p[1]), people))
    assert [item.status_code for item in signed] == [201, 201, 201]
    made = answer["_"]
    assert service.call("GET", f"/v1/decisions/{made['id']}").json()["status"] == "passed"
    assert sum(item.json()["decision_status"] == "passed" for item in signed) == 1


def test_one_rejection_closes(service: Service):
    service.publish(TWO)
    s1 = service.key("s1", "reviewer:security", person=True)
    s2 = service.key("s2", "reviewer:security", person=True)
    path, answer = escalate(service)
    changes = sign(service, path, answer, s2, answer="request_changes", comment="more data")
    assert changes.json()["decision_status"] == "pending"
    rejected = sign(service, path, answer, s1, answer="reject", comment="no")
    assert rejected.json()["decision_status"] == "failed"
    made = answer["_"]
    assert service.call("GET", f"/v1/decisions/{made['id']}/barrier").status_code == 403
    late = sign(
        service, path, answer, service.key("l", "reviewer:legal", person=True), role="legal"
    )
    assert late.json()["type"] == "review-closed"


def test_until_shortens_what_is_approved(ready: Service):
    sam = ready.key("sam", "reviewer:security", person=True)
    path, answer = escalate(ready)
    until = (ready.clock() + timedelta(days=2)).isoformat()
    past = (ready.clock() - timedelta(days=2)).isoformat()
    assert sign(ready, path, answer, sam, until=past).status_code == 422
    signed = sign(ready, path, answer, sam, until=until).json()
    assert signed["valid_until"] == signed["until"]
    ready.clock.ahead = timedelta(days=3)
    made = answer["_"]
    assert ready.call("GET", f"/v1/decisions/{made['id']}").json()["status"] == "expired"


def test_after_the_deadline_nobody_answers(ready: Service):
    sam = ready.key("sam", "reviewer:security", person=True)
    path, answer = escalate(ready)
    ready.clock.ahead = timedelta(hours=72, minutes=1)
    late = sign(ready, path, answer, sam)
    assert (late.status_code, late.json()["type"]) == (409, "review-closed")


def test_a_review_waits_for_evidence_until_asked(service: Service):
    service.publish(POLICY.replace("expires_hours: 72", "evidence_first_hours: 24"))
    sam = service.key("sam", "reviewer:security", person=True)
    path, answer = escalate(service)
    made = answer["_"]
    assert made["review"]["status"] == "awaiting_evidence"
    more = made["more_evidence"]
    assert more["settles_all"] is True
    assert more["wait_hours"] == 24
    (examples,) = more["examples"]
    assert examples["metric"] == "attack_success_rate"
    assert examples["have"] + examples["more"] == examples["need"]
    assert f"{examples['more']:,} more of attack_success_rate" in more["message"]
    assert more["commands"]["ask"] == f"clearance decision ask {made['id']}"
    assert "--version 42" in more["commands"]["submit"]
    assert made["accepts"][0].startswith("safety/attack_success_rate: that the true value may be")
    report = service.call("GET", f"/v1/decisions/{made['id']}/report").text
    assert "clearance decision ask" in report
    assert "If none come within 24 hours, people are asked." in report
    early = sign(service, path, answer, sam)
    assert (early.status_code, early.json()["type"]) == (409, "review-not-open")
    opened = service.call("POST", f"/v1/decisions/{made['id']}/review")
    assert (opened.status_code, opened.json()["status"]) == (200, "open")
    assert service.call("POST", f"/v1/decisions/{made['id']}/review").status_code == 200
    report = service.call("GET", f"/v1/decisions/{made['id']}/report").text
    assert "together with those you have." in report
    assert "If none come within" not in report, "they are asked already"
    assert opened.json()["expires_at"] < made["review"]["expires_at"]
    service.clock.ahead = timedelta(hours=73)
    assert service.call("GET", f"/v1/decisions/{made['id']}").json()["status"] == "expired"


def test_waiting_ends_by_itself(service: Service):
    service.publish(POLICY.replace("expires_hours: 72", "evidence_first_hours: 24"))
    sam = service.key("sam", "reviewer:security", person=True)
    path, answer = escalate(service)
    service.clock.ahead = timedelta(hours=25)
    assert sign(service, path, answer, sam).status_code == 201


def test_a_decision_that_did_not_escalate_asks_nobody(ready: Service):
    made = ready.submit().json()
    refused = ready.call("POST", f"/v1/decisions/{made['id']}/review")
    assert (refused.status_code, refused.json()["type"]) == (409, "no-review")
    assert ready.call("GET", "/v1/reviews/rev_none").status_code == 404


def test_revoking_cancels_the_review(ready: Service):
    sam = ready.key("sam", "reviewer:security", person=True)
    path, answer = escalate(ready)
    made = answer["_"]
    ready.call("POST", f"/v1/decisions/{made['id']}/revoke", sam, json={"reason": "withdrawn"})
    assert ready.call("GET", path.removesuffix("/sign-offs")).json()["status"] == "cancelled"
    assert sign(ready, path, answer, sam).status_code == 409


def test_an_answer_is_idempotent(ready: Service):
    sam = ready.key("sam", "reviewer:security", person=True)
    path, answer = escalate(ready)
    body = {k: v for k, v in answer.items() if k != "_"}
    headers = {"Idempotency-Key": "one"}
    first = ready.call("POST", path, sam, json=body, headers=headers)
    again = ready.call("POST", path, sam, json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
