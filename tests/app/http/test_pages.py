"""Pages over HTTP: who sees them, what they refuse, and that nothing a stranger typed can run."""

import re
from typing import Any

import pytest

from app.auth.roles import Permission
from app.ledger.work import Conflict
from app.pages.routes.page_route import PLACES
from tests.app.http.service import ESCALATES, Service, evidence

NASTY = '<script>alert("x")</script><img src=x onerror=alert(1)>'
TWO = """
policy: support-bot-release
owner: genai-platform
applies_to: {model: "support-bot*", stage: [limited_release, broad_rollout]}
gates:
  safety:
    - {metric: attack_success_rate, max: 0.02}
escalation:
  reviews: [{role: security, min: 1}, {role: legal, min: 1}]
"""


def signed_in(service: Service, key: str) -> None:
    """The client with a session in its cookies, as a browser has one."""
    service.client.cookies.clear()
    answer = service.client.post("/login/key", data={"key": key, "next": "/"})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/"


def get(service: Service, path: str) -> str:
    answer = service.client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def csrf_of(text: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', text)
    assert found is not None
    return found[1]


def act(service: Service, path: str, **fields: str):
    token = csrf_of(get(service, "/"))
    return service.client.post(path, data={"csrf_token": token, **fields})


def decided(service: Service, **changes: Any) -> Any:
    answer = service.submit(service.key("ci", "submitter"), **changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


def reviewer(service: Service, name: str, stake: str = "security") -> str:
    return service.key(name, f"reviewer:{stake}", person=True)


def test_every_page_says_what_may_run_and_is_not_kept(service: Service):
    service.publish()
    decision = decided(service, **ESCALATES)
    signed_in(service, service.admin)
    paths = [place.path for place in PLACES]
    more = [
        f"/decisions/{decision['id']}",
        "/models/support-bot",
        "/policies/support-bot-release",
        "/record/0",
    ]
    for path in (*paths, *more):
        answer = service.client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "style=" not in answer.text
        assert "onclick" not in answer.text


def test_empty_pages_teach(service: Service):
    signed_in(service, service.admin)
    assert "clearance submit" in get(service, "/")
    assert "clearance policy new" in get(service, "/policies")
    assert "clearance submit" in get(service, "/models")


def test_who_may_not_read_is_told_so_in_a_page(service: Service):
    signed_in(service, service.key("Cleo", "submitter", person=True))
    answer = service.client.get("/policies")
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert "permission" in answer.text


def test_navigation_offers_what_the_reader_may_open(service: Service):
    signed_in(service, reviewer(service, "Ada"))
    assert 'href="/keys"' not in get(service, "/")
    assert service.client.get("/keys").status_code == 403
    signed_in(service, service.admin)
    assert 'href="/keys"' in get(service, "/")
    assert {place.needs for place in PLACES} <= set(Permission)


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_whatever_goes_wrong_is_a_page_to_a_browser_and_a_problem_to_a_program(service: Service):
    wrong = service.client.post("/login/key", data={"key": "clr_wrong"}, headers=BROWSER)
    assert wrong.status_code == 401
    assert "This key is unknown, revoked or expired." in wrong.text
    assert 'href="/sign-in"' in wrong.text
    signed_in(service, reviewer(service, "Ada"))
    for path, status, words in (
        ("/nowhere", 404, "Nothing is at this address."),
        ("/policies/NO", 422, "A parameter is not valid."),
        ("/login/callback?state=x", 404, "No provider is configured here"),
    ):
        page = service.client.get(path, headers=BROWSER)
        assert (page.status_code, page.headers["content-type"][:9]) == (status, "text/html"), path
        assert words in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
    for path in ("/nowhere", "/v1/nowhere"):
        program = service.client.get(path)
        assert program.headers["content-type"] == "application/problem+json"
    assert service.client.get("/v1/nowhere", headers=BROWSER).json()["type"] == "not-found"


def test_who_is_faster_is_told_in_a_page(service: Service, monkeypatch: pytest.MonkeyPatch):
    service.publish()
    decision = decided(service, **ESCALATES)
    signed_in(service, reviewer(service, "Ada"))

    def beaten(*_: object) -> None:
        raise Conflict("conflict", "The review changed while this was answered.")

    monkeypatch.setattr("app.reviews.service._advance", beaten)
    answer = act(
        service,
        f"/decisions/{decision['id']}/answer",
        answer="approve",
        role="security",
        digest=decision["digest"],
    )
    assert answer.status_code == 409
    assert "<h1>Something else changed at the same time</h1>" in answer.text
    assert "Send it again." in answer.text


def test_what_does_not_exist_is_a_page_too(service: Service):
    signed_in(service, service.admin)
    for path in ("/decisions/dec_none", "/models/none", "/policies/none", "/record/999"):
        answer = service.client.get(path)
        assert answer.status_code == 404
        assert "<html" in answer.text


@pytest.mark.parametrize("field", ["version", "metric", "task", "slice", "run_url", "reason"])
def test_what_a_stranger_typed_is_shown_and_never_runs(service: Service, field: str):
    service.publish(TWO)
    sent = evidence(version=NASTY if field == "version" else "42", **ESCALATES)
    attacks = sent["measurements"][1]
    match field:
        case "metric":
            sent["measurements"].append({"metric": NASTY, "value": 1.0})
        case "task":
            attacks["task"] = NASTY
        case "slice":
            attacks["slice"] = {NASTY: NASTY}
        case "run_url":
            sent["context"] = {"run_url": f"javascript:alert(1)//{NASTY}"}
    ci = service.key("ci", "submitter")
    answer = service.call("POST", "/v1/evaluations", ci, json=sent)
    assert answer.status_code == 201, answer.text
    decision = answer.json()
    ada = reviewer(service, "Ada")
    signed_in(service, ada)
    if field == "reason":
        path = f"/decisions/{decision['id']}/answer"
        fields = {"answer": "request_changes", "role": "security", "comment": NASTY}
        assert act(service, path, digest=decision["digest"], **fields).status_code == 303
    for path in ("/", "/decisions", f"/decisions/{decision['id']}", "/models/support-bot"):
        text = get(service, path)
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert 'href="javascript:' not in text


def test_a_reviewer_answers_on_the_page_and_the_second_role_completes_it(service: Service):
    service.publish(TWO)
    decision = decided(service, **ESCALATES)
    path = f"/decisions/{decision['id']}"
    signed_in(service, reviewer(service, "Ada"))
    shown = get(service, path)
    assert "Accept that attack success rate may be as high as" in shown
    assert ">Approve<" in shown
    done = act(
        service, f"{path}/answer", answer="approve", role="security", digest=decision["digest"]
    )
    assert done.headers["location"] == f"{path}?told=approved"
    after = get(service, f"{path}?told=approved")
    assert "Your approval is recorded." in after
    assert ">Approve<" not in after
    assert "This person has answered this review already." in after
    signed_in(service, reviewer(service, "Ben", "legal"))
    act(
        service,
        f"{path}/answer",
        answer="approve",
        role="legal",
        digest=decision["digest"],
        until="2026-12-31",
    )
    settled = service.call("GET", f"/v1{path}").json()
    assert settled["status"] == "passed"
    assert settled["valid_until"].startswith("2026-12-31T23:59:59")


def test_who_is_barred_gets_no_buttons_and_is_refused(service: Service):
    service.publish()
    key = service.key("Dora", "submitter", "reviewer:security", person=True)
    decision = service.submit(key, **ESCALATES).json()
    signed_in(service, key)
    path = f"/decisions/{decision['id']}"
    shown = get(service, path)
    assert ">Approve<" not in shown
    assert "Who submitted the evaluation does not sign it off." in shown
    refused = act(
        service, f"{path}/answer", answer="approve", role="security", digest=decision["digest"]
    )
    assert refused.status_code == 403
    assert "does not sign it off" in refused.text


def test_a_form_from_another_page_or_another_time_is_refused(service: Service):
    service.publish()
    decision = decided(service, **ESCALATES)
    signed_in(service, reviewer(service, "Ada"))
    path = f"/decisions/{decision['id']}/answer"
    fields = {"answer": "approve", "role": "security", "digest": decision["digest"]}
    assert service.client.post(path, data=fields).status_code == 403
    stale = {**fields, "digest": "sha256:" + "0" * 64}
    answer = act(service, path, **stale)
    assert answer.status_code == 409
    assert "Look at it again" in answer.text
    broken = act(service, path, **{**fields, "until": "tomorrow"})
    assert broken.status_code == 422
    assert "is not a day" in broken.text
    status = service.call("GET", f"/v1/decisions/{decision['id']}").json()["status"]
    assert status == "pending"


def test_models_outside_the_key_are_not_there(service: Service):
    service.publish()
    decision = decided(service, **ESCALATES)
    signed_in(service, service.key("Ada", "reviewer:security", person=True, models=("other-*",)))
    for path in ("/", "/decisions", "/models"):
        assert decision["id"] not in get(service, path)
        assert "limited_release</bdi>" not in get(service, path)
    for path in (f"/decisions/{decision['id']}", "/models/support-bot"):
        assert service.client.get(path).status_code == 404


def test_older_decisions_and_entries_are_added_to_the_table(service: Service):
    service.publish()
    ci = service.key("ci", "submitter")
    for number in range(51):
        assert service.submit(ci, version=str(number)).status_code == 201
    signed_in(service, service.admin)
    first = get(service, "/decisions")
    more = re.search(r'hx-get="(/decisions\?cursor=[^"]+)"', first)
    assert more is not None
    rest = get(service, more[1].replace("&amp;", "&"))
    assert "<html" not in rest
    assert first.count("<tr>") - 1 + rest.count("<tr>") == 51
    older = re.search(r'hx-get="(/record/part\?before=\d+)"', get(service, "/record"))
    assert older is not None
    assert "<html" not in get(service, older[1])


def test_static_files_are_ours_alone(service: Service):
    for name in ("clearance.css", "clearance.js", "htmx.js", "icon.svg"):
        answer = service.client.get(f"/static/{name}")
        assert answer.status_code == 200
        again = service.client.get(
            f"/static/{name}", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert again.status_code == 304
    for name in ("report.html", "..%2fmarkup.py", "htmx-LICENSE"):
        assert service.client.get(f"/static/{name}").status_code == 404
