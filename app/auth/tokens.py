"""Tokens of CI systems and of the login: read with the algorithm, key and audience that we name.

Nothing in a token is believed before its signature holds, except which issuer to ask for the key.
Refuses `none`, shared secrets, other audiences and issuers, the expired and the future.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ExpiredTokenError,
    InvalidClaimError,
    JoseError,
    MissingClaimError,
)
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from app.auth.issuer_keys import IssuerKeys
from app.auth.unverified import TokenRefused, peeked

LEEWAY_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Expected:
    """What every token of an issuer must meet."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]


async def verified(
    token: str, expected: Expected, keys: IssuerKeys, now: datetime
) -> Mapping[str, Any]:
    """The token's claims, once all of it holds. Raises TokenRefused or KeysUnavailable."""
    said = peeked(token)
    if said.issuer != expected.issuer:
        raise TokenRefused("The token is of another issuer.")
    if said.algorithm not in expected.algorithms:
        wanted = ", ".join(expected.algorithms)
        raise TokenRefused(f"The token is not signed with {wanted}.")
    key = await keys.find(said.kid, now)
    if key is None:
        raise TokenRefused("The token is signed with a key that its issuer does not publish.")
    registry = JWSRegistry(algorithms=expected.algorithms, strict_check_header=False)
    try:
        claims = jwt.decode(token, key, expected.algorithms, registry).claims
        JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": expected.issuer},
            aud={"essential": True, "value": expected.audience},
            exp={"essential": True},
        ).validate(claims)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused(_words(error, expected)) from None
    return claims


def _words(error: Exception, expected: Expected) -> str:
    match error:
        case BadSignatureError():
            return "The token's signature does not hold."
        case ExpiredTokenError():
            return "The token has expired; ask the CI system for a new one."
        case MissingClaimError():
            return f"The token lacks a claim that is needed: {error.claim}."
        case InvalidClaimError() if error.claim == "aud":
            return f"The token is for another audience; ask for one for {expected.audience}."
        case InvalidClaimError() if error.claim in {"nbf", "iat"}:
            return "The token is not valid yet; is a clock wrong?"
        case InvalidClaimError():
            return f"The token's {error.claim} is not acceptable."
        case _:
            return "The token cannot be read."
