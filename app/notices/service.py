"""Making, changing and ending subscriptions, and sending something once more."""

from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, select, update

from app.auth.keys import Principal
from app.database import to_text
from app.errors import Problem
from app.idempotency.changing import Change
from app.ids import new_id
from app.jobs import outbox
from app.ledger.tables import audit_head
from app.ledger.work import Conflict, NewEntry, Work
from app.notices.schemas import SubscriptionChange, SubscriptionIn
from app.notices.signing import new_secret
from app.notices.tables import delivery, subscription
from app.notices.vault import Vault
from app.outbound import Outbound, OutboundError
from app.settings import Settings, SettingsError

DELIVER: Final = "notice.deliver"
_OLD_SECRET_LASTS: Final = timedelta(days=1)


def subscribed(
    connection: Connection, settings: Settings, given: SubscriptionIn, who: Principal, now: datetime
) -> Change:
    """A new subscription, from the next entry on."""
    vault = opened_vault(settings)
    _check_format(given.kind, given.format)
    _check_target(given.kind, given.target, settings)
    secret = new_secret() if given.kind == "webhook" else None
    values: dict[str, Any] = {
        "id": new_id("sub"),
        "name": given.name,
        "kind": given.kind,
        "format": given.format,
        "target": vault.locked(given.target),
        "hint": _hint(given.kind, given.target),
        "secret": vault.locked(secret) if secret else None,
        "old_secret": None,
        "old_secret_until": None,
        "types": given.types,
        "models": given.models,
        "status": "active",
        "why": None,
        "since": connection.execute(select(audit_head.c.size)).scalar_one(),
        "created_by": who.id,
        "created_at": now,
        "revision": 0,
    }
    entry = _entry("created", values["id"], who.id, now, _said(values))
    body = shown(values)
    work = Work(entries=[entry], rows=[(subscription, [values])])
    return Change(work, {**body, "secret": secret}, kept={**body, "secret": None})


def changed(
    connection: Connection,
    settings: Settings,
    name: str,
    given: SubscriptionChange,
    who: Principal,
    now: datetime,
) -> Change:
    """Another name, target, scope or state, or a new secret beside the old one."""
    row = found(connection, name)
    fields = given.model_dump(exclude={"target", "rotate_secret"}, exclude_none=True)
    values: dict[str, Any] = {**fields}
    if given.status is not None:
        values["why"] = None
    if given.format is not None:
        _check_format(row.kind, given.format)
    secret = None
    if given.target is not None:
        _check_target(row.kind, given.target, settings)
        values["target"] = opened_vault(settings).locked(given.target)
        values["hint"] = _hint(row.kind, given.target)
    if given.rotate_secret:
        if row.kind != "webhook":
            raise Problem("invalid-request", f"A subscription of kind {row.kind} has no secret.")
        secret = new_secret()
        values["secret"] = opened_vault(settings).locked(secret)
        values |= {"old_secret": row.secret, "old_secret_until": now + _OLD_SECRET_LASTS}
    after = {**row._mapping, **values}  # noqa: SLF001 - SQLAlchemy's public name
    data = {**_said(after), "secret_rotated": given.rotate_secret}
    entry = _entry("changed", row.id, who.id, now, data)
    work = Work(entries=[entry], apply=lambda within: advance(within, row, **values))
    body = shown(after)
    return Change(work, {**body, "secret": secret}, kept={**body, "secret": None})


def ended(connection: Connection, name: str, who: Principal, now: datetime) -> Work:
    """The Work that deletes a subscription: its secrets go, its deliveries stay on record."""
    row = found(connection, name)
    gone = {"status": "deleted", "secret": None, "old_secret": None, "target": b""}
    return Work(
        entries=[_entry("deleted", row.id, who.id, now, {})],
        apply=lambda within: advance(within, row, **gone),
    )


def disabled(row: Row[Any], why: str, now: datetime) -> Work:
    """The Work by which a receiver's 410 ends what is sent to it."""
    return Work(
        entries=[_entry("disabled", row.id, "clearance", now, {"why": why})],
        apply=lambda within: advance(within, row, status="disabled", why=why),
    )


def replayed(
    connection: Connection, name: str, delivery_id: str, who: Principal, now: datetime
) -> Change:
    """Send a delivery again under its own id, whatever came of it before."""
    row = found(connection, name)
    if row.status != "active":
        raise Problem("not-active", f"The subscription is {row.status}; make it active first.")
    sent = connection.execute(
        select(delivery).where(delivery.c.id == delivery_id, delivery.c.subscription == row.id)
    ).first()
    if sent is None:
        raise Problem("delivery-not-found", "No such delivery of this subscription.")

    def again(within: Connection) -> None:
        within.execute(
            update(delivery)
            .where(delivery.c.id == sent.id)
            .values(status="pending", next_at=now, delivered_at=None)
        )
        if not outbox.again(within, DELIVER, sent.id, now):
            raise Conflict("delivery-not-found", "It is too old to be sent again.")

    data = {"delivery": sent.id}
    work = Work(entries=[_entry("replayed", row.id, who.id, now, data)], apply=again)
    return Change(work, {"id": sent.id, "status": "pending"})


def found(connection: Connection, name: str) -> Row[Any]:
    """A subscription that was not deleted, or 404."""
    query = select(subscription).where(
        subscription.c.id == name, subscription.c.status != "deleted"
    )
    row = connection.execute(query).first()
    if row is None:
        raise Problem("subscription-not-found", "There is no such subscription.")
    return row


def advance(connection: Connection, row: Row[Any], **values: Any) -> None:
    """Compare and set."""
    done = connection.execute(
        update(subscription)
        .where(subscription.c.id == row.id, subscription.c.revision == row.revision)
        .values(revision=row.revision + 1, **values)
    ).rowcount
    if done != 1:
        raise Conflict("conflict", "The subscription changed at the same time.")


def opened_vault(settings: Settings) -> Vault:
    """The vault, or a problem that says how to make its key."""
    try:
        return Vault(settings)
    except SettingsError as error:
        raise Problem("not-configured", str(error)) from None


def _check_format(kind: str, form: str) -> None:
    if form != "standard" and kind != "webhook":
        raise Problem("invalid-request", f"Only webhooks have a format; {kind} has its own.")


def _check_target(kind: str, target: str, settings: Settings) -> None:
    if kind == "email":
        local, sign, domain = target.rpartition("@")
        if not (local and sign and "." in domain) or any(c in target for c in "<>,;:\"'\\"):
            raise Problem("invalid-request", "An e-mail address such as ml@example.com is needed.")
        if settings.smtp_url is None:
            raise Problem("not-configured", "Set CLEARANCE_SMTP_URL to send e-mail.")
        return
    try:
        Outbound(networks=settings.outbound_allow).check(target)
    except OutboundError as error:
        raise Problem("invalid-request", f"This cannot be called: {error}.") from None


def _hint(kind: str, target: str) -> str:
    """The host; of an address the domain. Paths of chat hooks are their credentials."""
    if kind == "email":
        local, _, domain = target.rpartition("@")
        return f"{local[:1]}…@{domain}"[:200]
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.hostname}/…"[:200]


def _entry(what: str, name: str, by: str, now: datetime, data: dict[str, Any]) -> NewEntry:
    return NewEntry(
        id=new_id("ent"),
        type=f"subscription.{what}",
        at=now,
        actor=by,
        subject=name,
        data=data,
    )


def _said(values: Any) -> dict[str, Any]:
    return {name: values[name] for name in ("kind", "format", "hint", "types", "models", "status")}


def shown(values: Any) -> dict[str, Any]:
    """A subscription as an answer, without secret and full target."""
    return {
        **{name: values[name] for name in ("id", "name", "kind", "types", "models", "status")},
        "format": values["format"] or "standard",
        "target": values["hint"],
        "why": values["why"],
        "created_at": to_text(values["created_at"]),
    }
