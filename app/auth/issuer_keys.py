"""Public keys of issuers: fetched, kept, fetched again when a key is new, kept when a fetch fails.

A token chooses only which of the issuer's own keys is tried. Tokens with invented key ids cannot
make the service fetch more than once in half a minute.
"""

import asyncio
import base64
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from app.auth.identity_models import LOOPBACK
from app.outbound import Outbound, OutboundError
from app.settings import Network, networks

log = logging.getLogger("clearance")

PublicKey: TypeAlias = RSAKey | ECKey | OKPKey

FRESH: Final = timedelta(hours=1)
STALE: Final = timedelta(hours=24)
RETRY: Final = timedelta(seconds=30)
_EVERYWHERE: Final = networks("0.0.0.0/0, ::/0")
_SECONDS: Final = 5.0
_MIN_RSA_BITS: Final = 2048
_MAX_KEYS: Final = 100


class KeysUnavailable(Exception):  # noqa: N818 - named for what it says
    """The issuer's keys are not known and cannot be fetched now."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an issuer publishes, as the operator wrote it."""

    issuer: str
    jwks_url: str | None = None
    jwks_file: str | None = None
    ca_file: str | None = None
    token_file: str | None = None
    networks: tuple[Network, ...] = ()

    def discovered(self) -> dict[str, Any]:
        """The issuer's description of itself, which must be of this very issuer."""
        found = self._json(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise OutboundError(f"{self.issuer} describes another issuer")
        return found

    def jwks(self) -> Any:
        """The issuer's key set as JSON. Raises OutboundError, OSError or ValueError."""
        if self.jwks_file is not None:
            return json.loads(Path(self.jwks_file).read_bytes())
        url = self.jwks_url or self.discovered().get("jwks_uri")
        if not isinstance(url, str):
            raise OutboundError(f"{self.issuer} names no keys")
        return self._json(url)

    def outbound(self, url: str) -> Outbound:
        """What may be called: hosts that the operator wrote may be inside, others may not."""
        parts = urlsplit(url)
        written = {urlsplit(u).hostname for u in (self.issuer, self.jwks_url) if u is not None}
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise OutboundError(f"{self.issuer} names an address without https")
        allowed = _EVERYWHERE if parts.hostname in written else self.networks
        return Outbound(networks=allowed, seconds=_SECONDS, ca_file=self.ca_file)

    def _json(self, url: str) -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        if self.token_file is not None and self._is_home(url):
            headers["Authorization"] = f"Bearer {Path(self.token_file).read_text().strip()}"
        answer = self.outbound(url).send("GET", url, headers=headers)
        if answer.status != 200 or answer.is_cut:
            raise OutboundError(f"{urlsplit(url).hostname} answered {answer.status} or too much")
        found = json.loads(answer.body)
        if not isinstance(found, dict):
            raise OutboundError(f"{urlsplit(url).hostname} answered no JSON object")
        return found

    def _is_home(self, url: str) -> bool:
        """Our own credential goes to the hosts that the operator wrote, and to no other."""
        homes = [u for u in (self.issuer, self.jwks_url) if u is not None]
        return urlsplit(url).netloc in {urlsplit(u).netloc for u in homes}


def usable(document: Any) -> dict[str, PublicKey]:
    """Keys by id that can check a signature; secrets, weak and foreign keys are left out."""
    listed = document.get("keys") if isinstance(document, dict) else None
    found: dict[str, PublicKey] = {}
    for raw in listed[:_MAX_KEYS] if isinstance(listed, list) else []:
        if not isinstance(raw, dict) or raw.get("use", "sig") != "sig":
            continue
        try:
            if _is_weak(raw):
                continue
            key = JWKRegistry.import_key(raw)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key, (RSAKey, ECKey, OKPKey)) and not key.is_private:
            found[str(raw.get("kid", ""))] = key
    return found


def _is_weak(raw: dict[str, Any]) -> bool:
    """Looked at before the library does, which would warn on every fetch."""
    if raw.get("kty") != "RSA":
        return False
    modulus = base64.urlsafe_b64decode(f"{raw['n']}==")
    return int.from_bytes(modulus).bit_length() < _MIN_RSA_BITS


class IssuerKeys:
    """The keys of one issuer. Time is an argument, so that tests can move it."""

    def __init__(self, name: str, fetch: Callable[[], Any]) -> None:
        self._name = name
        self._fetch = fetch
        self._keys: Mapping[str, PublicKey] = {}
        self._read_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._turn = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None

    async def find(self, kid: str | None, now: datetime) -> PublicKey | None:
        """The key of this id, or None. Raises KeysUnavailable where no keys are known."""
        age = self._age(now)
        if age is not None and age < STALE and (key := self._known(kid)) is not None:
            if age >= FRESH:
                self._refresh_soon(now)
            return key
        await self._refresh(now)
        age = self._age(now)
        if age is None or age >= STALE:
            raise KeysUnavailable(self._name)
        return self._known(kid)

    def _age(self, now: datetime) -> timedelta | None:
        return None if self._read_at is None else now - self._read_at

    def _known(self, kid: str | None) -> PublicKey | None:
        if kid is None:
            # Without an id there must be nothing to choose from.
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _refresh_soon(self, now: datetime) -> None:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.get_running_loop().create_task(self._refresh(now))

    async def _refresh(self, now: datetime) -> None:
        async with self._turn:
            if self._tried_at is not None and abs(now - self._tried_at) < RETRY:
                return
            self._tried_at = now
            try:
                found = usable(await asyncio.to_thread(self._fetch))
            except (OutboundError, OSError, ValueError) as error:
                log.warning("keys of issuer %s were not fetched: %s", self._name, error)
                return
            if not found:
                log.warning("issuer %s publishes no usable key; the known ones stay", self._name)
                return
            self._keys, self._read_at = found, now
