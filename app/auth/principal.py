"""Who asks: a person or a service, with what each of their grants lets them do, and where.

A grant is roles over model patterns. Grants never mix: a role from one does not reach the models
of another.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from app.auth.roles import Permission, permissions, stakes
from app.errors import Problem


@dataclass(frozen=True, slots=True)
class Grant:
    """Roles over the models that these patterns name."""

    roles: tuple[str, ...]
    models: tuple[str, ...]

    def sees(self, model: str) -> bool:
        """Whether the patterns include the model."""
        return any(fnmatchcase(model, pattern) for pattern in self.models)

    @property
    def as_json(self) -> dict[str, list[str]]:
        """As tables and log entries keep it."""
        return {"roles": list(self.roles), "models": list(self.models)}


def grants_of(stored: Iterable[Mapping[str, Any]]) -> tuple[Grant, ...]:
    """Grants as they were kept."""
    return tuple(Grant(tuple(item["roles"]), tuple(item["models"])) for item in stored)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a person or a service, by a key, a token or a session.

    `roles`, `models`, `permissions` and `stakes` are those of all grants together; with several
    grants a route gets the principal narrowed to what its permission comes from.
    """

    id: str
    kind: str
    name: str
    key: str
    roles: tuple[str, ...]
    models: tuple[str, ...]
    permissions: frozenset[Permission]
    stakes: frozenset[str]
    expires_at: datetime | None
    last_used_at: datetime | None
    via: str = "key"
    grants: tuple[Grant, ...] = ()
    """Only where there are several; else `roles` over `models` is the one grant."""
    actor: str | None = None
    """Of a pipeline: the account of whoever set it off, as its token says."""

    @property
    def is_person(self) -> bool:
        """Only persons sign off or approve."""
        return self.kind == "person"

    @property
    def is_admin(self) -> bool:
        """Admins run the service and therefore judge nothing in it."""
        return "admin" in self.roles

    def sees(self, model: str) -> bool:
        """Whether the model patterns include the model."""
        return any(fnmatchcase(model, pattern) for pattern in self.models)

    def need(self, model: str) -> None:
        """Refuse what lies outside the model patterns."""
        if not self.sees(model):
            raise Problem("forbidden", "This key is not for that model.")

    def need_all(self, patterns: Iterable[str]) -> None:
        """Refuse to touch patterns that reach beyond one's own models."""
        if not all(any(_covers(own, pattern) for own in self.models) for pattern in patterns):
            detail = (
                "This reaches models beyond yours. Narrow it, or ask somebody who may see them."
            )
            raise Problem("forbidden", detail)

    def stakes_at(self, model: str) -> frozenset[str]:
        """The stakes that this one may sign off for, for this model."""
        if not self.grants:
            return self.stakes if self.sees(model) else frozenset()
        return frozenset().union(*(stakes(g.roles) for g in self.grants if g.sees(model)))

    def narrowed(self, permission: Permission) -> "Principal":
        """Only the grants that the permission comes from, so that none borrows another's models.

        Admin stays visible: who runs the service judges nothing in it, whatever else they hold.
        """
        if not self.grants:
            return self
        giving = tuple(g for g in self.grants if permission in permissions(g.roles))
        roles = tuple(role for g in giving for role in g.roles)
        return replace(
            self,
            roles=tuple(dict.fromkeys((*roles, "admin") if self.is_admin else roles)),
            models=tuple(dict.fromkeys(m for g in giving for m in g.models)),
            permissions=permissions(roles),
            stakes=stakes(roles),
            grants=giving,
        )


def _covers(own: str, pattern: str) -> bool:
    """Whether all that `pattern` names is named by `own`; no where that is not plain to see.

    A `*` of the pattern can only be matched by one of ours, which takes whatever it stands for.
    """
    return own in {"*", pattern} or ("?" not in own and fnmatchcase(pattern, own))


def granted(
    *,
    id: str,  # noqa: A002 - the field's name
    kind: str,
    name: str,
    grants: tuple[Grant, ...],
    via: str,
    key: str = "",
    expires_at: datetime | None = None,
    actor: str | None = None,
) -> Principal:
    """A principal of these grants."""
    roles = tuple(dict.fromkeys(role for g in grants for role in g.roles))
    return Principal(
        id=id,
        kind=kind,
        name=name,
        key=key,
        roles=roles,
        models=tuple(dict.fromkeys(m for g in grants for m in g.models)),
        permissions=permissions(roles),
        stakes=stakes(roles),
        expires_at=expires_at,
        last_used_at=None,
        via=via,
        grants=grants if len(grants) > 1 else (),
        actor=actor,
    )
