"""Publishing and approving policies; a version never changes.

One that loosens what it inherits, or the version in force, waits for a second person; until then
the one before it holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from app.auth.keys import Principal
from app.database import to_text
from app.errors import Problem
from app.ids import new_id
from app.ledger.work import Conflict, NewEntry, Work
from app.policies import packs
from app.policies.tables import policy_epoch, policy_version
from gates.inheritance import loosened_since
from gates.policy import Policy, load
from gates.resolution import Resolver


@dataclass(frozen=True, slots=True)
class Written:
    """A policy as it was sent."""

    text: str
    media_type: str


def resolver(connection: Connection) -> Resolver:
    """Packs first, then approved versions of policies published here."""

    def text_of(name: str) -> str | None:
        if (pack := packs.text(name)) is not None:
            return pack
        base, _, version = name.partition("@")
        query = select(policy_version.c.source).where(
            policy_version.c.name == base, policy_version.c.is_approved.is_(True)
        )
        if version:
            if not (version.isascii() and version.isdigit() and len(version) < 10):
                return None
            query = query.where(policy_version.c.version == int(version))
        query = query.order_by(policy_version.c.version.desc()).limit(1)
        return connection.execute(query).scalar_one_or_none()

    return text_of


def versions(connection: Connection, name: str) -> Sequence[Row[Any]]:
    """All versions of a policy, newest first."""
    query = select(policy_version).where(policy_version.c.name == name)
    return connection.execute(query.order_by(policy_version.c.version.desc())).all()


def listed(connection: Connection, cursor: str | None, limit: int) -> dict[str, Any]:
    """A page of policies by name, each with the version in force and the newest."""
    in_force = func.max(policy_version.c.version).filter(policy_version.c.is_approved.is_(True))
    query = (
        select(policy_version.c.name, func.max(policy_version.c.version), in_force)
        .group_by(policy_version.c.name)
        .order_by(policy_version.c.name)
    )
    if cursor is not None:
        query = query.where(policy_version.c.name > cursor)
    found = connection.execute(query.limit(limit + 1)).all()
    items = []
    for name, last, active in found[:limit]:
        row = version_of(connection, name, active or last)
        items.append(
            {
                "name": name,
                "version": active,
                "newest": last,
                "digest": row.digest if active else None,
                "owner": row.owner,
            }
        )
    return {"items": items, "next": items[-1]["name"] if len(found) > limit else None}


def newest(connection: Connection, name: str) -> Row[Any] | None:
    """The newest version of a policy, in force or not."""
    query = select(policy_version).where(policy_version.c.name == name)
    return connection.execute(query.order_by(policy_version.c.version.desc()).limit(1)).first()


def in_force(connection: Connection, name: str) -> Row[Any] | None:
    """The newest approved version."""
    query = select(policy_version).where(policy_version.c.name == name)
    query = query.where(policy_version.c.is_approved)
    return connection.execute(query.order_by(policy_version.c.version.desc()).limit(1)).first()


def version_of(connection: Connection, name: str, version: int | None) -> Row[Any]:
    """A version, or the one in force (the newest where none is), or 404."""
    query = select(policy_version).where(policy_version.c.name == name)
    if version is None:
        query = query.order_by(policy_version.c.is_approved.desc())
    else:
        query = query.where(policy_version.c.version == version)
    row = connection.execute(query.order_by(policy_version.c.version.desc()).limit(1)).first()
    if row is None:
        raise Problem("policy-not-found", "No policy of this name and version is published here.")
    return row


def loosened_json(
    policy: Policy, in_force: Mapping[str, Any] | None = None
) -> list[dict[str, str]]:
    """What is looser than in a parent, or than in the version in force, and why."""
    since = [] if in_force is None else loosened_since(in_force, policy.document)
    return [{"rule": rule, "reason": reason} for rule, reason in (*policy.loosened, *since)]


def published(
    connection: Connection, name: str, written: Written, who: Principal, now: datetime
) -> tuple[Row[Any] | None, Work | None, dict[str, Any] | None]:
    """(the version that says the same already, None, None) or (None, the Work, its values)."""
    if any(pack.partition("@")[0] == name for pack in packs.names()):
        raise Problem("invalid-policy", f"{name} is the name of a built-in pack; take another.")
    policy = load(written.text, resolver(connection))
    if policy.name != name:
        detail = f"The policy calls itself {policy.name!r}; the path says {name!r}."
        where = [{"pointer": "/policy", "line": 0, "detail": detail}]
        raise Problem("invalid-policy", detail, errors=where)
    who.need_all(_models(policy.document))
    last, before = newest(connection, name), in_force(connection, name)
    for replaced in (last, before):
        # The new version takes the place of the old one, and so its models too.
        who.need_all(_models(replaced.document) if replaced is not None else ())
    if last is not None and last.digest == policy.digest:
        return last, None, None
    loosened = loosened_json(policy, before.document if before is not None else None)
    waits = bool(loosened)
    values = {
        "name": name,
        "version": 1 if last is None else last.version + 1,
        "digest": policy.digest,
        "source": written.text,
        "media_type": written.media_type,
        "document": policy.document,
        "owner": policy.header.owner,
        "warnings": list(policy.warnings),
        "loosened": loosened,
        "is_approved": not waits,
        "published_at": now,
        "published_by": who.id,
        "approved_at": None,
        "approved_by": None,
    }
    entry = NewEntry(
        id=new_id("ent"),
        type="policy.published",
        at=now,
        actor=who.id,
        subject=name,
        refs={"digest": policy.digest},
        data={
            "version": values["version"],
            "active": not waits,
            "loosened": [item["rule"] for item in loosened][:100],
        },
    )
    apply = None if waits else raise_epoch
    work = Work(entries=[entry], rows=[(policy_version, [values])], apply=apply)
    return None, work, values


def _models(document: Mapping[str, Any]) -> list[str]:
    """The patterns of models that a policy applies to."""
    found = document["applies_to"]["model"]
    return [found] if isinstance(found, str) else list(found)


def raise_epoch(connection: Connection) -> None:
    """Decisions that were made under the policies before have to be made again."""
    connection.execute(update(policy_epoch).values(value=policy_epoch.c.value + 1))


def approved(row: Row[Any], who: Principal, now: datetime) -> Work:
    """The Work by which a second person puts a version that loosens into force."""
    who.need_all(_models(row.document))
    if not who.is_person:
        raise Problem("forbidden", "Only a person approves; this is a service.")
    if who.id == row.published_by:
        raise Problem("forbidden", "Who published a version does not approve it.")
    if row.is_approved:
        raise Problem("already-approved", "This version is in force or was already.")

    def approve(connection: Connection) -> None:
        above = connection.execute(
            select(func.count()).where(
                policy_version.c.name == row.name, policy_version.c.version > row.version
            )
        ).scalar_one()
        if above:
            raise Conflict("conflict", "A newer version was published; approve that one.")
        changed = connection.execute(
            update(policy_version)
            .where(
                policy_version.c.name == row.name,
                policy_version.c.version == row.version,
                policy_version.c.is_approved.is_(False),
            )
            .values(is_approved=True, approved_at=now, approved_by=who.id)
        ).rowcount
        if changed != 1:
            raise Conflict("already-approved", "This version was approved at the same time.")
        raise_epoch(connection)

    entry = NewEntry(
        id=new_id("ent"),
        type="policy.approved",
        at=now,
        actor=who.id,
        subject=row.name,
        refs={"digest": row.digest},
        data={"version": row.version},
    )
    return Work(entries=[entry], apply=approve)


def published_json(row: Any) -> dict[str, Any]:
    """A version as an answer; `row` is a row or the values of one."""
    item = row if isinstance(row, dict) else row._mapping  # noqa: SLF001 - SQLAlchemy's public name
    return {
        "name": item["name"],
        "version": item["version"],
        "digest": item["digest"],
        "active": item["is_approved"],
        "warnings": item["warnings"],
        "loosened": item["loosened"],
        "published_at": to_text(item["published_at"]),
    }


def policy_json(row: Row[Any]) -> dict[str, Any]:
    """A version with what it says."""
    return {
        **published_json(row),
        "owner": row.owner,
        "source": row.source,
        "media_type": row.media_type,
        "document": row.document,
        "approved_at": to_text(row.approved_at) if row.approved_at else None,
    }
