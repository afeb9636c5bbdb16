"""What a token says of itself before anything of it is checked.

Good for choosing which key to try and for telling an operator why a rule does not fit; it is
never a reason to let anybody in.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final

MAX_TOKEN: Final = 16 * 1024
_NOT_OURS: Final = "This is neither an API key of this service nor a signed token."


class TokenRefused(Exception):  # noqa: N818 - an answer, not a fault
    """The token is not accepted; the message says why, without repeating the token."""


@dataclass(frozen=True, slots=True)
class Peeked:
    """The parts that choose a key, and all claims as they were sent."""

    issuer: str
    algorithm: str
    kid: str | None
    claims: dict[str, Any]


def peeked(token: str) -> Peeked:
    """The token taken apart. Raises TokenRefused for what is no signed token."""
    if len(token) > MAX_TOKEN or not token.isascii():
        raise TokenRefused("This is no token that the service could read.")
    parts = token.split(".")
    if len(parts) != 3 or not all(parts[:2]):
        raise TokenRefused(_NOT_OURS)
    header, payload = _json(parts[0]), _json(parts[1])
    issuer, algorithm, kid = payload.get("iss"), header.get("alg"), header.get("kid")
    if not isinstance(issuer, str) or not isinstance(algorithm, str):
        raise TokenRefused("The token names no issuer or no algorithm.")
    if kid is not None and not isinstance(kid, str):
        raise TokenRefused("The token's key id is not a text.")
    return Peeked(issuer, algorithm, kid, payload)


def _json(part: str) -> dict[str, Any]:
    try:
        padded = part + "=" * (-len(part) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise TokenRefused(_NOT_OURS)
    return found
