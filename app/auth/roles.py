"""Roles and what each may do. A role grants permissions; routes demand permissions."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """One thing that a route may demand."""

    SUBMIT = "submit evaluations"
    READ_DECISIONS = "read decisions"
    OPEN_REVIEW = "open reviews"
    READ = "read everything but keys"
    EXPORT = "export the record"
    SIGN_OFF = "sign off"
    REGISTER_DOCUMENTS = "register documents"
    REVOKE = "revoke decisions"
    PUBLISH_POLICY = "publish policies"
    REGISTER_MODEL = "register model facts and owners"
    REQUEST_WAIVER = "ask for waivers"
    APPROVE_WAIVER = "approve waivers"
    REVOKE_WAIVER = "revoke waivers"
    BREAK_GLASS = "break the glass"
    SUBSCRIBE = "manage subscriptions"
    MANAGE_KEYS = "manage keys"


_P = Permission
_READS: Final = frozenset({_P.READ, _P.READ_DECISIONS})
_GRANTS: Final[dict[str, frozenset[Permission]]] = {
    "submitter": frozenset({_P.SUBMIT, _P.READ_DECISIONS, _P.OPEN_REVIEW}),
    "viewer": _READS,
    "policy_editor": _READS | {_P.PUBLISH_POLICY, _P.REGISTER_MODEL},
    "waiver_approver": _READS | {_P.APPROVE_WAIVER, _P.REVOKE_WAIVER},
    "break_glass": _READS | {_P.BREAK_GLASS},
    "auditor": _READS | {_P.EXPORT},
    "admin": _READS
    | {
        _P.EXPORT,
        _P.SUBMIT,
        _P.OPEN_REVIEW,
        _P.PUBLISH_POLICY,
        _P.REGISTER_MODEL,
        _P.REVOKE,
        _P.REVOKE_WAIVER,
        _P.SUBSCRIBE,
        _P.MANAGE_KEYS,
    },
}
_REVIEWER: Final = _READS | {
    _P.SIGN_OFF,
    _P.REGISTER_DOCUMENTS,
    _P.REVOKE,
    _P.OPEN_REVIEW,
    _P.REQUEST_WAIVER,
    _P.REVOKE_WAIVER,
}
_STAKE: Final = re.compile(r"reviewer:[a-z][a-z0-9_]{0,62}")

_JUDGES: Final = frozenset({"waiver_approver", "break_glass"})

PLAIN_ROLES: Final = tuple(_GRANTS)


def is_role(role: str) -> bool:
    """Whether the role exists; every stake makes a reviewer role."""
    return role in _GRANTS or _STAKE.fullmatch(role) is not None


def permissions(roles: Iterable[str]) -> frozenset[Permission]:
    """All that the roles grant together; an unknown role grants nothing."""
    granted: set[Permission] = set()
    for role in roles:
        if _STAKE.fullmatch(role):
            granted |= _REVIEWER
        else:
            granted |= _GRANTS.get(role, frozenset())
    return frozenset(granted)


def stakes(roles: Iterable[str]) -> frozenset[str]:
    """The stakes that the roles may sign off for."""
    return frozenset(r.removeprefix("reviewer:") for r in roles if _STAKE.fullmatch(r))


def refusal_of(roles: Iterable[str], *, is_person: bool) -> str | None:
    """Why no one key, rule or group may have these roles together; None where it may."""
    held = set(roles)
    judges = held & _JUDGES or stakes(held)
    if "admin" in held and judges:
        return "An admin cannot sign off, approve waivers or break the glass: make two persons."
    if judges and not is_person:
        return "Only a person signs off, approves waivers or breaks the glass."
    return None
