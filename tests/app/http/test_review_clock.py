"""What time and people do to an open review: remind, climb, expire, delegate, defer, remark."""

from datetime import timedelta

import pytest

from app.jobs.running import run_due
from app.record.completeness import compare
from tests.app.http.service import POLICY, Service
from tests.app.http.test_reviews import escalate, sign

ASKS = "reviews: [{role: security, min: 1}]"
LADDER = POLICY.replace(
    ASKS, f"{ASKS}\n  due_hours: 12\n  ladder: [{{after_hours: 24, role: risk_owner}}]"
)
TWO_ROLES = POLICY.replace(ASKS, "reviews: [{role: security, min: 1}, {role: legal, min: 1}]")


@pytest.fixture
def people(service: Service):
    return {
        "sam": service.key("sam", "reviewer:security", person=True),
        "sue": service.key("sue", "reviewer:security", person=True),
        "lee": service.key("lee", "reviewer:legal", person=True),
        "rob": service.key("rob", "reviewer:risk_owner", person=True),
    }


def at(service, **ahead):
    service.clock.ahead = timedelta(**ahead)
    run_due(service.app.state.runtime, service.clock())


def happened(service, review):
    """The entries about a review, the first one aside."""
    items = service.call("GET", f"/v1/audit/entries?subject={review['id']}").json()["items"]
    return [entry["type"].removeprefix("review.") for entry in items][1:]


def test_a_deadline_reminds_climbs_and_expires_and_never_passes(service, people):
    service.publish(LADDER)
    path, answer = escalate(service)
    review = answer["_"]["review"]
    at(service, hours=11)
    assert happened(service, review) == []
    at(service, hours=12, minutes=1)
    assert happened(service, review) == ["reminded"]
    refused = sign(service, path, answer, people["rob"], role="risk_owner")
    assert refused.status_code == 403
    at(service, hours=24, minutes=1)
    assert happened(service, review) == ["reminded", "escalated"]
    shown = service.call("GET", f"/v1/reviews/{review['id']}").json()
    assert (shown["asked_too"], shown["grants"]) == (["risk_owner"], {"traffic_max": 0.05})
    at(service, hours=72, minutes=1)
    at(service, hours=73)
    assert happened(service, review) == ["reminded", "escalated", "expired"]
    assert service.call("GET", f"/v1/reviews/{review['id']}").json()["status"] == "expired"
    assert sign(service, path, answer, people["sam"]).json()["type"] == "review-closed"
    decision = service.call("GET", f"/v1/decisions/{answer['_']['id']}").json()
    assert decision["status"] == "expired"
    assert compare(service.app.state.runtime.engine).is_complete


def test_a_late_worker_does_all_at_once_and_nothing_twice(service):
    service.publish(LADDER)
    _, answer = escalate(service)
    at(service, hours=50)
    at(service, hours=50, minutes=5)
    assert happened(service, answer["_"]["review"]) == ["reminded", "escalated"]


def test_who_the_ladder_asks_stands_in_for_an_empty_seat(service, people):
    service.publish(LADDER)
    path, answer = escalate(service)
    at(service, hours=25)
    signed = sign(service, path, answer, people["rob"], role="risk_owner")
    assert signed.json()["decision_status"] == "passed", signed.text
    shown = service.call("GET", path.removesuffix("/sign-offs")).json()
    assert shown["needed"] == [{"role": "security", "min": 1, "have": 1}]


def test_an_answered_review_has_no_clock_left(service, people):
    service.publish(LADDER)
    path, answer = escalate(service)
    sign(service, path, answer, people["sam"])
    at(service, hours=100)
    assert happened(service, answer["_"]["review"]) == ["signed_off"]


def test_waiting_for_evidence_ends_by_the_clock_or_by_asking(service):
    service.publish(POLICY.replace("expires_hours: 72", "evidence_first_hours: 24"))
    _, waits = escalate(service)
    _, asked = escalate(service, version="43")
    service.call("POST", f"/v1/decisions/{asked['_']['id']}/review")
    at(service, hours=24, minutes=1)
    assert happened(service, waits["_"]["review"]) == ["opened"]
    assert happened(service, asked["_"]["review"]) == ["opened", "reminded"]


def test_newer_evidence_ends_the_older_question(service, people):
    service.publish(LADDER)
    _, old = escalate(service)
    path, new = escalate(service, attacks=(15, 1000))
    at(service, hours=13)
    assert happened(service, old["_"]["review"]) == ["superseded"]
    assert happened(service, new["_"]["review"]) == ["reminded"]
    assert sign(service, path, new, people["sam"]).status_code == 201
    assert compare(service.app.state.runtime.engine).is_complete


def delegate(service, path, token, **changes):
    body = {
        "role": "security",
        "to": "lee",
        "until": (service.clock() + timedelta(hours=30)).isoformat(),
        "reason": "on leave",
        **changes,
    }
    return service.call("POST", path.replace("sign-offs", "delegate"), token, json=body)


def test_a_delegate_answers_on_the_record_of_who_delegated(service, people):
    service.publish(TWO_ROLES)
    path, answer = escalate(service)
    given = delegate(service, path, people["sam"])
    assert given.status_code == 201, given.text
    assert [(d["from"], d["to"]) for d in given.json()["delegations"]] == [("sam", "lee")]
    assert sign(service, path, answer, people["sam"]).json()["type"] == "delegated"
    onwards = delegate(service, path, people["lee"], to="rob")
    assert (onwards.status_code, onwards.json()["type"]) == (403, "forbidden")
    assert delegate(service, path, people["sam"], to="rob").json()["type"] == "delegated"
    signed = sign(service, path, answer, people["lee"])
    assert (signed.status_code, signed.json()["on_behalf_of"]) == (201, "sam")
    # One person is one answer: lee's own seat needs somebody else.
    assert sign(service, path, answer, people["lee"], role="legal").json()["type"] == (
        "already-answered"
    )
    review = service.call("GET", path.removesuffix("/sign-offs")).json()
    assert review["needed"][1] == {"role": "security", "min": 1, "have": 1}
    assert review["sign_offs"][0]["on_behalf_of"] == "sam"
    assert compare(service.app.state.runtime.engine).is_complete


def test_to_whom_one_cannot_delegate(service, people):
    service.publish(TWO_ROLES)
    dev = service.key("dev", "submitter", "reviewer:legal", person=True)
    path, _ = escalate(service, dev, context={"author": "Rob"})
    for wrong, code in (
        ({"to": "dev"}, 403),
        ({"to": "rob"}, 403),
        ({"to": "root"}, 403),
        ({"to": "nobody"}, 422),
        ({"to": "sam"}, 422),
        ({"role": "legal"}, 403),
        ({"until": (service.clock() + timedelta(hours=100)).isoformat()}, 422),
    ):
        refused = delegate(service, path, people["sam"], **wrong)
        assert refused.status_code == code, (wrong, refused.text)


def test_a_delegation_ends_by_its_date(service, people):
    service.publish(TWO_ROLES)
    path, answer = escalate(service)
    delegate(service, path, people["sam"])
    service.clock.ahead = timedelta(hours=31)
    assert sign(service, path, answer, people["lee"]).status_code == 403
    assert sign(service, path, answer, people["sam"]).status_code == 201


def test_what_is_deferred_is_not_approved_before(service, people):
    service.publish(POLICY)
    path, answer = escalate(service)
    where = path.replace("sign-offs", "defer")
    body = {"until": (service.clock() + timedelta(hours=5)).isoformat(), "reason": "after launch"}
    assert service.call("POST", where, people["lee"], json=body).status_code == 403
    late = {**body, "until": (service.clock() + timedelta(hours=80)).isoformat()}
    assert service.call("POST", where, people["sam"], json=late).status_code == 422
    assert service.call("POST", where, people["sam"], json=body).status_code == 201
    early = sign(service, path, answer, people["sue"])
    assert (early.status_code, early.json()["type"]) == (409, "review-deferred")
    service.clock.ahead = timedelta(hours=6)
    assert sign(service, path, answer, people["sue"]).json()["decision_status"] == "passed"


def test_remarks_stand_beside_the_question_and_not_in_the_log(service, people):
    service.publish(POLICY)
    token = service.key("ci", "submitter")
    path, answer = escalate(service, token)
    where = path.replace("sign-offs", "comments")
    said = service.call("POST", where, people["sam"], json={"text": "Which <b>prompts</b>?"})
    assert said.status_code == 201, said.text
    assert (
        service.call("POST", where, token, json={"text": "The 14 of suite 7."}).status_code == 201
    )
    assert service.call("POST", where, token, json={"text": ""}).status_code == 422
    review = service.call("GET", path.removesuffix("/sign-offs")).json()
    assert [(c["person"], c["text"]) for c in review["comments"]] == [
        ("sam", "Which <b>prompts</b>?"),
        ("ci", "The 14 of suite 7."),
    ]
    log = service.call("GET", f"/v1/audit/entries?subject={answer['_']['review']['id']}")
    assert "prompts" not in log.text
    assert compare(service.app.state.runtime.engine).is_complete


def test_one_person_may_fill_several_roles_only_where_the_policy_says_so(service):
    service.publish(TWO_ROLES.replace("expires_hours: 72", "one_answer_per: role"))
    both = service.key("bo", "reviewer:security", "reviewer:legal", person=True)
    path, answer = escalate(service)
    assert sign(service, path, answer, both).json()["review_status"] == "open"
    assert sign(service, path, answer, both).json()["type"] == "already-answered"
    done = sign(service, path, answer, both, role="legal")
    assert done.json()["decision_status"] == "passed"
