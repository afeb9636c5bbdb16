"""What one running service consists of, handed to every use case; it decides nothing itself.

`start` puts it together for the server and the worker alike, and refuses a database whose schema
is not the one that this version was built for, or that an anchor contradicts.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import Request
from sqlalchemy import Engine

from app.attestations.attestor import Attestor
from app.attestations.keys import attestation_signer, introduce
from app.auth import access
from app.auth.keys import KeyRing
from app.database import reading_engine, require_current
from app.ledger.anchors.keeping import Anchoring
from app.ledger.keys import log_signer
from app.ledger.turns import Turns
from app.ledger.writer import Ledger
from app.policies.shelf import Shelf
from app.privileges import can_rewrite
from app.settings import Settings
from app.telemetry import Telemetry

log = logging.getLogger("clearance")

if TYPE_CHECKING:
    from app.auth.identity_file import Identity

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time of day, in UTC. Use cases take it from here once and hand it on."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Runtime:
    """The parts of the service and the clock they share."""

    settings: Settings
    engine: Engine
    reader: Engine
    ledger: Ledger
    anchoring: Anchoring
    attestor: Attestor
    keys: KeyRing
    access: access.Access
    policies: Shelf
    telemetry: Telemetry
    turns: Turns
    clock: Clock = utc_now


def runtime_of(request: Request) -> Runtime:
    """The service behind a request."""
    runtime: Runtime = request.app.state.runtime
    return runtime


def start(
    settings: Settings,
    engine: Engine,
    telemetry: Telemetry,
    clock: Clock,
    identity: "Identity | None" = None,
) -> Runtime:
    """Everything opened, and the record ready for writing; `runtime.ledger.stop()` ends it.

    `identity` is for who answers requests: a worker lets nobody in.
    """
    require_current(engine)
    signer = attestation_signer(settings)
    ledger = Ledger(engine, settings, log_signer(settings), current=(signer.key,))
    ledger.start()
    if can_rewrite(engine):
        log.warning(
            "this database role may change the record; give the service a role of its own: "
            "clearance migrate --service-role"
        )
    anchoring = Anchoring(engine, ledger, settings)
    try:
        anchoring.require_held()
        introduce(engine, ledger, signer.key, clock())
    except BaseException:
        ledger.stop()
        raise
    reader = reading_engine(engine)
    return Runtime(
        settings=settings,
        engine=engine,
        reader=reader,
        ledger=ledger,
        anchoring=anchoring,
        attestor=Attestor(signer, ledger.origin),
        keys=KeyRing(engine),
        access=access.opened(identity, settings, engine, ledger, clock()),
        policies=Shelf(engine),
        telemetry=telemetry,
        turns=Turns(ledger, reader, batch=settings.batch_size, limit=settings.queue_size),
        clock=clock,
    )
