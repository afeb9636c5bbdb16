"""CDEvents where a subscription asks for them, in the shape of the specification's schemas."""

import json

import jsonschema_rs
import pytest

from tests.app.http.service import ESCALATES, FAILS, POLICY
from tests.app.notices.test_deliveries import hook, service, subscribe, work

__all__ = ["hook", "service"]


def text(**more):
    return {"type": "string", "minLength": 1, **more}


def shape(types, content, required):
    """What the schemas of CDEvents 0.5.1 and 0.6.0-draft ask, without their descriptions."""
    context = {
        **{name: text() for name in ("specversion", "id", "chainId")},
        "source": text(format="uri-reference"),
        "type": {"enum": types} if isinstance(types, list) else {"pattern": types},
        "timestamp": text(format="date-time"),
        "schemaUri": text(format="uri"),
    }
    needed = ["specversion", "id", "source", "type", "timestamp"]
    inside = {"type": "object", "properties": content, "required": required}
    subject = {"id": text(), "source": text(format="uri-reference")}
    closed = {"type": "object", "additionalProperties": False}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **closed,
        "required": ["context", "subject"],
        "properties": {
            "context": {**closed, "properties": context, "required": needed},
            "subject": {
                **closed,
                "properties": {
                    **subject,
                    "content": {**inside, "additionalProperties": not content},
                },
                "required": ["id", "content"],
            },
            "customData": {"type": "object"},
            "customDataContentType": {"type": "string"},
        },
    }


_WHERE = {"approvalDetailsUrl": text(), "resourceTargetUrl": text()}
_ANSWER = {**_WHERE, "responder": text(format="uri"), "decision": text()}
_STATUS = {"enum": ["approved", "rejected", "cancelled", "expired"]}
SHAPES = {
    "approval.created": shape(
        ["dev.cdevents.approval.created.0.1.0"],
        {**_WHERE, "requestor": text(format="uri")},
        [*_WHERE, "requestor"],
    ),
    "approval.updated": shape(["dev.cdevents.approval.updated.0.1.0"], _ANSWER, [*_ANSWER]),
    "approval.closed": shape(
        ["dev.cdevents.approval.closed.0.1.0"],
        {**_ANSWER, "status": _STATUS},
        [*_ANSWER, "status"],
    ),
    "testsuiterun.finished": shape(
        ["dev.cdevents.testsuiterun.finished.0.3.0"],
        {
            "environment": {"type": "object", "required": ["id"], "properties": {"id": text()}},
            "outcome": {"enum": ["success", "failure", "cancel", "error"]},
            "testSuite": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id"],
                "properties": {
                    "id": text(),
                    "version": text(),
                    "name": text(),
                    "uri": text(format="uri"),
                },
            },
        },
        ["environment", "outcome"],
    ),
    "custom": shape(
        r"^dev\.cdeventsx\.[a-zA-Z0-9]+-[a-zA-Z]+\.[a-zA-Z]+\.[0-9]\.[0-9]\.[0-9]$", {}, []
    ),
}


def which(event):
    first, second, third, fourth, *_ = event["context"]["type"].split(".")
    assert first == "dev"
    return "custom" if second == "cdeventsx" else f"{third}.{fourth}"


def received(hook):
    """Every event that came, each held against its shape, formats included."""
    found = []
    for _, body in hook.requests:
        event = json.loads(body)
        checker = jsonschema_rs.Draft202012Validator(SHAPES[which(event)], validate_formats=True)
        errors = [f"{error.instance_path}: {error.message}" for error in checker.iter_errors(event)]
        assert errors == [], event
        found.append(event)
    return found


def signed_off(service, decision, name, answer):
    token = service.key(name, "reviewer:security", person=True)
    body = {"answer": answer, "role": "security", "decision_digest": decision["digest"]}
    path = f"/v1/reviews/{decision['review']['id']}/sign-offs"
    assert service.call("POST", path, token, json=body).status_code == 201


def test_a_review_is_an_approval_from_its_opening_to_its_end(service, hook):
    subscribe(service, hook.url, types=["review.*"], format="cdevents")
    decision = service.submit(**ESCALATES).json()
    signed_off(service, decision, "sue", "request_changes")
    signed_off(service, decision, "sam", "approve")
    work(service)
    events = received(hook)
    assert [which(event) for event in events] == [
        "approval.created",
        "approval.updated",
        "approval.closed",
    ]
    assert {event["subject"]["id"] for event in events} == {decision["review"]["id"]}
    created, updated, closed = (event["subject"]["content"] for event in events)
    page = f"https://gate.example.com/decisions/{decision['id']}"
    assert created["approvalDetailsUrl"] == page
    assert created["requestor"].startswith("urn:clearance:principal:")
    assert updated["decision"] == "requestChanges"
    assert (closed["decision"], closed["status"]) == ("approved", "approved")
    assert len({event["context"]["id"] for event in events}) == 3


def test_a_review_that_waited_for_evidence_is_created_once_although_it_opens_twice(service, hook):
    service.publish(POLICY.replace("expires_hours: 72", "evidence_first_hours: 24"))
    subscribe(service, hook.url, types=["review.opened"], format="cdevents")
    decision = service.submit(**ESCALATES).json()
    work(service)
    asked = service.call("POST", f"/v1/decisions/{decision['id']}/review")
    assert asked.json()["status"] == "open"
    work(service)
    assert [which(event) for event in received(hook)] == ["approval.created", "custom"]


def test_a_question_that_nobody_answered_is_closed_as_expired(service, hook):
    subscribe(service, hook.url, types=["review.*"], format="cdevents")
    service.submit(**ESCALATES)
    work(service)
    work(service, hours=73)
    work(service)
    events = received(hook)
    assert which(events[-1]) == "approval.closed"
    assert events[-1]["subject"]["content"]["status"] == "expired"


def test_settled_verdicts_are_finished_test_suites_and_the_rest_is_custom(service, hook):
    subscribe(service, hook.url, types=["*"], format="cdevents")
    passed = service.submit().json()
    service.submit(version="43", **FAILS)
    path = f"/v1/decisions/{passed['id']}/revoke"
    assert service.call("POST", path, json={"reason": "wrong data"}).is_success
    work(service)
    events = received(hook)
    runs = [event for event in events if which(event) == "testsuiterun.finished"]
    assert [event["subject"]["content"]["outcome"] for event in runs] == ["success", "failure"]
    assert runs[0]["subject"]["content"]["testSuite"]["id"] == "support-bot-release"
    others = {event["context"]["type"] for event in events if which(event) == "custom"}
    assert others == {
        "dev.cdeventsx.clearance-evaluation.received.0.1.0",
        "dev.cdeventsx.clearance-decision.revoked.0.1.0",
    }
    revoked = next(event for event in events if event["customData"]["type"] == "decision.revoked")
    assert revoked["customData"]["model"] == "support-bot"


def test_it_travels_as_a_cloudevent_under_our_signature(service, hook):
    subscribe(service, hook.url, types=["decision.*"], format="cdevents")
    service.submit()
    work(service)
    ((headers, body),) = hook.requests
    event = json.loads(body)
    assert headers["content-type"] == "application/cdevents+json; charset=utf-8"
    assert headers["ce-specversion"] == "1.0"
    assert headers["ce-id"] == event["context"]["id"]
    assert headers["ce-type"] == event["context"]["type"]
    assert headers["ce-source"] == event["context"]["source"] == "https://gate.example.com"
    assert headers["ce-subject"] == event["subject"]["id"]
    assert headers["ce-time"] == event["context"]["timestamp"]
    assert headers["webhook-signature"].startswith("v1,")


def test_a_subscription_may_change_its_words_and_chats_have_none(service, hook):
    made = subscribe(service, hook.url, types=["decision.*"])
    assert made["format"] == "standard"
    path = f"/v1/subscriptions/{made['id']}"
    changed = service.call("PATCH", path, json={"format": "cdevents"})
    assert changed.json()["format"] == "cdevents"
    service.submit()
    work(service)
    assert "context" in json.loads(hook.requests[0][1])
    body = {"name": "x", "kind": "slack", "target": hook.url, "format": "cdevents"}
    assert service.call("POST", "/v1/subscriptions", json=body).status_code == 422


@pytest.mark.parametrize("broken", ["decision", "responder", "status"])
def test_the_shapes_can_fail(broken):
    content = {"approvalDetailsUrl": "/", "resourceTargetUrl": "/", "responder": "urn:a:b"}
    content |= {"decision": "approved", "status": "approved"}
    del content[broken]
    context = {"specversion": "0.6.0-draft", "id": "1", "source": "/"}
    context |= {"type": "dev.cdevents.approval.closed.0.1.0", "timestamp": "2026-11-20T10:00:00Z"}
    event = {"context": context, "subject": {"id": "r", "content": content}}
    assert not jsonschema_rs.is_valid(SHAPES["approval.closed"], event)
