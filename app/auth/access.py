"""Every way in, put together from settings and identity file when the service starts.

Refuses to start on a file that does not load, and on people who would sign in over plain http.
What verifies tokens is loaded only where an issuer is configured.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from sqlalchemy import Engine, select

from app.auth.sessions import Sessions
from app.auth.shared_failures import SharedFailures
from app.auth.throttle import Throttle
from app.ids import new_id
from app.ledger.tables import audit_entry
from app.ledger.work import NewEntry, Work
from app.ledger.writer import Ledger
from app.settings import Settings, SettingsError

if TYPE_CHECKING:
    from app.auth.identity_file import Identity
    from app.auth.login import Login
    from app.auth.workloads import Workloads

CONFIGURED: Final = "access.configured"
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Access:
    """What a request may come in by, besides an API key."""

    sessions: Sessions
    throttle: Throttle
    workloads: "Workloads | None" = None
    login: "Login | None" = None


def configured(settings: Settings) -> "Identity | None":
    """The identity file, checked; SettingsError where it or what it needs is wrong."""
    if settings.identity_file is None:
        return None
    from app.auth.identity_file import read  # noqa: PLC0415 - only who configures an issuer pays

    identity = read(settings.identity_file)
    if identity.people is not None:
        require_safe_address(settings)
    return identity


def opened(
    identity: "Identity | None", settings: Settings, engine: Engine, ledger: Ledger, at: datetime
) -> Access:
    """All ways in; a new identity file is recorded."""
    secure = (settings.public_url or "").startswith("https://")
    sessions = Sessions(engine, secure=secure)
    # Only on PostgreSQL can there be other processes that let people in.
    throttle = Throttle(settings, None if settings.is_sqlite else SharedFailures(engine))
    if identity is None:
        return Access(sessions, throttle)
    from app.auth.login import Login  # noqa: PLC0415 - only who configures an issuer pays
    from app.auth.workloads import Workloads  # noqa: PLC0415 - the same

    _record(identity, engine, ledger, at)
    return Access(
        sessions,
        throttle,
        Workloads(identity, settings, engine, ledger) if identity.file.issuers else None,
        Login(identity.people, settings) if identity.people is not None else None,
    )


def require_safe_address(settings: Settings) -> None:
    """People sign in at one known address, over https; plain http only on this machine."""
    parts = urlsplit(settings.public_url or "")
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return
    raise SettingsError(
        "The identity file lets people sign in, so CLEARANCE_PUBLIC_URL must be the https address "
        "that they use (http only for localhost): the provider sends them back to it."
    )


def _record(identity: "Identity", engine: Engine, ledger: Ledger, at: datetime) -> None:
    """Who may come in can change an outcome, so a new file is an entry; the same one is not."""
    newest = (
        select(audit_entry.c.subject)
        .where(audit_entry.c.type == CONFIGURED)
        .order_by(audit_entry.c.index.desc())
        .limit(1)
    )
    with engine.connect() as connection:
        if connection.execute(newest).scalar_one_or_none() == identity.digest:
            return
    file = identity.file
    granted = {role for issuer in file.issuers for rule in issuer.rules for role in rule.roles}
    groups = file.people.groups if file.people is not None else ()
    entry = NewEntry(
        id=new_id("ent"),
        type=CONFIGURED,
        at=at,
        actor="operator",
        subject=identity.digest,
        data={
            "issuers": [issuer.issuer for issuer in file.issuers][:100],
            "people": file.people.issuer if file.people is not None else None,
            "roles": sorted(granted | {role for group in groups for role in group.roles})[:200],
        },
    )
    ledger.commit_sync(Work(entries=[entry]))
