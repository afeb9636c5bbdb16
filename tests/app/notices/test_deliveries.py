"""From an entry in the log to a signed call: once, again by the schedule, never inside."""

import ipaddress
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, update

from app.evaluations.ending import sweep
from app.jobs.cleaning import clean
from app.jobs.kinds import Job
from app.jobs.running import run_due
from app.notices.cards import slack, teams
from app.notices.delivering import SCHEDULE
from app.notices.fanning import fan_out
from app.notices.mail import message
from app.notices.signing import signature
from app.notices.tables import delivery, subscription
from app.notices.vault import Vault
from app.notices.wording import sentence
from app.settings import SettingsError
from tests.app.http.service import ESCALATES, POLICY, Service, running
from tests.app.notices.receiver import receiving


@pytest.fixture
def service(settings):
    loopback = (ipaddress.ip_network("127.0.0.0/8"),)
    given = replace(
        settings,
        outbound_allow=loopback,
        public_url="https://gate.example.com",
    )
    with running(given) as started:
        started.publish()
        yield started


@pytest.fixture
def hook():
    with receiving() as kept:
        yield kept


def subscribe(service: Service, target, **changes):
    body = {"name": "ci", "target": target, "types": ["decision.*", "review.*"], **changes}
    answer = service.call("POST", "/v1/subscriptions", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def work(service: Service, **ahead):
    """What a worker does in its rounds, at a time."""
    if ahead:
        service.clock.ahead = timedelta(**ahead)
    runtime = service.app.state.runtime
    while fan_out(runtime, service.clock()):
        pass
    return run_due(runtime, service.clock())


def sent(service, made):
    return service.call("GET", f"/v1/subscriptions/{made['id']}/deliveries").json()["items"]


def test_what_happens_is_told_once_and_signed(service, hook):
    service.submit()
    made = subscribe(service, hook.url, types=["decision.recorded", "review.opened"])
    decision = service.submit(**ESCALATES, version="43").json()
    work(service)
    work(service)
    assert len(hook.requests) == 2
    events = {json.loads(body)["type"]: json.loads(body) for _, body in hook.requests}
    data = events["decision.recorded"]["data"]
    assert (data["decision"], data["model"], data["version"], data["status"]) == (
        decision["id"],
        "support-bot",
        "43",
        "pending",
    )
    assert data["link"] == f"https://gate.example.com/decisions/{decision['id']}"
    assert data["api"] == f"https://gate.example.com/v1/decisions/{decision['id']}"
    assert events["review.opened"]["data"]["approval"] == {"event": "created"}
    for headers, body in hook.requests:
        at = int(headers["webhook-timestamp"])
        expected = signature(made["secret"], headers["webhook-id"], at, body)
        assert headers["webhook-signature"] == expected
    log = sent(service, made)
    assert [item["status"] for item in log] == ["delivered", "delivered"]
    assert {item["id"] for item in log} == {h["webhook-id"] for h, _ in hook.requests}
    assert [item["attempts"][0]["status"] for item in log] == [200, 200]


def test_failures_come_again_by_the_schedule_under_one_id_until_it_is_over(service, hook):
    hook.answers = [(500, {})]
    made = subscribe(service, hook.url, types=["decision.recorded"])
    service.submit()
    work(service)
    pauses, now = [], timedelta(0)
    while (item := sent(service, made)[0])["status"] == "pending":
        runtime = service.app.state.runtime
        with runtime.engine.connect() as connection:
            due = connection.execute(select(delivery.c.next_at)).scalar_one()
            last = connection.execute(select(delivery.c.attempts)).scalar_one()
        pauses.append(due - service.clock())
        now += SCHEDULE[last - 1] + timedelta(seconds=1)
        service.clock.ahead = now
        run_due(runtime, service.clock())
    assert item["status"] == "failed"
    assert len(hook.requests) == len(item["attempts"]) == 1 + len(SCHEDULE)
    assert len({headers["webhook-id"] for headers, _ in hook.requests}) == 1
    assert len({headers["webhook-timestamp"] for headers, _ in hook.requests}) > 1
    assert timedelta(hours=13) < pauses[6] <= timedelta(hours=14)
    hook.answers = [(204, {})]
    path = f"/v1/subscriptions/{made['id']}/deliveries/{item['id']}/replay"
    assert service.call("POST", path, json={}).status_code == 202
    run_due(service.app.state.runtime, service.clock())
    assert sent(service, made)[0]["status"] == "delivered"


def test_retry_after_is_honoured_and_a_redirect_is_a_failure(service, hook):
    hook.answers = [(429, {"Retry-After": "3600"}), (302, {"Location": hook.url}), (200, {})]
    made = subscribe(service, hook.url, types=["decision.recorded"])
    service.submit()
    work(service)
    work(service, minutes=59)
    assert len(hook.requests) == 1
    work(service, minutes=61)
    work(service, minutes=70)
    assert sent(service, made)[0]["status"] == "delivered"
    assert [a["status"] for a in sent(service, made)[0]["attempts"]] == [429, 302, 200]


def test_gone_ends_the_subscription_and_what_waits_for_it(service, hook):
    hook.answers = [(410, {})]
    made = subscribe(service, hook.url, types=["decision.recorded"])
    service.submit()
    service.submit(version="43")
    work(service)
    assert len(hook.requests) == 1
    shown = service.call("GET", f"/v1/subscriptions/{made['id']}").json()
    assert (shown["status"], "410" in shown["why"]) == ("disabled", True)
    assert {item["status"] for item in sent(service, made)} == {"failed", "dropped"}
    service.submit(version="44")
    assert work(service) == 0
    again = service.call("PATCH", f"/v1/subscriptions/{made['id']}", json={"status": "active"})
    assert again.json()["status"] == "active"


def test_addresses_inside_are_refused_at_the_call(settings, hook):
    with running(settings) as service:
        service.publish()
        made = subscribe(service, hook.url, types=["decision.recorded"])
        service.submit()
        work(service)
        tried = sent(service, made)[0]["attempts"][0]
        assert (hook.requests, tried["status"]) == ([], None)
        assert "private" in tried["detail"]
        for wrong in ("file:///etc/passwd", "http://user:pw@host/", "gopher://x/", "not a url"):
            body = {"name": "x", "target": wrong}
            assert service.call("POST", "/v1/subscriptions", json=body).status_code == 422


def test_a_new_secret_signs_beside_the_old_one_for_a_day(service, hook):
    made = subscribe(service, hook.url, types=["decision.recorded"])
    path = f"/v1/subscriptions/{made['id']}"
    changed = service.call("PATCH", path, json={"rotate_secret": True}).json()
    assert changed["secret"] not in {None, made["secret"]}
    service.submit()
    work(service)
    service.clock.ahead = timedelta(hours=25)
    service.submit(version="43")
    work(service)
    (first, body), (second, _) = hook.requests
    at = int(first["webhook-timestamp"])
    expected = [
        signature(s, first["webhook-id"], at, body) for s in (changed["secret"], made["secret"])
    ]
    assert first["webhook-signature"].split(" ") == expected
    assert len(second["webhook-signature"].split(" ")) == 1


def test_secrets_are_shown_once_and_not_stored_in_the_clear(service, hook):
    headers = {"Idempotency-Key": "s-1"}
    body = {"name": "chat", "target": f"{hook.url}/T0SECRET", "kind": "webhook"}
    first, second = (
        service.call("POST", "/v1/subscriptions", json=body, headers=headers) for _ in range(2)
    )
    assert first.json()["secret"].startswith("whsec_")
    assert (second.status_code, second.json()["secret"]) == (200, None)
    shown = service.call("GET", "/v1/subscriptions").text
    assert "whsec_" not in shown
    assert "T0SECRET" not in shown
    log = service.call("GET", "/v1/audit/entries?type=subscription.created").text
    assert "T0SECRET" not in log
    with service.app.state.runtime.engine.connect() as connection:
        row = connection.execute(select(subscription)).one()
    assert b"T0SECRET" not in bytes(row.target)
    assert b"whsec_" not in bytes(row.secret)


def test_who_may_subscribe_and_what_is_heard_of(service, hook):
    for role in ("viewer", "submitter", "auditor"):
        token = service.key(f"k-{role}", role)
        body = {"name": "x", "target": hook.url}
        assert service.call("POST", "/v1/subscriptions", token, json=body).status_code == 403
    made = subscribe(service, hook.url, types=["decision.*"], models=["fraud*"])
    service.submit()
    service.publish(name="support-bot-release")
    work(service)
    assert sent(service, made) == []
    for wrong in (["key.*"], ["*.recorded"], []):
        body = {"name": "x", "target": hook.url, "types": wrong}
        code = service.call("POST", "/v1/subscriptions", json=body).status_code
        assert code == (201 if wrong == ["key.*"] else 422)
    work(service)
    assert hook.requests == []


def test_a_deleted_subscription_hears_nothing_more(service, hook):
    made = subscribe(service, hook.url)
    service.submit()
    fan_out(service.app.state.runtime, service.clock())
    assert service.call("DELETE", f"/v1/subscriptions/{made['id']}").status_code == 204
    work(service)
    assert hook.requests == []
    assert service.call("GET", f"/v1/subscriptions/{made['id']}").status_code == 404
    with service.app.state.runtime.engine.connect() as connection:
        row = connection.execute(select(subscription)).one()
    assert (row.secret, row.target) == (None, b"")


def test_a_clearance_that_is_over_is_told_with_its_reason(service, hook):
    subscribe(service, hook.url, types=["decision.expired"])
    service.submit()
    now = service.clock() + timedelta(days=30, minutes=1)
    assert sweep(service.app.state.runtime, Job("j", "k", "k", {}, now, 1), now) is not None
    work(service, days=30, minutes=1)
    ((_, body),) = hook.requests
    event = json.loads(body)
    assert (event["data"]["status"], event["data"]["because"]) == ("expired", "valid_days")
    words = "support-bot 42 limited_release: the clearance ended (its time is over)."
    assert sentence(event) == words


def test_what_is_about_no_decision_has_a_link_too(service, hook):
    subscribe(service, hook.url, types=["policy.*"])
    service.publish(POLICY.replace("0.85", "0.86"))
    work(service)
    ((_, body),) = hook.requests
    link = json.loads(body)["data"]["link"]
    assert link == "https://gate.example.com/policies/support-bot-release"


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_chats_get_a_card_with_a_link(service, hook, kind):
    subscribe(service, hook.url, kind=kind, types=["review.opened"])
    decision = service.submit(**ESCALATES).json()
    work(service)
    ((headers, body),) = hook.requests
    assert "webhook-signature" not in headers
    text = body.decode()
    assert "support-bot 42 limited_release waits for people: 1 of security" in text
    assert f"https://gate.example.com/decisions/{decision['id']}" in text


def test_nothing_a_stranger_typed_can_mention_format_or_break_a_header(settings):
    model = "<!channel> *x* <@U1>\r\nBcc: all@example.com\n[a](http://evil)"
    event = {
        "type": "decision.recorded",
        "timestamp": "2026-11-20T10:00:00Z",
        "data": {"model": model, "status": "failed", "link": "javascript:alert(1)"},
    }
    card = slack(event)
    assert "<" not in card["text"]
    assert card["blocks"][0]["text"]["type"] == "plain_text"
    assert "accessory" not in card["blocks"][0]
    adaptive = teams(event)["attachments"][0]["content"]
    assert adaptive["body"][0]["type"] == "RichTextBlock"
    assert "actions" not in adaptive
    assert "\n" not in sentence(event)
    mail = message(settings, "ml@example.com", "msg_1", event, datetime(2026, 11, 20, tzinfo=UTC))
    assert mail["Bcc"] is None
    assert mail.get_all("To") == ["ml@example.com"]


def test_a_lost_key_is_told_from_a_wrong_one(settings):
    given, path = settings, settings.secrets_key_file
    first, second = path.read_bytes(), Fernet.generate_key()
    token = Vault(given).locked("whsec_x")
    path.write_bytes(second + b"\n" + first)
    assert Vault(given).opened(token) == "whsec_x"
    path.write_bytes(second)
    with pytest.raises(SettingsError, match="old key"):
        Vault(given).opened(token)
    path.write_text("not a key")
    with pytest.raises(SettingsError, match="Fernet"):
        Vault(given)


def test_old_deliveries_are_forgotten_and_open_ones_are_not(service, hook):
    made = subscribe(service, hook.url, types=["decision.recorded"])
    service.submit()
    work(service)
    subscribe(service, hook.url, types=["decision.recorded"], name="slow")
    hook.answers = [(500, {})]
    service.submit(version="43")
    work(service)
    runtime = service.app.state.runtime
    job = Job("job_x", "jobs.clean", "jobs.clean", {}, service.clock(), 1)
    clean(runtime, job, service.clock() + timedelta(days=89))
    assert len(sent(service, made)) == 2
    clean(runtime, job, service.clock() + timedelta(days=91))
    assert [item["status"] for item in sent(service, made)] == ["pending"]


def test_two_workers_reading_the_log_tell_it_once(service, hook):
    made = subscribe(service, hook.url, types=["decision.recorded"])
    service.submit()
    runtime = service.app.state.runtime
    fan_out(runtime, service.clock())
    with runtime.engine.begin() as connection:
        row = connection.execute(select(subscription)).one()
        # As if another worker had read the same entries a moment before.
        connection.execute(update(subscription).values(since=row.since))
    assert fan_out(runtime, service.clock()) == 0
    assert len(sent(service, made)) == 1
