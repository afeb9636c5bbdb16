"""Signing in with the organisation's OpenID provider: code flow with PKCE, state and nonce.

What a sign-in waits for lives in a cookie of the very browser that began it, so an answer that was
meant for another browser, or asked for by another site, fits nowhere. Groups give roles; no other
claim does.
"""

import asyncio
import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx

from app.auth.claims import claim_at
from app.auth.identities import Newcomer
from app.auth.identity_models import Link, People
from app.auth.issuer_keys import FRESH, IssuerKeys, KeysUnavailable, Source
from app.auth.names import account
from app.auth.paths import local_path
from app.auth.principal import Grant
from app.auth.tokens import Expected, verified
from app.errors import Problem
from app.outbound import OutboundError
from app.settings import Settings

CALLBACK: Final = "/login/callback"
_JUDGING: Final = ("reviewer:", "waiver_approver", "break_glass")
_MAX_COOKIE: Final = 4096


class LoginRefused(Exception):  # noqa: N818 - an answer, not a fault
    """The sign-in did not work out; the message says why."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that has begun in one browser."""

    state: str
    nonce: str
    verifier: str
    next: str

    @property
    def cookie(self) -> str:
        """As the browser keeps it."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whom the provider vouches for, and where they wanted to go."""

    newcomer: Newcomer
    next: str


def pending_of(cookie: str | None) -> Pending:
    """The sign-in that this browser began. Raises LoginRefused."""
    text = cookie if cookie is not None and len(cookie) <= _MAX_COOKIE else ""
    try:
        padded = text + "=" * (-len(text) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        pending = Pending(**{name: str(found[name]) for name in Pending.__dataclass_fields__})
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError):
        detail = "This sign-in was not begun in this browser, or too long ago. Begin again."
        raise LoginRefused(detail) from None
    return pending


class Login:
    """The provider, its keys and its description, for one configured `people` section."""

    def __init__(self, people: People, settings: Settings) -> None:
        assert settings.public_url is not None, "checked when the service starts"
        self.people = people
        self._redirect = settings.public_url.rstrip("/") + CALLBACK
        self._source = Source(
            people.issuer,
            jwks_url=people.jwks_url,
            ca_file=people.ca_file,
            networks=settings.outbound_allow,
        )
        self._keys = IssuerKeys("people", self._source.jwks)
        self._metadata: dict[str, Any] = {}
        self._metadata_at: datetime | None = None

    def begin(self, wanted: str | None, now: datetime) -> tuple[str, Pending]:
        """The provider's page to send the browser to, and what its answer must fit."""
        pending = Pending(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            next=local_path(wanted),
        )
        url, _ = self._client().create_authorization_url(
            self._endpoint("authorization_endpoint", now),
            state=pending.state,
            nonce=pending.nonce,
            code_verifier=pending.verifier,
        )
        return str(url), pending

    def exchange(self, query: Mapping[str, str], pending: Pending, now: datetime) -> dict[str, Any]:
        """The provider's tokens for the code in its answer. Raises LoginRefused."""
        if not hmac.compare_digest(query.get("state", "").encode(), pending.state.encode()):
            raise LoginRefused("The answer belongs to another sign-in. Begin again.")
        if query.get("iss", self.people.issuer) != self.people.issuer:
            raise LoginRefused("The answer comes from another provider.")
        if "code" not in query:
            said = query.get("error", "")
            known = {"access_denied": "The provider refused the sign-in."}
            raise LoginRefused(known.get(said, "The provider answered without a code."))
        url = self._endpoint("token_endpoint", now)
        try:
            tokens = self._client().fetch_token(
                url,
                grant_type="authorization_code",
                code=query["code"],
                code_verifier=pending.verifier,
            )
        except OutboundError:
            raise
        except Exception as error:
            raise LoginRefused("The provider did not accept the sign-in. Begin again.") from error
        return dict(tokens)

    async def signed_in(
        self, tokens: Mapping[str, Any], pending: Pending, now: datetime
    ) -> SignedIn:
        """Whom the id token names, with the grants of their groups."""
        token = tokens.get("id_token")
        if not isinstance(token, str):
            raise LoginRefused("The provider sent no id token.")
        people = self.people
        expected = Expected(people.issuer, people.client_id, people.algorithms)
        claims = await verified(token, expected, self._keys, now)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), pending.nonce.encode()):
            raise LoginRefused("The id token answers another sign-in.")
        if claims.get("azp", people.client_id) != people.client_id:
            raise LoginRefused("The id token was made for another application.")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= 500:
            raise LoginRefused("The id token does not say who signed in.")
        if claim_at(claims, people.groups_claim) is None:
            told = await asyncio.to_thread(self._user_info, tokens.get("access_token"), now)
            if told and told.get("sub") != subject:
                raise LoginRefused("The provider told about somebody else than who signed in.")
            # What was signed counts before what was only told.
            claims = {**told, **claims}
        return SignedIn(_newcomer(people, claims, subject), pending.next)

    def _user_info(self, access_token: object, now: datetime) -> Mapping[str, Any]:
        """What the provider tells at its userinfo address, for id tokens that name no groups.

        Nothing where there is no such address. Raises LoginRefused, KeysUnavailable, OutboundError.
        """
        url = self._described(now).get("userinfo_endpoint")
        if not isinstance(url, str) or not isinstance(access_token, str):
            return {}
        headers = {"Accept": "application/json", "Authorization": f"Bearer {access_token}"}
        answer = self._source.outbound(url).send("GET", url, headers=headers)
        try:
            told = json.loads(answer.body) if answer.status == 200 and not answer.is_cut else None
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            detail = "The provider did not tell your groups; its userinfo answered otherwise."
            raise LoginRefused(detail)
        return told

    def _endpoint(self, name: str, now: datetime) -> str:
        url = self._described(now).get(name)
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise KeysUnavailable("people")
        return url

    def _described(self, now: datetime) -> Mapping[str, Any]:
        """The provider's description of itself, fetched again when it is an hour old."""
        if self._metadata_at is None or now - self._metadata_at > FRESH:
            try:
                self._metadata, self._metadata_at = self._source.discovered(), now
            except (OutboundError, OSError, ValueError) as error:
                if self._metadata_at is None:
                    raise KeysUnavailable("people") from error
        return self._metadata

    def _client(self) -> Any:
        from authlib.oauth2.client import OAuth2Client  # noqa: PLC0415 - only who signs in pays

        file = self.people.client_secret_file
        return OAuth2Client(
            _Calls(self._source),
            client_id=self.people.client_id,
            client_secret=Path(file).read_text().strip() if file else None,
            scope=" ".join(self.people.scopes),
            redirect_uri=self._redirect,
            code_challenge_method="S256",
        )


@dataclass(frozen=True, slots=True)
class _Calls:
    """What the library calls the provider with: our guarded way out."""

    source: Source

    def post(self, url: str, *, data: Any, headers: Any, auth: Any) -> httpx.Response:
        """A form, with the client's credentials as the provider wants them."""
        body = str(httpx.QueryParams(data))
        url, headers, body = auth.prepare("POST", url, dict(headers), body)
        sent = self.source.outbound(url).send("POST", url, content=body.encode(), headers=headers)
        return httpx.Response(sent.status, content=sent.body, request=httpx.Request("POST", url))


def _newcomer(people: People, claims: Mapping[str, Any], subject: str) -> Newcomer:
    given = claim_at(claims, people.name_claim)
    link = next((link for link in people.links if link.subject == subject), None)
    grants = _grants(people, claims)
    if not grants:
        raise Problem(
            "forbidden",
            "You are signed in at your provider, but none of your groups may do anything here. "
            "Ask the admin of this service which group you need.",
        )
    name = given if isinstance(given, str) and given.isprintable() and given else subject
    return Newcomer(
        people.issuer,
        subject,
        name,
        "person",
        grants,
        linked_to=link.person if link else None,
        known_as=_known_as(people, claims, link),
    )


def _grants(people: People, claims: Mapping[str, Any]) -> tuple[Grant, ...]:
    """What the groups give together; an admin among them judges nothing."""
    listed = claim_at(claims, people.groups_claim)
    groups = {item for item in listed if isinstance(item, str)} if isinstance(listed, list) else ()
    found = [Grant(g.roles, g.models) for g in people.groups if g.group in groups]
    if any("admin" in grant.roles for grant in found):
        found = [
            Grant(tuple(r for r in grant.roles if not r.startswith(_JUDGING)), grant.models)
            for grant in found
        ]
    return tuple(grant for grant in dict.fromkeys(found) if grant.roles)


def _known_as(people: People, claims: Mapping[str, Any], link: Link | None) -> frozenset[str]:
    """Names and accounts under which a commit may know this person; never for access."""
    claimed = (people.name_claim, "preferred_username", "email", "name", "nickname")
    names = [value for name in claimed if isinstance(value := claim_at(claims, name), str)]
    held = {issuer: claim_at(claims, claim) for issuer, claim in people.accounts.items()}
    held |= link.accounts if link is not None else {}
    accounts = (account(issuer, value) for issuer, value in held.items())
    return frozenset([*names, *filter(None, accounts)])
