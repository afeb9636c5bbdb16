"""Pages for admins: keys and notices. A secret is shown once, and nobody else gets near."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from app.jobs.running import run_due
from app.notices.fanning import fan_out
from app.settings import networks
from tests.app.http.service import Service, running
from tests.app.http.test_pages import act, get, reviewer, signed_in
from tests.app.notices.receiver import receiving

HOOK = {"name": "ci", "kind": "webhook", "types": "decision.*, review.*", "models": "support-*"}


@pytest.fixture
def service(settings):
    with running(replace(settings, outbound_allow=networks("127.0.0.0/8"))) as started:
        signed_in(started, started.admin)
        yield started


def secret_in(text: str) -> str:
    found = re.search(r'readonly value="([^"]+)"', text)
    assert found is not None, text
    return found[1]


def worked(service: Service, **ahead):
    runtime = service.app.state.runtime
    service.clock.ahead = timedelta(**ahead)
    while fan_out(runtime, service.clock()):
        pass
    run_due(runtime, service.clock())


def test_a_webhook_is_made_its_secret_shown_once_and_what_was_sent_is_seen(service: Service):
    with receiving() as hook:
        service.publish()
        assert "Nobody is told of anything yet" in get(service, "/notices")
        made = act(service, "/notices", **HOOK, target=hook.url, format="cdevents")
        assert made.status_code == 200
        secret = secret_in(made.text)
        assert secret.startswith("whsec_")
        listed = get(service, "/notices")
        assert secret not in listed
        assert "webhook, cdevents" in listed
        assert hook.url not in listed
        name = service.call("GET", "/v1/subscriptions").json()["items"][0]["id"]
        path = f"/notices/{name}"
        assert "Nothing yet." in get(service, path)
        hook.answers = [(500, {}), (200, {})]
        service.submit()
        worked(service)
        waiting = get(service, path)
        assert ("pending" in waiting, "1. 500" in waiting, "next try" in waiting) == (True,) * 3
        worked(service, seconds=6)
        assert "2. 200" in get(service, path)
        sent = service.call("GET", f"/v1/subscriptions/{name}/deliveries").json()["items"][0]
        again = act(service, f"{path}/deliveries/{sent['id']}/replay")
        assert again.headers["location"] == f"{path}?told=replayed"
        worked(service, seconds=12)
        ids = [headers["webhook-id"] for headers, _ in hook.requests]
        assert ids == [sent["id"]] * 3
        turned = secret_in(act(service, f"{path}/rotate").text)
        assert turned.startswith("whsec_")
        assert turned != secret
        act(service, f"{path}/pause")
        assert "paused" in get(service, path)
        act(service, f"{path}/resume")
        assert service.call("GET", f"/v1/subscriptions/{name}").json()["status"] == "active"
        assert act(service, f"{path}/delete").headers["location"] == "/notices?told=unsubscribed"
        assert service.client.get(path).status_code == 404


def test_a_target_inside_or_without_sense_is_refused_in_words(service: Service):
    inside = act(service, "/notices", **HOOK, target="ftp://x.example")
    assert inside.status_code == 422
    assert "cannot be called" in inside.text
    wrong = act(service, "/notices", **{**HOOK, "kind": "slack"}, target="https://x.example/h",
                format="cdevents")  # fmt: skip
    assert "Only webhooks have a format" in wrong.text


def test_a_key_is_made_shown_once_and_revoked(service: Service):
    made = act(service, "/keys", name="Ada", kind="person", roles="reviewer:security, auditor",
               models="support-*", expires="2031-12-31")  # fmt: skip
    secret = secret_in(made.text)
    assert service.call("GET", "/v1/me", secret).json()["grants"] == [
        {"roles": ["reviewer:security", "auditor"], "models": ["support-*"]}
    ]
    listed = get(service, "/keys")
    assert secret not in listed
    assert secret[:8] in listed
    key = service.call("GET", "/v1/keys").json()["items"][0]
    assert key["expires_at"].startswith("2031-12-31T23:59:59")
    assert act(service, f"/keys/{key['id']}/revoke").status_code == 303
    assert service.call("GET", "/v1/me", secret).status_code == 401


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"name": "x", "roles": "nobody"}, "Unknown role"),
        ({"name": "x", "roles": "admin, reviewer:legal", "kind": "person"}, "cannot sign off"),
        ({"name": "ci", "roles": "reviewer:legal"}, "Only a person"),
        ({"roles": "viewer"}, "name"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_in_words(service: Service, sent, words: str):
    refused = act(service, "/keys", **sent)
    assert refused.status_code == 422
    assert words in refused.text


@pytest.mark.parametrize("path", ["/keys", "/notices"])
def test_nobody_else_sees_or_makes_any(service: Service, path: str):
    for key in (
        reviewer(service, "Ada"),
        service.key("Eve", "admin", person=True, models=("support-*",)),
    ):
        signed_in(service, key)
        assert service.client.get(path).status_code == 403
        made = act(service, path, name="x", roles="viewer", kind="person", target="https://x.y/z")
        assert made.status_code == 403


def test_the_key_that_signed_in_is_not_offered_for_revocation(service: Service):
    service.key("ci", "submitter")
    text = get(service, "/keys")
    assert text.count(">Revoke</button>") == 1
    assert "yours now" in text


def test_the_page_says_that_no_worker_sends(service: Service):
    assert "Nothing is sent now" in get(service, "/notices")
