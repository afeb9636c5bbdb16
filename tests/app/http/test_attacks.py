"""Guessing, injecting, timing: attacks on the way in that are not about tokens or browsers."""

import hmac
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import event

from app.auth import csrf, keys, sessions
from app.settings import Settings
from tests.app.http.guarded import guarded
from tests.app.http.service import PLAIN, Service, running


def test_guessing_is_stopped_and_who_was_good_before_goes_on(settings: Settings):
    with running(replace(settings, failure_limit="5/hour")) as service:
        good = service.key("ci", "submitter")
        unseen = service.key("cd", "submitter")
        assert service.call("GET", "/v1/decisions", good).status_code == 200
        codes = [
            service.call("GET", "/v1/decisions", f"clr_guess{number}").status_code
            for number in range(10)
        ]
        assert codes == [401] * 6 + [429] * 4
        refused = service.call("GET", "/v1/decisions", "clr_guess")
        assert refused.json()["type"] == "too-many-requests"
        assert 1 <= int(refused.headers["retry-after"]) <= 3600
        # A right guess is not told from a wrong one now, whatever it is tried on.
        assert service.call("GET", "/v1/decisions", unseen).status_code == 429
        assert service.call("GET", "/v1/decisions", "eyJ.eyJ.x").status_code == 429
        form = service.client.post("/login/key", data={"key": unseen})
        assert form.status_code == 429
        # A pipeline behind the same address is not locked out by it, whatever else happens.
        assert service.call("GET", "/v1/decisions", good).status_code == 200
        service.app.state.runtime.keys.forget()
        assert service.call("GET", "/v1/decisions", good).status_code == 200


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_who_guesses_at_several_replicas_is_counted_once(settings: Settings):
    """A SQLite database has one process that lets people in, so there it is trivial."""
    limited = replace(settings, failure_limit="5/hour")
    with running(limited) as one, running(limited) as two:
        asked = [one, two] * 6
        codes = [
            service.call("GET", "/v1/decisions", f"clr_guess{number}").status_code
            for number, service in enumerate(asked)
        ]
        assert codes == [401] * 7 + [429] * 5
        good = two.key("late", "submitter")
        assert two.call("GET", "/v1/decisions", good).status_code == 429


def test_a_good_token_passes_whatever_else_its_address_sends(settings: Settings, tmp_path: Path):
    with guarded(settings, tmp_path, failure_limit="2/hour") as ci:
        codes = [ci.service.call("GET", "/v1/me", ci.token(ref="no")).status_code for _ in range(5)]
        assert codes == [401] * 3 + [429] * 2
        assert ci.service.call("GET", "/v1/me", ci.token()).status_code == 200


def test_a_principal_that_asks_too_much_is_told_when_to_go_on(settings: Settings):
    with running(replace(settings, rate_limit="3/hour")) as service:
        viewer, ci = service.key("eve", "viewer"), service.key("ci", "submitter")
        codes = [service.call("GET", "/v1/decisions", viewer).status_code for _ in range(5)]
        assert codes == [200, 200, 200, 429, 429]
        limited = service.call("GET", "/v1/decisions", viewer)
        assert limited.headers["content-type"] == "application/problem+json"
        assert int(limited.headers["retry-after"]) >= 1
        # Another key of the same one is the same one; a submitter is not limited.
        assert service.call("GET", "/v1/decisions", service.key("eve", "viewer")).status_code == 429
        assert {service.call("GET", "/v1/decisions", ci).status_code for _ in range(10)} == {200}


def test_a_secret_is_found_by_its_digest_and_never_compared(service: Service):
    """No comparison of secrets, so no timing of one: the database sees 256 bits of a hash."""
    secret = service.key("ci", "viewer")
    engine = service.app.state.runtime.engine
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append(f"{statement} {parameters}")

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert service.call("GET", "/v1/policies", secret).status_code == 200
        with httpx.Client(base_url=service.client.base_url, verify=PLAIN) as browser:
            assert (
                browser.post(
                    "/login/key", data={"key": service.key("sam", "viewer", person=True)}
                ).status_code
                == 303
            )
            cookie = browser.cookies["clearance"]
            assert browser.get("/v1/me").status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    told = "\n".join(seen)
    assert keys.digest(secret) in told
    assert sessions.digest(cookie) in told
    assert secret not in told
    assert cookie not in told


def test_the_csrf_token_is_compared_in_constant_time(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def watched(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    secret = service.key("sam", "viewer", person=True)
    with httpx.Client(base_url=service.client.base_url, verify=PLAIN) as browser:
        browser.post("/login/key", data={"key": secret})
        right = csrf.token_of(browser.cookies["clearance"])
        monkeypatch.setattr(hmac, "compare_digest", watched)
        assert browser.post("/logout", headers={"X-CSRF-Token": "wrong"}).status_code == 403
    assert compared == [(b"wrong", right.encode())]


STRANGE = [
    b"Authorization: Bearer clr_\x00x",
    b"Authorization: Bearer \xff\xfe",
    b"Authorization: Bearer clr_x\x0bAdmin: yes",
    b"Cookie: clearance=\x01\x02",
    b"Cookie: clearance=" + b"x" * 5000,
    b"Cookie: clearance",
    b"Cookie: clearance=a; clearance=b",
    b"X-Request-ID: <script>",
    b"X-Request-ID: a b",
    b"X-Forwarded-For: 127.0.0.1\r\nX-Admin: yes",
    b"X-Forwarded-User: admin",
    b"X-Remote-User: admin",
]


def test_strange_headers_let_nobody_in_and_come_back_nowhere(service: Service):
    where = urlsplit(str(service.client.base_url))
    for line in STRANGE:
        with socket.create_connection((where.hostname, where.port), 30) as raw:
            raw.sendall(
                b"GET /v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + line + b"\r\n\r\n"
            )
            answer = raw.makefile("rb").read()
        status = answer.split(b"\r\n", 1)[0]
        assert status.split()[1] in {b"400", b"401"}, (line, answer[:300])
        assert b"<script>" not in answer, line
        assert b"x-admin" not in answer.lower(), line
    assert service.client.get("/readyz").status_code == 200


def test_where_people_come_back_to_is_not_the_request_s_choice(settings: Settings, tmp_path: Path):
    with guarded(settings, tmp_path) as house:
        for headers in (
            {"Host": "evil.example"},
            {"X-Forwarded-Host": "evil.example"},
            {"Forwarded": "host=evil.example"},
        ):
            began = house.browser().get("/login", headers=headers)
            asked = httpx.URL(began.headers["location"])
            assert asked.params["redirect_uri"] == "http://localhost:1/login/callback"
            assert str(asked).startswith(house.issuer.url)


@contextmanager
def logged() -> Iterator[list[str]]:
    """Every line that the service writes to its log."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler, root = Keep(logging.DEBUG), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def test_nothing_that_a_stranger_sends_makes_a_line_of_the_log(settings: Settings, tmp_path: Path):
    forged = "\nCRITICAL clearance all is lost"
    with guarded(settings, tmp_path) as house, logged() as lines:
        house.service.client.get("/v1/decisions/%0ACRITICAL%20all%20is%20lost")
        house.service.client.get("/v1/me", headers={"X-Request-ID": "CRITICAL all is lost"})
        house.service.call("GET", "/v1/me", house.token(iss=f"https://evil{forged}"))
        house.service.call(
            "GET", "/v1/me", house.issuer.signed({"iss": house.issuer.url}, kid=forged)
        )
        house.service.call("GET", "/v1/me", house.token(repository_id=forged))
        house.browser().get("/login", params={"next": forged})
        house.browser().get("/login/callback", params={"code": forged, "state": forged})
        house.service.client.post("/login/key", data={"key": f"clr_{forged}"})
        secret = house.service.key("sam", "viewer", person=True)
        house.service.client.post("/login/key", data={"key": secret})
        token = house.token()
        house.service.call("GET", "/v1/me", token)
    ours = [line for line in lines if "httpx" not in line and "httpcore" not in line]
    assert ours, "the log was watched"
    told = [line for line in ours if "all is lost" in line or "\n" in line.strip()]
    assert told == []
    assert not any(secret in line or token in line for line in ours)
