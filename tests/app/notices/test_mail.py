"""E-mail over real SMTP: TLS that is checked, passwords, refusals, and the schedule after them."""

import ssl
from dataclasses import replace
from datetime import timedelta

import pytest

from app.jobs.running import run_due
from app.notices.fanning import fan_out
from tests.app.certificate import certificate
from tests.app.http.service import ESCALATES, Service, running
from tests.app.notices.mailbox import receiving_mail

FAR = "127.0.0.2"
"""An address of this machine that is not one of those without TLS."""


def told(service: Service, **ahead):
    """What a worker does, and what is then known of the one delivery."""
    if ahead:
        service.clock.ahead = timedelta(**ahead)
    runtime = service.app.state.runtime
    while fan_out(runtime, service.clock()):
        pass
    run_due(runtime, service.clock())
    (one,) = service.call("GET", "/v1/subscriptions").json()["items"]
    (sent,) = service.call("GET", f"/v1/subscriptions/{one['id']}/deliveries").json()["items"]
    return sent


@pytest.fixture
def asking(settings):
    """A service that tells one address, over a given SMTP URL, that a review was opened."""
    started = []

    def start(url: str) -> Service:
        changes = {"smtp_url": url, "mail_from": "gate@example.com"}
        context = running(replace(settings, public_url="https://gate.example.com", **changes))
        service = context.__enter__()
        started.append(context)
        service.publish()
        body: dict[str, object] = {"name": "ml", "kind": "email", "target": "ml@example.com"}
        body = {**body, "types": ["review.opened"]}
        assert service.call("POST", "/v1/subscriptions", json=body).status_code == 201
        service.submit(**ESCALATES)
        return service

    yield start
    for context in started:
        context.__exit__(None, None, None)


@pytest.fixture
def pem(tmp_path, monkeypatch):
    """A certificate for FAR that this process trusts."""
    path = certificate(tmp_path, FAR)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


@pytest.fixture
def secure(pem):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_a_mail_on_this_machine_says_what_waits_and_where(asking):
    with receiving_mail("127.0.0.1") as box:
        sent = told(asking(f"smtp://127.0.0.1:{box.port}"))
    assert (sent["status"], sent["attempts"][0]["detail"]) == (
        "delivered",
        "handed to the mail server",
    )
    (mail,) = box.mails
    assert box.to == ["ml@example.com"]
    assert mail["From"] == "gate@example.com"
    assert mail["Subject"].startswith("[Clearance] support-bot 42 limited_release waits for people")
    assert mail["Message-ID"] == f"<{sent['id']}@clearance>"
    assert mail["Date"]
    assert "https://gate.example.com/decisions/dec_" in mail.get_payload()


def test_elsewhere_it_is_sent_over_tls_with_a_password(asking, secure):
    with receiving_mail(FAR, secure) as box:
        sent = told(asking(f"smtp://gate:s3cret@{FAR}:{box.port}"))
    assert sent["status"] == "delivered", sent
    assert box.is_secure == [True]


def test_a_wrong_password_is_told_and_nothing_of_it(asking, secure):
    with receiving_mail(FAR, secure) as box:
        sent = told(asking(f"smtp://gate:wrong%40pass@{FAR}:{box.port}"))
    (tried,) = sent["attempts"]
    assert (sent["status"], tried["status"]) == ("pending", 535)
    assert tried["detail"] == f"{FAR}: the user name or password of CLEARANCE_SMTP_URL was refused"
    assert box.mails == []


def test_a_server_without_tls_gets_neither_password_nor_mail(asking):
    with receiving_mail(FAR) as box:
        sent = told(asking(f"smtp://gate:s3cret@{FAR}:{box.port}"))
    assert sent["attempts"][0]["detail"] == f"{FAR}: it offers no STARTTLS or no way to sign in"
    assert box.mails == []


def test_a_certificate_that_nobody_vouches_for_gets_nothing(asking, secure, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with receiving_mail(FAR, secure) as box:
        sent = told(asking(f"smtp://gate:s3cret@{FAR}:{box.port}"))
    assert "its certificate does not hold" in sent["attempts"][0]["detail"]
    assert box.mails == []


def test_a_refused_recipient_is_tried_again_until_it_is_taken(asking):
    with receiving_mail("127.0.0.1") as box:
        box.rcpt = "550 no such user"
        service = asking(f"smtp://127.0.0.1:{box.port}")
        first = told(service)
        assert (first["status"], first["attempts"][0]["status"]) == ("pending", 550)
        assert first["attempts"][0]["detail"] == "127.0.0.1: the recipient was refused"
        box.rcpt, box.data = "", "451 try later"
        second = told(service, seconds=6)
        assert [item["status"] for item in second["attempts"]] == [550, 451]
        box.data = "250 OK"
        third = told(service, minutes=6)
    assert (third["status"], len(third["attempts"]), len(box.mails)) == ("delivered", 3, 1)
    assert box.mails[0]["Message-ID"] == f"<{first['id']}@clearance>"


def test_a_server_that_is_away_is_tried_again(asking):
    with receiving_mail("127.0.0.1") as box:
        port = box.port
    service = asking(f"smtp://127.0.0.1:{port}")
    sent = told(service)
    assert sent["status"] == "pending"
    assert (
        sent["attempts"][0]["detail"]
        == "127.0.0.1: it could not be reached (ConnectionRefusedError)"
    )
