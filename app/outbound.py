"""The one way to call an address that somebody else chose: webhooks, keys of issuers, registries.

Refuses what would let a URL reach inside: private, loopback and link-local addresses unless they
are allowed, names that resolve to one of them, redirects, credentials in URLs, plain http to
public hosts, endless answers. The address that was checked is the address that is connected.
httpx is loaded at the first call: a server that calls nobody does without its 10 MB.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from app.settings import Network

if TYPE_CHECKING:
    import httpx

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver: TypeAlias = Callable[[str, int], Sequence[str]]

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_SCHEMES: Final = {"http": 80, "https": 443}


class OutboundError(Exception):
    """The call was refused or got no answer. The message names the host, never a secret."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `is_cut` says that the body was longer than allowed and ends early."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Outbound:
    """What may be called, and how much of an answer is waited for.

    `networks` are allowed although they are private (`CLEARANCE_OUTBOUND_ALLOW`); `seconds` is
    the time for a whole call, `max_bytes` the most that is read of a body.
    """

    networks: tuple[Network, ...] = ()
    seconds: float = 15.0
    max_bytes: int = 1024 * 1024
    ca_file: str | None = None

    def check(self, url: str) -> None:
        """Refuse a URL that could never be called, before anything is resolved.

        Raises OutboundError.
        """
        _target(url)

    def send(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call, in the caller's thread. A redirect is an answer like any other: not followed.

        Raises OutboundError where the target is refused or does not answer in time.
        """
        import httpx  # noqa: PLC0415 - see above

        end = time.monotonic() + self.seconds
        asked = {"Accept-Encoding": "identity", **(headers or {})}
        try:
            with (
                httpx.Client(
                    transport=self.transport(), trust_env=False, timeout=self.seconds
                ) as client,
                client.stream(method, url, content=content, headers=asked) as answer,
            ):
                body, is_cut = self._read(answer, end)
                return Answer(answer.status_code, dict(answer.headers), body, is_cut)
        except OutboundError as error:
            raise OutboundError(f"{_named(url)}: {error}") from error
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise OutboundError(f"{_named(url)}: {str(error) or type(error).__name__}") from error

    def transport(self, resolve: Resolver | None = None) -> "httpx.BaseTransport":
        """An httpx transport under this policy, for libraries that bring their own client."""
        return _guarded()(self, resolve or resolved)

    def allows(self, address: Address, scheme: str) -> bool:
        """Public addresses over https; any scheme inside an allowed network."""
        if any(address.version == net.version and address in net for net in self.networks):
            return True
        return scheme == "https" and all(_is_public(a) for a in _meant(address))

    def _read(self, answer: "httpx.Response", end: float) -> tuple[bytes, bool]:
        # Raw, so that a small compressed answer cannot become a large one.
        parts: list[bytes] = []
        left = self.max_bytes
        for chunk in answer.iter_raw():
            if time.monotonic() > end:
                raise OutboundError("the answer took too long")
            parts.append(chunk[:left])
            left -= len(chunk)
            if left < 0:
                return b"".join(parts), True
        return b"".join(parts), False


def resolved(host: str, port: int) -> Sequence[str]:
    """All addresses of a host."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutboundError("the name does not resolve") from error
    return [str(item[4][0]) for item in found]


def _trusted(ca_file: str | None) -> ssl.SSLContext:
    """Whose certificates are accepted; a file is read again once it has changed."""
    return _read_trusted(ca_file, Path(ca_file).stat().st_mtime_ns if ca_file else 0)


@lru_cache(maxsize=8)  # reading the public authorities takes longer than the call that needs them
def _read_trusted(ca_file: str | None, changed: int) -> ssl.SSLContext:
    del changed
    import httpx  # noqa: PLC0415 - see above

    return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()


@cache
def _guarded() -> "Callable[[Outbound, Resolver], httpx.BaseTransport]":
    import httpx  # noqa: PLC0415 - see above

    class Guarded(httpx.BaseTransport):
        """Resolves, checks, and connects to the checked address under the host's own name."""

        def __init__(self, policy: Outbound, resolve: Resolver) -> None:
            self._policy = policy
            self._resolve = resolve
            context = _trusted(policy.ca_file)
            # A kept connection could serve another name at the same address, unchecked.
            limits = httpx.Limits(max_keepalive_connections=0)
            self._inner = httpx.HTTPTransport(verify=context, limits=limits)

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            """Try each address of the host; every one of them must be allowed."""
            try:
                host, addresses = self._checked(str(request.url))
            except OutboundError as error:
                raise httpx.ConnectError(str(error)) from error
            failure: httpx.ConnectError | httpx.ConnectTimeout | None = None
            for address in addresses:
                try:
                    return self._inner.handle_request(_pinned(request, host, address))
                except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                    failure = error
            assert failure is not None
            raise failure

        def _checked(self, url: str) -> tuple[str, list[Address]]:
            scheme, host, port = _target(url)
            addresses = _addresses(self._resolve(host, port))
            refused = [a for a in addresses if not self._policy.allows(a, scheme)]
            if refused or not addresses:
                raise OutboundError(_why(scheme, refused))
            return host, addresses

        def close(self) -> None:
            self._inner.close()

    return Guarded


def _pinned(request: "httpx.Request", host: str, address: Address) -> "httpx.Request":
    """The same request to a fixed address; TLS and the Host header keep the name."""
    return type(request)(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


def _target(url: str) -> tuple[str, str, int]:
    if not _is_url(url):
        raise OutboundError("an http or https URL with a host is needed")
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise OutboundError("credentials do not belong in a URL")
    return parts.scheme, parts.hostname or "", parts.port or _SCHEMES[parts.scheme]


def _named(url: str) -> str:
    """The host, for people; the rest of a URL may hold secrets."""
    return (urlsplit(url).hostname if _is_url(url) else None) or "The URL"


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in _SCHEMES and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _addresses(texts: Iterable[str]) -> list[Address]:
    # A scope (`fe80::1%eth0`) says which link; the address itself decides.
    return [ipaddress.ip_address(text.partition("%")[0]) for text in dict.fromkeys(texts)]


def _meant(address: Address) -> list[Address]:
    """The address and every IPv4 address that it carries inside."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inside: list[Address] = [a for a in (address.ipv4_mapped, address.sixtofour) if a is not None]
    if address.teredo is not None:
        inside += address.teredo
    if address in _NAT64:
        inside.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    # A mapped address is reserved as such; the IPv4 address inside decides alone.
    return inside if address.ipv4_mapped is not None else [address, *inside]


def _is_public(address: Address) -> bool:
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


def _why(scheme: str, refused: Sequence[Address]) -> str:
    if scheme == "http" and all(_is_public(a) for item in refused for a in _meant(item)):
        return "plain http is refused; use https"
    return "its address is private; an operator may allow it with CLEARANCE_OUTBOUND_ALLOW"
