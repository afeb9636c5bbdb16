"""Each attack on a workload's token by itself: forged, stale, meant for others, or no token."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from app.cli.demo.issuer import Issuer
from tests.app.http.guarded import AUDIENCE, REPOSITORY, Guarded, guarded
from tests.scenarios.conftest import migrated

ATTACKS = (
    "alg none",
    "alg None",
    "public key as shared secret",
    "another's key under a known id",
    "the attacker's key in the header",
    "an algorithm that is not pinned",
    "changed claims",
    "cut seal",
    "no seal",
    "unknown kid",
    "kid that is a path",
    "wrong audience",
    "no audience",
    "audience that begins alike",
    "wrong issuer",
    "issuer with a slash more",
    "no issuer",
    "expired",
    "without expiry",
    "expiry as text",
    "not yet valid",
    "issued in the future",
    "another repository",
    "another repository of that name",
    "no repository",
    "a list that has it",
    "another branch",
    "a branch that begins alike",
    "a pull request",
    "a fork's code in our context",
    "not a token",
    "three dots",
    "too long",
    "nested deep",
)


@pytest.fixture(scope="module")
def ci(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """One service for all of them, on SQLite: what is refused reaches no database."""
    folder = tmp_path_factory.mktemp("forged")
    with guarded(migrated(folder), folder) as made:
        yield made


@pytest.fixture(scope="module")
def tokens(ci: Guarded) -> Mapping[str, str]:
    return forged(ci)


@pytest.mark.parametrize("attack", ATTACKS)
def test_is_refused(ci: Guarded, tokens: Mapping[str, str], attack: str):
    answer = ci.service.call("GET", "/v1/me", tokens[attack])
    assert answer.status_code == 401, answer.text
    assert answer.json()["type"] == "unauthenticated"
    assert tokens[attack][:60] not in answer.text


def test_all_of_them_are_tried_and_none_harms_who_may_come_in(
    ci: Guarded, tokens: Mapping[str, str]
):
    assert set(tokens) == set(ATTACKS)
    assert ci.service.call("GET", "/v1/me", ci.token()).status_code == 200


@pytest.mark.parametrize("how", ["alg none", "public key as shared secret", "another's key"])
def test_a_forged_id_token_opens_no_session(ci: Guarded, how: str, monkeypatch: pytest.MonkeyPatch):
    """The same attacks on the login of people, by a provider that hands out forgeries."""
    public = ci.issuer.key.as_pem(private=False)
    other = RSAKey.generate_key(2048)

    def signed(issuer: Issuer, claims: dict[str, Any], **_: Any) -> str:
        kid = str(issuer.key.kid)
        if how == "alg none":
            return f"{part({'alg': 'none', 'kid': kid})}.{part(claims)}."
        if how == "another's key":
            return jwt.encode({"alg": "RS256", "kid": kid}, claims, other)
        return hs256({"alg": "HS256", "kid": kid}, claims, public)

    with monkeypatch.context() as patched:
        patched.setattr(Issuer, "signed", signed)
        browser = ci.browser()
        answer = ci.sign_in(browser, "00u-ada")
    assert (answer.status_code, answer.json()["type"]) == (403, "sign-in-refused")
    assert "clearance" not in browser.cookies
    assert ci.sign_in(ci.browser(), "00u-ada").status_code == 303


def forged(ci: Guarded) -> dict[str, str]:
    """One token for each attack on the token itself."""
    claims = json.loads(unpadded(ci.token().split(".")[1]))
    key = ci.issuer.key
    other = RSAKey.generate_key(2048)
    public = key.as_pem(private=False)
    free = RSAKey.import_key(key.as_pem(private=True))
    now = int(time.time())
    good = ci.token()
    head, body, seal = good.split(".")
    changed = {**claims, "repository_id": "777", "environment": "production"}
    return {
        "alg none": f"{part({'alg': 'none', 'kid': key.kid})}.{part(claims)}.",
        "alg None": f"{part({'alg': 'None', 'kid': key.kid})}.{part(claims)}.{seal}",
        "public key as shared secret": hs256({"alg": "HS256", "kid": key.kid}, claims, public),
        "another's key under a known id": jwt.encode(
            {"alg": "RS256", "kid": key.kid}, claims, other
        ),
        "the attacker's key in the header": jwt.encode(
            {"alg": "RS256", "jwk": other.as_dict(private=False)}, claims, other
        ),
        "an algorithm that is not pinned": jwt.encode(
            {"alg": "PS256", "kid": key.kid}, claims, free, ["PS256"]
        ),
        "changed claims": f"{head}.{part(changed)}.{seal}",
        "cut seal": f"{head}.{body}.{seal[:-8]}",
        "no seal": f"{head}.{body}.",
        "unknown kid": ci.issuer.signed(claims, kid="nobody"),
        "kid that is a path": ci.issuer.signed(claims, kid="../../etc/passwd"),
        "wrong audience": ci.token(aud="https://elsewhere.example"),
        "no audience": ci.token(aud=None),
        "audience that begins alike": ci.token(aud=f"{AUDIENCE}.evil.example"),
        "wrong issuer": ci.token(iss="https://evil.example"),
        "issuer with a slash more": ci.token(iss=f"{ci.issuer.url}/"),
        "no issuer": ci.token(iss=None),
        "expired": ci.token(iat=now - 900, nbf=now - 900, exp=now - 60),
        "without expiry": ci.token(exp=None),
        "expiry as text": ci.token(exp="2999-01-01"),
        "not yet valid": ci.token(nbf=now + 600),
        "issued in the future": ci.token(iat=now + 600),
        "another repository": ci.token(repository_id="42"),
        "another repository of that name": ci.token(repository_id="42", repository="acme/bot"),
        "no repository": ci.token(repository_id=None),
        "a list that has it": ci.token(repository_id=[[REPOSITORY]]),
        "another branch": ci.token(ref="refs/heads/evil"),
        "a branch that begins alike": ci.token(ref="refs/heads/main2"),
        "a pull request": ci.token(event_name="pull_request"),
        "a fork's code in our context": ci.token(event_name="pull_request_target"),
        "not a token": "a.b.c",
        "three dots": "...",
        "too long": good + "x" * 20_000,
        "nested deep": f"{part({'alg': 'RS256'})}.{raw('[' * 6000)}.{seal}",
    }


def raw(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def part(value: dict[str, Any]) -> str:
    return raw(json.dumps(value))


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hs256(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """The old confusion: the public key, which everybody has, taken as a shared secret."""
    signed = f"{part(header)}.{part(claims)}"
    seal = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(seal).decode().rstrip('=')}"
