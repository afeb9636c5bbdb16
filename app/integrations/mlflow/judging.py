"""A version's evidence through the normal use case, as a service that can approve nothing.

The decision and the note that it was made on this evidence are one Work: twice is once.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from app.auth.principal import Grant, Principal, granted
from app.errors import Problem, problem_of
from app.evaluations import service
from app.evaluations.data_queue import queued_work
from app.evaluations.data_tables import data_evaluation
from app.evaluations.recording import recorded
from app.evaluations.service import Received
from app.evaluations.standing import DECISIONS, status_at
from app.evaluations.tables import decision, evaluation
from app.integrations.mlflow import aliases
from app.integrations.mlflow.config import RESERVED, Rule
from app.integrations.mlflow.evidence import Pulled, pulled, with_notes
from app.integrations.mlflow.fetching import SUBMITTER
from app.integrations.mlflow.registry import Version
from app.integrations.tables import registry_alias, registry_version
from app.ledger.work import Conflict, Work
from app.replies import json_bytes
from gates.canonical import digest as digest_of
from gates.evidence import ImpossibleEvidence
from gates.formats import FormatError

if TYPE_CHECKING:
    from app.integrations.mlflow.looking import Look

log = logging.getLogger("clearance.mlflow")

_TRIES: Final = 8
_STILL_GOING: Final = timedelta(hours=6)
"""So long a run may go on before its version is judged as it stands."""
_MOST_PROBLEM: Final = 1000


def principal(model: str) -> Principal:
    """Who submits for the registry: a service, for this model, that may do nothing else."""
    return granted(
        id=SUBMITTER,
        kind="service",
        name="MLflow registry",
        grants=(Grant(("submitter",), (model,)),),
        via="registry",
    )


class Progress(Enum):
    """How far a version is."""

    KNOWN = auto()
    """Nothing is new."""
    DECIDED = auto()
    """A decision was made now."""
    WAITS = auto()
    """Its run is still going on."""
    MEASURED = auto()
    """Its data are being measured; the record tells when a decision is there."""


def judged(this: "Look", rule: Rule, version: Version) -> Progress:
    """Judge a version on what the registry says of it now, where that is new."""
    row = _measured(this, rule, version, _row(this, rule, version))
    if row is not None and row.evaluation is not None and row.problem is None:
        return Progress.MEASURED
    tags = _foreign(version)
    # Data that could not be measured are measured again when somebody changes something.
    is_settled = row is not None and (
        row.problem is None or (row.evaluation is not None and row.tags == tags)
    )
    if is_settled and row is not None and row.tags == tags and not _is_watched(this, version, row):
        return Progress.KNOWN
    found = pulled(this.registry, rule, version, _link(this, version))
    if found.is_going_on and this.now - version.created_at < _STILL_GOING:
        return Progress.WAITS
    if is_settled and row is not None and row.evidence == found.digest:
        _note(this, rule, version, row, {"tags": tags, "checked_at": this.now})
        return Progress.WAITS if found.is_going_on else Progress.KNOWN
    try:
        return _decide(this, rule, version, row, found)
    except (Problem, ImpossibleEvidence, FormatError) as error:
        problem = problem_of(error).detail[:_MOST_PROBLEM]
        log.warning("%s %s is not judged: %s", version.model, version.version, problem)
        _note(this, rule, version, row, {"problem": problem, "tags": tags, "evaluation": None})
    return Progress.WAITS if found.is_going_on else Progress.KNOWN


def _measured(this: "Look", rule: Rule, version: Version, row: Row[Any] | None) -> Row[Any] | None:
    """The row, after what became of the evaluation that was queued."""
    if row is None or row.evaluation is None or row.problem is not None:
        return row
    query = select(data_evaluation).where(data_evaluation.c.id == row.evaluation)
    with this.runtime.engine.connect() as connection:
        known = connection.execute(query).one()
    match known.status:
        case "done":
            _note(this, rule, version, row, {"evaluation": None, "decision": known.decision})
        case "failed":
            problem = str(known.problem["detail"])[:_MOST_PROBLEM]
            _note(this, rule, version, row, {"problem": problem})
        case _:
            return row
    return _row(this, rule, version)


def next_end(this: "Look", rule: Rule, versions: Sequence[str]) -> datetime | None:
    """When the next clearance or deadline of these versions at the rule's stage is over."""
    query = DECISIONS.where(
        decision.c.model == this.model,
        decision.c.stage == rule.stage,
        decision.c.status.in_(("passed", "pending")),
    )
    known = set(versions)
    with this.runtime.engine.connect() as connection:
        rows = [row for row in connection.execute(query) if row.version in known]
    times = [
        time
        for row in rows
        if status_at(row, this.now) in {"passed", "pending"}
        for time in (row.valid_until, row.deadline, row.glass_until)
        if time is not None and time > this.now
    ]
    return min(times, default=None)


def _row(this: "Look", rule: Rule, version: Version) -> Row[Any] | None:
    with this.runtime.engine.connect() as connection:
        return connection.execute(select(registry_version).where(*_named(rule, version))).first()


def _named(rule: Rule, version: Version) -> tuple[Any, ...]:
    return (
        registry_version.c.model == version.model,
        registry_version.c.version == version.version,
        registry_version.c.stage == rule.stage,
    )


def _foreign(version: Version) -> str:
    """Somebody who sets a tag asks for another look; our own tags ask for nothing."""
    return digest_of({k: v for k, v in version.tags.items() if not k.startswith(RESERVED)})


def _is_watched(this: "Look", version: Version, row: Row[Any]) -> bool:
    """Metrics that come after the registration raise no event; each sweep re-reads the young."""
    is_young = this.now - version.created_at < timedelta(hours=this.config.watch_hours)
    return is_young and this.now - row.checked_at >= timedelta(
        seconds=this.config.sweep_seconds / 2
    )


def _link(this: "Look", version: Version) -> str:
    base = this.config.tracking_uri.rstrip("/")
    if not base.startswith(("http://", "https://")):
        return f"models:/{version.model}/{version.version}"
    where = f"?workspace={space}" if (space := this.config.workspace) else ""
    return f"{base}/#/models/{version.model}/versions/{version.version}{where}"


def _decide(
    this: "Look", rule: Rule, version: Version, row: Row[Any] | None, found: Pulled
) -> Progress:
    """Steps 2 to 5 of a submission; another decision in between means: decide again.

    Where data are to be measured first, a worker of the queue for that decides.
    """
    runtime = this.runtime
    body = _with_baseline(this, rule, found)
    raw = json_bytes(body)
    received = Received(principal(version.model), raw, None, runtime.settings.link_base)
    intake = with_notes(service.understood(runtime, received, keeps=True))
    values: dict[str, Any] = {
        "evidence": found.digest,
        "candidate_digest": intake.candidate.digest,
        "tags": _foreign(version),
        "problem": None,
    }
    keep = partial(_kept, now=this.now, rule=rule, version=version, row=row)
    if intake.data is not None:
        queued, work = queued_work(runtime, received, intake, intake.data)
        values["evaluation"] = queued["id"]
        runtime.ledger.commit_sync(replace(work, apply=partial(keep, values=values)))
        return Progress.MEASURED
    for attempt in range(_TRIES):
        case = service.decided(runtime, received, intake, is_retry=attempt > 0)
        written = recorded(case, runtime.attestor)
        values |= {"evaluation": None, "decision": written.id}
        work = replace(written.work, apply=partial(keep, values=dict(values)), commutes=False)
        try:
            runtime.ledger.commit_sync(work)
        except Conflict:
            if _row(this, rule, version) != row:
                raise
            continue
        runtime.telemetry.verdict(str(case.decided.verdict))
        return Progress.DECIDED
    raise Conflict("conflict", "The candidate's history kept changing while this was decided.")


def _with_baseline(this: "Look", rule: Rule, found: Pulled) -> dict[str, Any]:
    """The registry's own numbers where the policy's alias stands on what was never judged here."""
    body = dict(found.body)
    intake = service.understood(
        this.runtime,
        Received(principal(body["candidate"]["model"]), json_bytes(body), None, ""),
        keeps=False,
    )
    choice = service.chosen(this.runtime.policies.current(), intake).policy.header.baseline
    alias = None if isinstance(choice, str) else choice.chosen().get("alias")
    if alias is None:
        return body
    with this.runtime.engine.connect() as connection:
        stands = select(registry_alias.c.version).where(
            registry_alias.c.model == this.model, registry_alias.c.alias == alias
        )
        number = connection.execute(stands).scalar()
        is_known = number is not None and (
            connection.execute(
                select(evaluation.c.id)
                .where(evaluation.c.model == this.model, evaluation.c.version == number)
                .limit(1)
            ).first()
            is not None
        )
    if number is None:
        aliases.unset(this, alias)
    if number is None or is_known or (old := this.registry.version(this.model, number)) is None:
        return body
    results = pulled(this.registry, rule, old, "").body["results"]
    return {**body, "baseline": {"results": results}} if results else body


def _note(
    this: "Look", rule: Rule, version: Version, row: Row[Any] | None, values: Mapping[str, Any]
) -> None:
    if row is not None and all(getattr(row, name) == value for name, value in values.items()):
        return

    keep = partial(_kept, now=this.now, rule=rule, version=version, row=row, values=values)
    this.runtime.ledger.commit_sync(Work(entries=[], apply=keep))


def _kept(
    within: Connection,
    *,
    now: datetime,
    rule: Rule,
    version: Version,
    row: Row[Any] | None,
    values: Mapping[str, Any],
) -> None:
    """Compare and set: who comes second finds the work done."""
    if row is None:
        known = select(registry_version.c.revision).where(*_named(rule, version))
        if within.execute(known).first() is not None:
            raise Conflict("conflict", "The version was judged at the same time.")
        names = {"model": version.model, "version": version.version, "stage": rule.stage}
        within.execute(
            insert(registry_version).values(**names, checked_at=now, revision=0, **values)
        )
        return
    changed = update(registry_version).where(
        *_named(rule, version), registry_version.c.revision == row.revision
    )
    changed = changed.values({"checked_at": now, "revision": row.revision + 1, **values})
    if within.execute(changed).rowcount != 1:
        raise Conflict("conflict", "The version was judged at the same time.")
