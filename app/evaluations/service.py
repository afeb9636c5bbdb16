"""The main use case: a submission in, a recorded decision out.

Nothing is answered before it is in the record; what changed meanwhile is decided again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from fastapi import Response
from sqlalchemy import Connection, select
from starlette.background import BackgroundTask

from app.auth.keys import Principal
from app.blobs import reading as blobs
from app.blobs.keeping import keep
from app.bodies import SMALL_BODY, json_value, validated
from app.documents.reading import registered
from app.errors import Problem
from app.evaluations import inputs as inputs_of
from app.evaluations import past as pasts
from app.evaluations import standing
from app.evaluations.inputs import Inputs
from app.evaluations.intake import Intake, sent_apart, taken_in
from app.evaluations.recording import Case, Recorded, audit_json, recorded, with_audit
from app.evaluations.replaying import kept_answer
from app.evaluations.schemas import DataIn, SubmissionIn
from app.evaluations.tables import evaluation
from app.idempotency.once import Once
from app.integrations.tables import registry_alias
from app.ledger.work import Conflict
from app.memory import give_back
from app.policies.shelf import Active, Snapshot
from app.runtime import Runtime
from gates.decision import decide
from gates.evidence import Baseline, Evidence, Submission
from gates.history import History

_TRIES: Final = 8
"""How often a submission is decided again when its candidate's history moves under it."""


Connect = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True, slots=True)
class Received:
    """What came in, before anything was looked up."""

    who: Principal
    raw: bytes
    once: Once | None
    public_url: str


def belongs_in_thread(raw: bytes) -> bool:
    """Whether reading a body may take long: it is large, or holds files that can unfold."""
    # A key may be written with escapes; those bodies wait in the thread pool too.
    return len(raw) > SMALL_BODY or b'"results"' in raw or b"\\u" in raw


def understood(runtime: Runtime, received: Received, *, keeps: bool) -> Intake:
    """Steps 1 and 2: the body as values. No transaction is open here."""
    submission = validated(SubmissionIn, json_value(received.raw))
    received.who.need(submission.candidate.model)
    intake = taken_in(submission, partial(blobs.opened, runtime.engine, clock=runtime.clock))
    if (actor := received.who.actor) is not None:
        # Signed by the CI system, so nothing that the pipeline writes can take its place.
        intake = replace(intake, context={**intake.context, "actor": actor})
    if not keeps or not (named := sent_apart(submission)):
        return intake
    return replace(intake, files={digest: keep(runtime.engine, digest) for digest in named})


Queue = Callable[[Runtime, Received, Intake, DataIn], Awaitable[Response]]
"""Takes in an evaluation whose data are measured later."""


async def submit(runtime: Runtime, received: Received, queue: Queue) -> Response:
    """Decide, record, answer; where data are to be measured first, queue and answer."""
    if received.once is not None and (kept := _kept(runtime, received.once)) is not None:
        return kept
    is_large = belongs_in_thread(received.raw)
    if not is_large:
        await runtime.turns.mine()
    intake = (
        await asyncio.to_thread(understood, runtime, received, keeps=True)
        if is_large
        else understood(runtime, received, keeps=True)
    )
    if intake.data is not None:
        return await queue(runtime, received, intake, intake.data)
    is_large = is_large or len(intake.evidence.measurements) > 500
    for attempt in range(_TRIES):
        fresh = attempt > 0
        if is_large:
            case = await asyncio.to_thread(decided, runtime, received, intake, is_retry=fresh)
        elif fresh:
            case = decided(runtime, received, intake, is_retry=True)
        else:
            asked = _asked_about(intake)
            known = asked, await runtime.turns.ask(pasts.read_traces, asked)
            case = decided(runtime, received, intake, runtime.turns.reading, known)
        written = (
            await asyncio.to_thread(_recorded, case, runtime)
            if is_large
            else recorded(case, runtime.attestor)
        )
        try:
            writer = runtime.ledger if is_large else runtime.turns
            receipt = await writer.commit(written.work)
        except Conflict:
            if received.once is not None and (kept := _kept(runtime, received.once)) is not None:
                return kept
            # Another decision about the candidate came first: look again, after it has settled.
            await asyncio.sleep(0.002 * attempt)
            continue
        runtime.telemetry.verdict(str(case.decided.verdict))
        body = with_audit(written.document, audit_json(receipt))
        location = {"Location": f"/v1/decisions/{written.id}"}
        after = BackgroundTask(give_back) if _is_vast(case) else None
        return Response(body, 201, location, "application/json", after)
    detail = "The candidate's history kept changing while this was decided. Send it again."
    raise Problem("conflict", detail)


def _recorded(case: Case, runtime: Runtime) -> Recorded:
    """The same in a thread: packing large evidence takes a while, and leaves holes."""
    written = recorded(case, runtime.attestor)
    if _is_vast(case):
        give_back()
    return written


def _is_vast(case: Case) -> bool:
    """Whether the evidence is so large that it was not written whole."""
    return case.decided.evidence is None


def _kept(runtime: Runtime, once: Once) -> Response | None:
    with runtime.engine.connect() as connection:
        row = once.found(connection)
        return None if row is None else kept_answer(connection, row)


def _asked_about(intake: Intake) -> pasts.Asked:
    """What the record is asked first."""
    return intake.candidate, intake.stage, pasts.dataset_key(intake.evidence)


def _looked_up(connection: Connection, intake: Intake) -> tuple[pasts.Asked, pasts.Traces]:
    """The same for one alone, with the answer."""
    asked = _asked_about(intake)
    return asked, pasts.read_traces(connection, [asked])[0]


def decided(
    runtime: Runtime,
    received: Received,
    intake: Intake,
    connected: Connect | None = None,
    known: tuple[pasts.Asked, pasts.Traces] | None = None,
    *,
    is_retry: bool = False,
) -> Case:
    """Steps 3 and 4: one short read, then the engine."""
    connected = connected or runtime.reader.connect
    shelf = runtime.policies
    snapshot = shelf.refreshed() if is_retry else shelf.current()
    active = chosen(snapshot, intake)
    now = runtime.clock()
    with connected() as connection:
        baseline = _baseline(connection, active, intake, received.who, now)
        baseline_digest = _digest(baseline.evidence) if baseline else None
        past = pasts.read_past(
            connection,
            *(known or _looked_up(connection, intake)),
            epoch=snapshot.epoch,
            parts=pasts.parts_of(intake.evidence),
            baseline=baseline_digest,
        )
        history = History(
            looks=past.looks,
            known_slices=past.known_slices,
            passed_stages=standing.passed_stages(
                connection, snapshot, intake.candidate, sorted(active.stages_needed), now
            ),
            documents=registered(connection, intake.candidate.model, active.documents_needed),
            facts=past.facts,
            policy_published_at=active.published_at,
            candidates_judged=past.candidates_judged,
            baseline_uses=past.baseline_uses,
            foreign_evidence=past.foreign,
        )
    submission = Submission(intake.candidate, intake.stage, intake.evidence, baseline)
    waivers = snapshot.waivers_for(intake.candidate.model, now)
    made = decide(active.policy, submission, history, waivers, now)
    return Case(
        who=received.who,
        intake=intake,
        raw=received.raw,
        active=active,
        past=past,
        inputs=Inputs(active.digest, submission, history, waivers, now, made.engine),
        baseline_digest=baseline_digest,
        decided=made,
        at=now,
        public_url=received.public_url,
        once=received.once,
    )


def chosen(snapshot: Snapshot, intake: Intake) -> Active:
    """The policy that decides: the one named, which must apply, or the only one that applies."""
    model, stage = intake.candidate.model, intake.stage
    if intake.policy is not None:
        named = snapshot.named(intake.policy)
        if named is None:
            raise Problem("unknown-policy", f"No policy {intake.policy!r} is in force.")
        if not named.policy.applies(model, stage):
            detail = f"Policy {named.name!r} does not apply to model {model!r} at stage {stage!r}."
            raise Problem("policy-does-not-apply", detail)
        return named
    applying = snapshot.applying(model, stage)
    if not applying:
        detail = f"No policy applies to model {model!r} at stage {stage!r}."
        raise Problem("no-policy", detail)
    if len(applying) > 1:
        names = ", ".join(item.name for item in applying)
        raise Problem("ambiguous-policy", f"Several policies apply ({names}); name one.")
    return applying[0]


def _baseline(
    connection: Connection, active: Active, intake: Intake, who: Principal, now: datetime
) -> Baseline | None:
    """What the request names, else what the policy chooses, else nothing."""
    if intake.baseline is not None:
        return Baseline(dict(intake.baseline_reference or {}), intake.baseline)
    wanted = intake.baseline_reference
    if wanted is not None:
        found = _known_evidence(connection, intake, wanted, who)
        if found is None:
            name = next(iter(wanted.values()))
            detail = f"No evaluation of {intake.candidate.model!r} is known under {name!r}."
            where = [{"pointer": "/baseline", "detail": detail}]
            raise Problem("baseline-not-found", detail, errors=where)
        return Baseline(dict(wanted), found)
    choice = active.policy.header.baseline
    if isinstance(choice, str):
        return None
    named = choice.chosen()
    found = _chosen_evidence(connection, intake, named, who, now)
    return None if found is None else Baseline(dict(named), found)


def _known_evidence(
    connection: Connection, intake: Intake, wanted: dict[str, str], who: Principal
) -> Evidence | None:
    rows = select(evaluation.c.inputs, evaluation.c.model)
    if "evaluation" in wanted:
        rows = rows.where(evaluation.c.id == wanted["evaluation"])
    else:
        # The same stage speaks of the same kind of evidence; any other is better than none.
        rows = rows.where(
            evaluation.c.model == intake.candidate.model,
            evaluation.c.version == wanted["version"],
        ).order_by(
            (evaluation.c.stage == intake.stage).desc(),
            evaluation.c.received_at.desc(),
            evaluation.c.id.desc(),
        )
    row = connection.execute(rows.limit(1)).first()
    if row is None or not who.sees(row.model):
        return None
    return inputs_of.stored(connection, row.inputs).submission.evidence


def _chosen_evidence(
    connection: Connection, intake: Intake, named: dict[str, str], who: Principal, now: datetime
) -> Evidence | None:
    """The policy's choice; what was never evaluated here is no baseline."""
    if "version" in named:
        return _known_evidence(connection, intake, named, who)
    if "last_passed" in named:
        row = standing.last_passed(connection, intake.candidate.model, named["last_passed"], now)
        if row is not None:
            return _known_evidence(connection, intake, {"evaluation": row.evaluation}, who)
    if "alias" in named:
        stands = select(registry_alias.c.version).where(
            registry_alias.c.model == intake.candidate.model,
            registry_alias.c.alias == named["alias"],
        )
        row = connection.execute(stands).first()
        if row is None:
            detail = (
                f"The policy compares with the alias {named['alias']!r}, and no registry that is "
                "connected here has it. Name a baseline in the request, or connect the registry."
            )
            raise Problem("baseline-not-found", detail)
        if row.version is not None:
            return _known_evidence(connection, intake, {"version": row.version}, who)
    return None


def _digest(evidence: Evidence) -> str:
    plain = replace(evidence, documents=(), measured_at=None)
    return inputs_of.evidence_digest(plain)


def preview(runtime: Runtime, received: Received) -> Case:
    """The same decision with nothing stored, spent or logged."""
    intake = understood(runtime, received, keeps=False)
    if intake.data is not None:
        detail = "A preview decides at once, and data take a while to measure. Leave `data` out."
        errors = [{"pointer": "/data", "detail": "not in a preview"}]
        raise Problem("invalid-request", detail, errors=errors)
    return decided(runtime, received, intake)
