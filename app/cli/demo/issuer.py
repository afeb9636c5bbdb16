"""A small real OpenID provider: discovery, keys, sign-in form, code exchange, workload tokens.

For the demo and for tests, on this machine only. It knows its people by name alone, so it refuses
to listen anywhere but on the loopback address; everything else is as a provider does it.
"""

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CODE_SECONDS: Final = 60
_BITS: Final = 2048
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8">
<title>Sign in</title><body style="font-family:sans-serif;max-width:28rem;margin:3rem auto">
<h1>Sign in</h1><p>A provider for the demo. Choose who you are.</p>{people}</body></html>"""
_PERSON: Final = """<form method="post" action="/authorize"><input type="hidden" name="query"
value="{query}"><button name="person" value="{subject}">{name}</button></form>"""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in."""

    subject: str
    name: str
    groups: tuple[str, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Code:
    person: Person
    query: Mapping[str, str]
    made_at: float


@dataclass(frozen=True, slots=True)
class Client:
    """An application that may ask people to sign in."""

    id: str
    secret: str
    redirect_uri: str


class Issuer:
    """Keys, people, codes. `rotate` makes a new key; old ones stay published until `retire`."""

    def __init__(self, people: tuple[Person, ...] = (), client: Client | None = None) -> None:
        self.people = {person.subject: person for person in people}
        self.client = client
        self.url = ""
        self.asked: list[str] = []
        self.keys: list[RSAKey] = []
        self.extra_keys: list[dict[str, Any]] = []
        self.is_down = False
        self.tells_apart = False
        """Whether groups stand at the userinfo address instead of in the id token."""
        self._access: dict[str, Person] = {}
        self._codes: dict[str, _Code] = {}
        self._lock = threading.Lock()
        self.rotate()

    @property
    def key(self) -> RSAKey:
        """The key that signs now."""
        return self.keys[-1]

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        name = f"key-{len(self.keys) + 1}-{secrets.token_hex(4)}"
        self.keys.append(RSAKey.generate_key(_BITS, {"kid": name, "use": "sig", "alg": "RS256"}))

    def retire(self) -> None:
        """Publish only the newest key."""
        del self.keys[:-1]

    def token(self, audience: str, *, lasts: int = 300, **claims: Any) -> str:
        """A workload token as a CI system mints it; a claim given as None is left out."""
        now = int(time.time())
        made = {
            "iss": self.url,
            "aud": audience,
            "iat": now,
            "nbf": now,
            "exp": now + lasts,
            "jti": secrets.token_hex(8),
            **claims,
        }
        return self.signed({name: value for name, value in made.items() if value is not None})

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        """Any claims under the current key."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid, **header}, claims, self.key)

    def jwks(self) -> dict[str, Any]:
        """The public keys."""
        return {"keys": [*self.extra_keys, *(key.as_dict(private=False) for key in self.keys)]}

    def discovery(self) -> dict[str, Any]:
        """The provider's description of itself."""
        apart = {"userinfo_endpoint": f"{self.url}/userinfo"} if self.tells_apart else {}
        return {
            **apart,
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorised(self, subject: str, query: Mapping[str, str]) -> str:
        """Where the browser goes once a person has chosen: back to the client, with a code."""
        client = self.client
        if client is None or query.get("client_id") != client.id:
            raise ValueError("unknown client")
        if query.get("redirect_uri") != client.redirect_uri or subject not in self.people:
            raise ValueError("unknown address or person")
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._codes[code] = _Code(self.people[subject], dict(query), time.monotonic())
        answer = {"code": code, "state": query.get("state", ""), "iss": self.url}
        return f"{client.redirect_uri}?{urlencode(answer)}"

    def exchanged(self, form: Mapping[str, str], credentials: str) -> dict[str, Any]:
        """Tokens for a code, once, for the client that it was made for and its PKCE verifier."""
        with self._lock:
            code = self._codes.pop(form.get("code", ""), None)
        client = self.client
        if code is None or client is None or time.monotonic() - code.made_at > CODE_SECONDS:
            raise ValueError("invalid_grant")
        expected = base64.b64encode(f"{client.id}:{client.secret}".encode()).decode()
        if not secrets.compare_digest(credentials, f"Basic {expected}"):
            raise ValueError("invalid_client")
        verifier = form.get("code_verifier", "")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        if challenge.decode().rstrip("=") != code.query.get("code_challenge"):
            raise ValueError("invalid_grant")
        person = code.person
        claims = {
            "sub": person.subject,
            "nonce": code.query.get("nonce"),
            "preferred_username": person.name,
            "groups": None if self.tells_apart else list(person.groups),
            **person.claims,
        }
        token = self.token(client.id, **claims)
        access = secrets.token_urlsafe(24)
        with self._lock:
            self._access[access] = person
        return {
            "access_token": access,
            "token_type": "Bearer",
            "id_token": token,
        }

    def user_info(self, access_token: str) -> dict[str, Any]:
        """What is told about whom an access token was made for."""
        with self._lock:
            person = self._access.get(access_token)
        if person is None:
            raise ValueError("invalid_token")
        return {"sub": person.subject, "groups": list(person.groups), **person.claims}

    def sign_in_page(self, query: str) -> str:
        """One button for each person."""
        people = "".join(
            _PERSON.format(
                query=html.escape(query), subject=html.escape(p.subject), name=html.escape(p.name)
            )
            for p in self.people.values()
        )
        return _PAGE.format(people=people)


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_GET(self) -> None:
        issuer, parts = self.server.issuer, urlsplit(self.path)
        issuer.asked.append(parts.path)
        if issuer.is_down:
            self._answer(503, b"down", "text/plain")
        elif parts.path == "/.well-known/openid-configuration":
            self._json(200, issuer.discovery())
        elif parts.path == "/jwks":
            self._json(200, issuer.jwks())
        elif parts.path == "/userinfo":
            self._user_info()
        elif parts.path == "/authorize":
            self._answer(200, issuer.sign_in_page(parts.query).encode(), "text/html")
        else:
            self._answer(404, b"nothing here", "text/plain")

    def do_POST(self) -> None:
        issuer, path = self.server.issuer, urlsplit(self.path).path
        issuer.asked.append(path)
        length = min(int(self.headers.get("Content-Length", "0")), 64 * 1024)
        form = _single(self.rfile.read(length).decode())
        try:
            if path == "/authorize":
                where = issuer.authorised(form.get("person", ""), _single(form.get("query", "")))
                self.send_response(303)
                self.send_header("Location", where)
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif path == "/token":
                given = self.headers.get("Authorization", "")
                self._json(200, issuer.exchanged(form, given))
            else:
                self._answer(404, b"nothing here", "text/plain")
        except ValueError as error:
            self._json(400, {"error": str(error)})

    def _user_info(self) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            self._json(200, self.server.issuer.user_info(token))
        except ValueError as error:
            self._json(401, {"error": str(error)})

    def _json(self, status: int, value: dict[str, Any]) -> None:
        self._answer(status, json.dumps(value).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Quiet: the demo's terminal belongs to its story."""
        del format, args


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, issuer: Issuer, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.issuer = issuer


def _single(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}


@contextmanager
def listening(issuer: Issuer, port: int = 0) -> Iterator[Issuer]:
    """The issuer behind HTTP on the loopback address until the block ends."""
    server = _Server(issuer, port)
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
