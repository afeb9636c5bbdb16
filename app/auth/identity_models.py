"""What an identity file may say: issuers and their rules, the login of people, their groups.

Every model is strict; `identity_file` reads a text into them and says on which line it fails.
"""

import re
from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from app.auth.roles import is_role, refusal_of

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

Kind: TypeAlias = Literal["github", "gitlab", "kubernetes", "oidc"]
Algorithm: TypeAlias = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"
]
"""Signatures only: a shared secret (HS256) or `none` cannot be written down."""


def claim_text(value: Any) -> str:
    """A scalar as a claim is compared: `true` and `"true"`, `7` and `"7"` mean the same."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str) and value:
        return value
    raise ValueError("a claim is compared with a word, a whole number, true or false")


def _alternatives(value: Any) -> tuple[str, ...]:
    written = value if isinstance(value, list) else [value]
    if not written:
        raise ValueError("name at least one value")
    return tuple(claim_text(item) for item in written)


def _secure_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        if parts.hostname and parts.username is None and not (parts.query or parts.fragment):
            return url
        raise ValueError("needs a plain URL: a host, no credentials, no query")
    raise ValueError("must begin with https:// (http only for localhost)")


def _roles(roles: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [role for role in roles if not is_role(role)]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not a role")
    if len(set(roles)) != len(roles):
        raise ValueError("a role is named twice")
    return roles


def _pattern(pattern: str) -> str:
    if {"[", "]"} & set(pattern):
        raise ValueError("model patterns may use * and ? only")
    return pattern


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _name(text: str) -> str:
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", text) is None:
        raise ValueError("must be a short name of a-z, 0-9, dot, dash, underscore")
    return text


Text = Annotated[str, Field(min_length=1, max_length=500)]
Label = Annotated[str, AfterValidator(_name)]
Url = Annotated[str, Field(max_length=500), AfterValidator(_secure_url)]
Roles = Annotated[
    tuple[str, ...], BeforeValidator(_listed), Field(min_length=1), AfterValidator(_roles)
]
Models = Annotated[
    tuple[Annotated[Text, AfterValidator(_pattern)], ...],
    BeforeValidator(_listed),
    Field(min_length=1, max_length=50),
]
Alternatives = Annotated[tuple[str, ...], BeforeValidator(_alternatives)]


def _account_id(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


AccountId = Annotated[Text, BeforeValidator(_account_id)]


class Strict(BaseModel):
    """Unknown fields and lax types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class WorkloadRule(Strict):
    """Which tokens of an issuer act as a submitter (or another role), and for which models."""

    name: Label
    claims: Annotated[dict[str, Alternatives], Field(min_length=1)]
    roles: Roles = ("submitter",)
    models: Models
    pull_requests: Literal["refuse", "allow"] = "refuse"

    def contradiction(self) -> str | None:
        """What no key could be either."""
        return refusal_of(self.roles, is_person=False)


class Issuer(Strict):
    """Whose tokens are believed, signed how, meant for whom."""

    name: Label
    kind: Kind = "oidc"
    issuer: Url
    algorithms: Annotated[tuple[Algorithm, ...], BeforeValidator(_listed), Field(min_length=1)] = (
        "RS256",
    )
    audience: Text | None = None
    one_use: bool = False
    stable_claims: Annotated[
        tuple[Text, ...] | None, BeforeValidator(_listed), Field(min_length=1)
    ] = None
    actor_claim: Text | None = None
    jwks_url: Url | None = None
    jwks_file: Text | None = None
    ca_file: Text | None = None
    token_file: Text | None = None
    rules: tuple[WorkloadRule, ...] = ()


class GroupGrant(Strict):
    """What members of a group may do."""

    group: Text
    roles: Roles
    models: Models = ("*",)

    def contradiction(self) -> str | None:
        """What no key could be either."""
        return refusal_of(self.roles, is_person=True)


class Link(Strict):
    """Says which person, known here by name, a subject is, and their accounts at other issuers."""

    subject: Text
    person: Text | None = None
    accounts: dict[Label, AccountId] = Field(default_factory=dict)


class People(Strict):
    """How people sign in, and what their groups may do."""

    issuer: Url
    client_id: Text
    client_secret_file: Text | None = None
    algorithms: Annotated[tuple[Algorithm, ...], BeforeValidator(_listed), Field(min_length=1)] = (
        "RS256",
    )
    scopes: Annotated[tuple[Text, ...], BeforeValidator(_listed), Field(min_length=1)] = (
        "openid",
        "profile",
        "email",
    )
    groups_claim: Text = "groups"
    name_claim: Text = "preferred_username"
    accounts: dict[Label, Text] = Field(default_factory=dict)
    """Claims of the id token that hold this person's id at another issuer, by its name."""
    session_hours: Annotated[int, Field(ge=1, le=24)] = 8
    idle_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 60
    jwks_url: Url | None = None
    ca_file: Text | None = None
    groups: tuple[GroupGrant, ...] = ()
    links: tuple[Link, ...] = ()


class IdentityFile(Strict):
    """All of it."""

    audience: Text | None = None
    issuers: tuple[Issuer, ...] = ()
    people: People | None = None
