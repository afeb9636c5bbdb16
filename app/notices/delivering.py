"""One delivery: try, note what came back, come again by the schedule, or leave it.

At least once, under one id, so that a receiver can tell a repetition. 2xx is success, a redirect
is failure, 410 ends the subscription, Retry-After is honoured.
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from app.jobs.kinds import Job
from app.ledger.work import Conflict, Work
from app.notices import service
from app.notices.cards import slack, teams
from app.notices.cdevents import cloud_headers
from app.notices.mail import MailError, send_mail
from app.notices.signing import headers
from app.notices.tables import delivery, delivery_attempt, subscription
from app.notices.vault import Vault
from app.outbound import Answer, Outbound, OutboundError
from app.runtime import Runtime
from app.settings import SettingsError

log = logging.getLogger("clearance.notices")

SCHEDULE: Final = tuple(
    timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)
"""Pauses after the first try: 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 hours."""
_LONGEST_WAIT: Final = timedelta(days=1)
_DETAIL: Final = 300


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one try. `status` is the receiver's answer, where it gave one."""

    is_delivered: bool
    status: int | None
    detail: str
    wait: timedelta = timedelta(0)
    is_gone: bool = False


def deliver(runtime: Runtime, job: Job, now: datetime) -> datetime | None:
    """Try one delivery; the answer is when to try again."""
    with runtime.engine.connect() as connection:
        sent = connection.execute(select(delivery).where(delivery.c.id == job.key)).first()
        if sent is None or sent.status != "pending":
            return None
        to = connection.execute(
            select(subscription).where(subscription.c.id == sent.subscription)
        ).one()
    if to.status != "active":
        _note(runtime, sent, now, None, {"status": "dropped", "next_at": None})
        return None
    tried = _tried(runtime, sent, to, now)
    values: dict[str, Any] = {"attempts": sent.attempts + 1, "next_at": None}
    if tried.is_delivered:
        values |= {"status": "delivered", "delivered_at": now}
    elif tried.is_gone or sent.attempts >= len(SCHEDULE):
        values["status"] = "failed"
    else:
        pause = max(SCHEDULE[sent.attempts], min(tried.wait, _LONGEST_WAIT))
        values["next_at"] = now + pause
    _note(runtime, sent, now, tried, values)
    if tried.is_gone:
        _disable(runtime, to, now)
    next_at: datetime | None = values["next_at"]
    return next_at


def _tried(runtime: Runtime, sent: Row[Any], to: Row[Any], now: datetime) -> Tried:
    try:
        vault = Vault(runtime.settings)
        target = vault.opened(to.target)
        if to.kind == "email":
            event = json.loads(sent.body)
            send_mail(runtime.settings, target, sent.id, event, now)
            return Tried(True, None, "handed to the mail server")
        out = Outbound(networks=runtime.settings.outbound_allow)
        answer = _posted(out, vault, sent, to, target, now)
    except OutboundError as error:
        return Tried(False, None, str(error)[:_DETAIL])
    except MailError as error:
        return Tried(False, error.code, str(error)[:_DETAIL])
    except SettingsError as error:
        log.exception("a notice cannot be sent")
        return Tried(False, None, str(error)[:_DETAIL])
    return judged(answer)


def _posted(
    out: Outbound, vault: Vault, sent: Row[Any], to: Row[Any], target: str, now: datetime
) -> Answer:
    if to.kind in {"slack", "teams"}:
        card = slack if to.kind == "slack" else teams
        content = json.dumps(card(json.loads(sent.body)), ensure_ascii=False).encode()
        kind = {"content-type": "application/json"}
        return out.send("POST", target, content=content, headers=kind)
    keys = [vault.opened(to.secret)]
    if to.old_secret is not None and now < to.old_secret_until:
        keys.append(vault.opened(to.old_secret))
    body = sent.body.encode()
    signed = headers(sent.id, now, body, keys)
    told = json.loads(body)
    # What it is, and not what the subscription wants by now: an older delivery keeps its form.
    extra = cloud_headers(told) if "context" in told else {}
    return out.send("POST", target, content=body, headers={**signed, **extra})


def judged(answer: Answer) -> Tried:
    """What an answer means; only a little of its body is kept."""
    said = answer.body[:_DETAIL].decode("utf-8", "replace").strip()
    detail = "".join(c if c.isprintable() else " " for c in said) or "no text"
    if 200 <= answer.status < 300:
        return Tried(True, answer.status, detail)
    if 300 <= answer.status < 400:
        detail = "a redirect is not followed"
    wait = _retry_after({name.lower(): value for name, value in answer.headers.items()})
    return Tried(False, answer.status, detail, wait, is_gone=answer.status == 410)


def _retry_after(given: dict[str, str]) -> timedelta:
    text = given.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 8:
        return timedelta(seconds=int(text))
    return timedelta(0)


def _note(
    runtime: Runtime, sent: Row[Any], now: datetime, tried: Tried | None, values: dict[str, Any]
) -> None:
    rows: list[Any] = []
    if tried is not None:
        attempt = {
            "delivery": sent.id,
            "number": sent.attempts + 1,
            "at": now,
            "status": tried.status,
            "detail": tried.detail,
        }
        rows.append((delivery_attempt, [attempt]))

    def settle(within: Connection) -> None:
        changed = within.execute(
            update(delivery)
            .where(
                delivery.c.id == sent.id,
                delivery.c.status == "pending",
                delivery.c.attempts == sent.attempts,
            )
            .values(**values)
        ).rowcount
        if changed != 1:
            raise Conflict("conflict", "Another worker tried this delivery at the same time.")

    runtime.ledger.commit_sync(Work(entries=[], rows=rows, apply=settle))


def _disable(runtime: Runtime, to: Row[Any], now: datetime) -> None:
    try:
        runtime.ledger.commit_sync(service.disabled(to, "the receiver answered 410 Gone", now))
    except Conflict:
        log.info("subscription %s changed while its receiver said 410", to.id)
