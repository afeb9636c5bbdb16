"""Pipelines that prove who they are with their CI system's token, without a stored secret.

An issuer must be listed, the token must hold, and a rule that pins a stable id must fit; then its
bearer is one service for life, with the rule's roles and models and nothing from the token.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import Request
from sqlalchemy import Engine, select

from app.auth.claims import claim_at, matched
from app.auth.csrf import SAFE
from app.auth.identities import Known, Newcomer, known
from app.auth.identity_file import ACTOR, Identity, stable_claims
from app.auth.identity_models import Issuer
from app.auth.issuer_keys import IssuerKeys, Source
from app.auth.names import account
from app.auth.principal import Grant, Principal, granted
from app.auth.tables import used_token
from app.auth.tokens import LEEWAY_SECONDS, Expected, verified
from app.auth.unverified import TokenRefused, peeked
from app.ledger.committing import committed
from app.ledger.work import Conflict, Work
from app.ledger.writer import Ledger
from app.settings import Settings

_MAX_KNOWN = 10_000
_MAX_JTI = 500
_END_OF_CENTURY = 4_102_444_800


class Workloads:
    """The listed issuers, their keys, and the services seen so far."""

    def __init__(
        self, identity: Identity, settings: Settings, engine: Engine, ledger: Ledger
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._issuers = {issuer.issuer: issuer for issuer in identity.file.issuers}
        self._audience = identity.file.audience
        self._keys = {
            issuer.issuer: IssuerKeys(issuer.name, _source(issuer, settings).jwks)
            for issuer in identity.file.issuers
        }
        self._known: dict[str, tuple[str, str]] = {}

    async def principal(self, token: str, request: Request, now: datetime) -> Principal:
        """Who bears the token. Raises TokenRefused, KeysUnavailable or LedgerUnavailable."""
        issuer = self._issuers.get(peeked(token).issuer)
        if issuer is None:
            raise TokenRefused("Tokens of this issuer are not accepted here.")
        audience = issuer.audience or self._audience
        assert audience is not None, "the identity file was checked"
        expected = Expected(issuer.issuer, audience, issuer.algorithms)
        claims = await verified(token, expected, self._keys[issuer.issuer], now)
        match = matched(issuer, claims)
        if isinstance(match, str):
            raise TokenRefused(match)
        if issuer.one_use and request.method not in SAFE:
            await self._use(issuer, claims.get("jti"), _moment(claims["exp"]), request)
        name = f"{issuer.name}/{stable_claims(issuer)[0].rpartition('/')[2]}={match.subject}"
        newcomer = Newcomer(issuer.issuer, match.subject, name, "service")
        who, called = await self._introduced(newcomer, now)
        return granted(
            id=who,
            kind="service",
            name=called,
            grants=(Grant(match.rule.roles, match.rule.models),),
            via="token",
            actor=_actor(issuer, claims),
            expires_at=_moment(claims["exp"]),
        )

    async def _introduced(self, newcomer: Newcomer, now: datetime) -> tuple[str, str]:
        """The newcomer's principal and name, recorded the first time."""
        if (found := self._known.get(newcomer.id)) is not None:
            return found
        ready = await committed(
            self._ledger, lambda: self._look_up(newcomer, now), lambda found: found.work
        )
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known[newcomer.id] = (ready.principal, ready.name)
        return ready.principal, ready.name

    async def _use(self, issuer: Issuer, jti: object, expires: datetime, request: Request) -> None:
        """A token of a one-use issuer writes once; the same request may be repeated."""
        if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI:
            raise TokenRefused(f"{issuer.name} needs tokens with a jti, to accept each once.")
        key = request.headers.get("idempotency-key", "")
        same = f"{request.method}\0{request.url.path}\0{key}"
        row = {
            "id": hashlib.sha256(f"{issuer.issuer}\0{jti}".encode()).hexdigest(),
            "request": hashlib.sha256(same.encode()).hexdigest(),
            "expires_at": expires + timedelta(seconds=LEEWAY_SECONDS),
        }
        try:
            await self._ledger.commit(Work(entries=[], rows=[(used_token, [row])]))
        except Conflict:
            if key and await self._was_this(row):
                return
            detail = "This token was used for a request already; ask the CI system for a new one."
            raise TokenRefused(detail) from None

    async def _was_this(self, row: dict[str, object]) -> bool:
        """Whether the token's use was this very request, sent again with its Idempotency-Key."""

        def first() -> str | None:
            with self._engine.connect() as connection:
                query = select(used_token.c.request).where(used_token.c.id == row["id"])
                return connection.execute(query).scalar_one_or_none()

        return await asyncio.to_thread(first) == row["request"]

    def _look_up(self, newcomer: Newcomer, now: datetime) -> Known:
        with self._engine.connect() as connection:
            return known(connection, newcomer, now)


def _actor(issuer: Issuer, claims: Mapping[str, Any]) -> str | None:
    claim = issuer.actor_claim or ACTOR.get(issuer.kind)
    return None if claim is None else account(issuer.name, claim_at(claims, claim))


def _moment(seconds: float) -> datetime:
    """A token's time; one beyond the century, which no database could keep, counts as its end."""
    return datetime.fromtimestamp(min(int(seconds), _END_OF_CENTURY), UTC)


def _source(issuer: Issuer, settings: Settings) -> Source:
    return Source(
        issuer.issuer,
        jwks_url=issuer.jwks_url,
        jwks_file=issuer.jwks_file,
        ca_file=issuer.ca_file,
        token_file=issuer.token_file,
        networks=settings.outbound_allow,
    )
