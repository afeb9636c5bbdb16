"""The active policies, parsed once per digest and kept at hand.

What it hands out may be a second old; a decision commits only if the epoch it was made under still
holds, so an old shelf costs a second try and never a wrong decision.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, func, select

from app.policies.tables import policy_epoch, policy_version
from app.waivers.reading import approved
from gates.policy import Policy, load_document
from gates.rules.document import Document as DocumentRule
from gates.rules.passed_stage import PassedStage
from gates.waivers import Waiver

_FRESH_SECONDS: Final = 1.0
_PARSED: Final = 512


@dataclass(frozen=True, slots=True)
class Active:
    """A policy in force, with its place in the record."""

    policy: Policy
    name: str
    version: int
    digest: str
    published_at: datetime

    @property
    def observes(self) -> bool:
        """Whether its decisions are recorded without ever clearing anything."""
        return self.policy.header.observe

    @property
    def stages_needed(self) -> frozenset[str]:
        """The stages whose clearances its rules ask for."""
        return frozenset(
            rule.passed_stage for _, rule in self.policy.rules() if isinstance(rule, PassedStage)
        )

    @property
    def documents_needed(self) -> frozenset[str]:
        """The kinds of documents its rules ask for."""
        return frozenset(
            rule.document for _, rule in self.policy.rules() if isinstance(rule, DocumentRule)
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All policies in force and waivers that stand, under one epoch.

    Whatever changes either raises the epoch, so a decision made with an old one is made again.
    """

    epoch: int
    active: tuple[Active, ...]
    waivers: tuple[Waiver, ...] = ()

    def waivers_for(self, model: str, at: datetime) -> tuple[Waiver, ...]:
        """The waivers that could cover a finding about a model at a time."""
        return tuple(
            waiver
            for waiver in self.waivers
            if waiver.expires_at > at and fnmatchcase(model, waiver.model)
        )

    def named(self, name: str) -> Active | None:
        """The policy of this name."""
        return next((item for item in self.active if item.name == name), None)

    def applying(self, model: str, stage: str) -> tuple[Active, ...]:
        """The policies that apply to a model at a stage."""
        return tuple(item for item in self.active if item.policy.applies(model, stage))


class Shelf:
    """Reads active policies and remembers them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._parsed: dict[str, Policy] = {}
        self._snapshot: Snapshot | None = None
        self._read_at = 0.0

    def current(self) -> Snapshot:
        """The policies in force, at most a second old."""
        snapshot = self._snapshot
        if snapshot is not None and time.monotonic() - self._read_at < _FRESH_SECONDS:
            return snapshot
        return self.refreshed()

    def forget(self) -> None:
        """Read afresh next time; called when a policy came into force here."""
        self._read_at = 0.0

    def refreshed(self) -> Snapshot:
        """The policies in force now."""
        with self._engine.connect() as connection:
            epoch: int = connection.execute(select(policy_epoch.c.value)).scalar_one()
            known = self._snapshot
            if known is None or known.epoch != epoch:
                known = Snapshot(epoch, tuple(self._active(connection)), approved(connection))
        with self._lock:
            self._snapshot, self._read_at = known, time.monotonic()
        return known

    def parsed(self, document: dict[str, Any], digest: str) -> Policy:
        """The policy of a stored document; refuses one that no longer has its digest."""
        found = self._parsed.get(digest)
        if found is None:
            found = load_document(document)
            if found.digest != digest:
                raise ValueError(f"the stored policy {digest} reads as {found.digest}")
            with self._lock:
                if len(self._parsed) >= _PARSED:
                    self._parsed.clear()
                self._parsed[digest] = found
        return found

    def by_digest(self, connection: Connection, digest: str) -> Policy:
        """The policy under which a stored decision was made."""
        if (known := self._parsed.get(digest)) is not None:
            return known
        statement = select(policy_version.c.document).where(policy_version.c.digest == digest)
        document = connection.execute(statement.limit(1)).scalar_one()
        return self.parsed(document, digest)

    def _active(self, connection: Connection) -> Sequence[Active]:
        return [
            Active(
                policy=self.parsed(row.document, row.digest),
                name=row.name,
                version=row.version,
                digest=row.digest,
                published_at=row.approved_at or row.published_at,
            )
            for row in active_rows(connection)
        ]


def active_rows(connection: Connection) -> Sequence[Row[Any]]:
    """The newest approved version of each name."""
    newest = (
        select(policy_version.c.name, func.max(policy_version.c.version).label("version"))
        .where(policy_version.c.is_approved.is_(True))
        .group_by(policy_version.c.name)
        .subquery()
    )
    statement = (
        select(policy_version)
        .join(
            newest,
            (newest.c.name == policy_version.c.name)
            & (newest.c.version == policy_version.c.version),
        )
        .order_by(policy_version.c.name)
    )
    return connection.execute(statement).all()
