"""Forms beside the answer: waivers, documents, delegation, deferral, remarks, glass, revocation."""

import hashlib
from datetime import UTC, datetime, timedelta

from tests.app.http.service import ESCALATES, FAILS, Service
from tests.app.http.test_pages import act, csrf_of, decided, get, reviewer, signed_in

SOON = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
LATER = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
WAIVER = {
    "rule": "safety/attack_success_rate",
    "model": "support-bot",
    "reason": "The red team repeats its run next week.",
    "compensating_control": "Traffic stays below one percent until then.",
    "owner": "safety team",
    "until": LATER,
}


def approver(service: Service, name: str) -> str:
    return service.key(name, "waiver_approver", person=True)


def test_a_waiver_is_asked_for_approved_by_two_shown_as_waived_and_revoked(service: Service):
    service.publish()
    signed_in(service, reviewer(service, "Ada"))
    assert "Nothing is waived." in get(service, "/waivers")
    asked = act(service, "/waivers", **WAIVER)
    assert asked.headers["location"] == "/waivers?told=waiver-requested"
    listed = get(service, "/waivers")
    assert "requested 0/2" in listed
    assert "Traffic stays below one percent" in listed
    waiver = service.call("GET", "/v1/waivers").json()["items"][0]["id"]
    for name in ("Cleo", "Dan"):
        signed_in(service, approver(service, name))
        assert "Approve" in get(service, "/waivers")
        assert act(service, f"/waivers/{waiver}/approve").status_code == 303
    decision = decided(service, **ESCALATES)
    assert decision["verdict"] == "pass"
    shown = get(service, f"/decisions/{decision['id']}")
    assert f"waived by {waiver}" in shown
    revoked = act(service, f"/waivers/{waiver}/revoke", reason="The red team found more.")
    assert revoked.status_code == 303
    status = service.call("GET", f"/v1/decisions/{decision['id']}").json()["status"]
    assert status == "expired"


def test_a_waiver_without_an_end_or_a_reason_is_refused_in_words(service: Service):
    service.publish()
    signed_in(service, reviewer(service, "Ada"))
    endless = act(service, "/waivers", **{**WAIVER, "until": ""})
    assert endless.status_code == 422
    assert "nothing is waived for ever" in endless.text
    curt = act(service, "/waivers", **{**WAIVER, "reason": "so"})
    assert curt.status_code == 422
    assert "reason" in curt.text


def test_a_document_is_hashed_here_and_vouched_for(service: Service):
    signed_in(service, reviewer(service, "Ada", "dpo"))
    content = b"%PDF a data protection impact assessment" * 1000
    token = csrf_of(get(service, "/"))
    hashed = service.client.post(
        "/documents/digest", content=content, headers={"X-CSRF-Token": token}
    )
    assert hashed.json() == {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    assert service.client.post("/documents/digest", content=content).status_code == 403
    fields = {"kind": "dpia", "model": "support-bot", "role": "dpo", **hashed.json()}
    done = act(service, "/documents", issued="2026-09-01", expires=LATER, **fields)
    assert done.status_code == 303, done.text
    assert "dpia" in get(service, "/documents")
    (item,) = service.call("GET", "/v1/documents").json()["items"]
    assert item["grade"] == "attested"
    assert item["issued_at"] == "2026-09-01T00:00:00.000000Z"
    wrong = act(service, "/documents", **{**fields, "role": "legal"})
    assert wrong.status_code == 403


def test_an_answer_can_be_given_away_deferred_and_remarked_upon(service: Service):
    service.publish()
    decision = decided(service, **ESCALATES)
    path = f"/decisions/{decision['id']}"
    reviewer(service, "Ben")
    signed_in(service, reviewer(service, "Ada"))
    assert act(service, f"{path}/comment", text="Which attacks were these?").status_code == 303
    deferred = act(service, f"{path}/defer", until=SOON, reason="The red team reports then.")
    assert deferred.status_code == 303, deferred.text
    given = act(
        service, f"{path}/delegate", role="security", to="Ben", until=SOON, reason="On leave"
    )
    assert given.status_code == 303, given.text
    shown = get(service, path)
    for words in ("Which attacks were these?", "Not to be approved before", "On leave", "Ben"):
        assert words in shown


def test_the_glass_is_broken_loudly_and_judged_by_another(service: Service):
    service.publish()
    decision = decided(service, **FAILS)
    path = f"/decisions/{decision['id']}"
    signed_in(service, reviewer(service, "Ada"))
    assert "Break the glass" not in get(service, path)
    signed_in(service, service.key("Gus", "break_glass", person=True))
    assert "Break the glass" in get(service, path)
    reason = "The old version leaks keys; this one must go out now."
    assert act(service, f"{path}/break-glass", reason=reason).status_code == 303
    use = service.call("GET", "/v1/break-glass").json()["items"][0]
    assert reason in get(service, "/")
    signed_in(service, reviewer(service, "Ada"))
    assert "Not justified" in get(service, "/")
    judged = act(
        service,
        f"/break-glass/{use['id']}/judge",
        outcome="unjustified",
        comment="A rollback would have done.",
    )
    assert judged.status_code == 303, judged.text
    assert reason not in get(service, "/")


def test_what_stands_is_revoked_on_its_page(service: Service):
    service.publish()
    decision = decided(service)
    path = f"/decisions/{decision['id']}"
    signed_in(service, reviewer(service, "Ada"))
    done = act(service, f"{path}/revoke", reason="An injection was found in production.")
    assert done.status_code == 303, done.text
    assert "Revoked" in get(service, path)
    assert "Revoke this decision" not in get(service, path)
