"""Keeps every anchor at the newest checkpoint: one small thread each, beside the writer.

Threads and not jobs: an anchor must be kept where no job engine runs, and what watches the record
may not depend on what is recorded. The writer waits for none of them. What an anchor contradicts
is an alarm: the ledger stops writing for good.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from app.ledger.anchors.anchor import (
    Anchor,
    AnchorAhead,
    AnchorUnavailable,
    ContradictedByAnchor,
)
from app.ledger.anchors.configured import local_anchors, remote_anchors
from app.ledger.cosignature import Cosignature, WitnessKey
from app.ledger.merkle import consistency_proof
from app.ledger.reading import SignedCheckpoint, checkpoint
from app.ledger.tables import audit_checkpoint, audit_cosignature
from app.ledger.tiles import LogInconsistent, StoredNodes
from app.ledger.work import LedgerUnavailable, Work
from app.ledger.writer import Ledger
from app.settings import Settings, SettingsError

log = logging.getLogger("clearance.anchors")

_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an anchor stands: the size it holds, since when, and why it holds no more."""

    name: str
    size: int | None = None
    at: datetime | None = None
    problem: str | None = None


class Keeper:
    """One anchor and its thread."""

    def __init__(self, anchor: Anchor, engine: Engine, ledger: Ledger, pause: float) -> None:
        self._anchor = anchor
        self._engine = engine
        self._ledger = ledger
        self._pause = pause
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.standing = Standing(anchor.name)

    def start(self) -> None:
        """Keep it from now on."""
        name = f"anchor-{self._anchor.name}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End the thread, or leave it behind where it hangs in a call."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def keep(self) -> None:
        """Bring the anchor to the newest checkpoint; what fails for now is noted.

        Raises ContradictedByAnchor.
        """
        before = self.standing
        try:
            size = self._held()
        except (AnchorUnavailable, SQLAlchemyError, LedgerUnavailable) as error:
            words = type(error).__name__ if isinstance(error, SQLAlchemyError) else str(error)
            self.standing = Standing(before.name, before.size, before.at, words)
            if before.problem != words:
                log.warning("anchor %s: %s", before.name, words)
            return
        self.standing = Standing(before.name, size, datetime.now(UTC))

    def _run(self) -> None:
        while not self._stopping.wait(self._pause):
            try:
                self.keep()
            except LogInconsistent as error:
                self._ledger.close_for_good(str(error))
                return
            except Exception:
                log.exception("anchor %s failed unexpectedly", self._anchor.name)

    def _held(self) -> int:
        """The size that the anchor holds now."""
        ahead = 0
        for _ in range(_TRIES):
            signed = self._newest()
            size = signed.checkpoint.size
            if size < ahead:
                raise _behind(self._anchor.name, ahead, size)
            if self.standing.size == size and self.standing.problem is None:
                return size
            try:
                self._anchor.hold(signed, lambda old, size=size: self._proof(old, size))  # type: ignore[misc]  # mypy loses the default
            except AnchorAhead as error:
                # Another process may have written and anchored more meanwhile: look again.
                ahead = error.size
                continue
            return size
        raise AnchorUnavailable("others keep anchoring newer checkpoints")

    def _newest(self) -> SignedCheckpoint:
        with self._engine.connect() as connection:
            return checkpoint(connection, [self._ledger.verifier_key])

    def _proof(self, old: int, size: int) -> tuple[bytes, ...]:
        with self._engine.connect() as connection:
            return consistency_proof(old, size, StoredNodes(connection, size))


def _behind(name: str, ahead: int, size: int) -> ContradictedByAnchor:
    return ContradictedByAnchor(
        f"The database is behind its anchor: it has {size} log entries, and {name} holds a "
        f"checkpoint of {ahead}. Decisions are missing: an older backup was restored, or the log "
        "was cut. Keep database and anchor as they are, restore a newer backup, and read "
        "docs/anchors.md, 'When the database is behind'. Where a new deployment begins on "
        "purpose, give it another CLEARANCE_ANCHOR_FILE."
    )


class Anchoring:
    """All anchors of a process."""

    def __init__(self, engine: Engine, ledger: Ledger, settings: Settings) -> None:
        self._engine = engine
        self._ledger = ledger
        self._local = [
            Keeper(anchor, engine, ledger, settings.anchor_seconds)
            for anchor in local_anchors(settings)
        ]
        self._keepers = [
            *self._local,
            *(
                Keeper(anchor, engine, ledger, settings.anchor_seconds)
                for anchor in remote_anchors(settings, self._store)
            ),
        ]

    def require_held(self) -> None:
        """Compare the database with every anchor, once, before anything is served.

        Raises ContradictedByAnchor, and SettingsError where the anchor file cannot be written. An
        anchor on another machine that does not answer is tried again later.
        """
        for keeper in self._keepers:
            keeper.keep()
            if keeper in self._local and keeper.standing.problem is not None:
                raise SettingsError(
                    f"The anchor file does not work: {keeper.standing.problem}. Name a writable "
                    "place in CLEARANCE_ANCHOR_FILE, or none to do without."
                )

    def start(self) -> None:
        """Keep all anchors from now on."""
        for keeper in self._keepers:
            keeper.start()

    def stop(self) -> None:
        """End the threads; the local anchors get the last checkpoint."""
        for keeper in self._keepers:
            keeper.stop(1.0)
        for keeper in self._local:
            try:
                keeper.keep()
            except LogInconsistent as error:
                log.critical("ALARM: %s", error)

    def standings(self) -> Sequence[Standing]:
        """Where each anchor stands."""
        return [keeper.standing for keeper in self._keepers]

    def waiting_since(self, standing: Standing) -> datetime | None:
        """When the oldest checkpoint was signed that the anchor lacks; None where it lacks none."""
        beyond = select(audit_checkpoint.c.signed_at).order_by(audit_checkpoint.c.size).limit(1)
        if standing.size is not None:
            beyond = beyond.where(audit_checkpoint.c.size > standing.size)
        with self._engine.connect() as connection:
            found: datetime | None = connection.scalar(beyond)
        return found

    def _store(self, size: int, key: WitnessKey, found: Cosignature) -> None:
        row: dict[str, Any] = {
            "size": size,
            "witness": str(key),
            "line": found.line,
            "signed_at": datetime.fromtimestamp(found.time, UTC),
        }
        self._ledger.commit_sync(Work(entries=[], rows=[(audit_cosignature, [row])], commutes=True))
