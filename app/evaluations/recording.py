"""A decision as rows, log entries and the answer's bytes: what is committed all or nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Table

from app.attestations.attestor import Attested, Attestor
from app.attestations.statements import Settlement
from app.auth.keys import Principal
from app.database import to_text
from app.evaluations import entries
from app.evaluations import past as pasts
from app.evaluations.inputs import Inputs, blob, digest_of, to_blob
from app.evaluations.intake import Intake, personal
from app.evaluations.past import Past
from app.evaluations.presentation import decision_json, initial_status
from app.evaluations.tables import baseline_use, decision, evaluation, evidence_part, judged, look
from app.idempotency.once import Once
from app.ids import new_id
from app.ledger.tables import evidence_blob
from app.ledger.work import NewEntry, Receipt, Work
from app.models.tables import model
from app.policies.shelf import Active
from app.replies import json_bytes
from app.reviews.clock import clock_of
from app.reviews.tables import review
from app.waivers.tables import decision_waiver
from gates.decision import Decision, ReviewNeed
from gates.evidence import Submission
from gates.history import Look

DECISION_ENTRY: Final = 1
"""`decision.recorded` is the second of a submission's entries."""


@dataclass(frozen=True, slots=True)
class Case:
    """One submission, decided: all that recording it needs."""

    who: Principal
    intake: Intake
    raw: bytes
    active: Active
    past: Past
    inputs: Inputs
    baseline_digest: str | None
    decided: Decision
    at: datetime
    public_url: str
    once: Once | None = None
    evaluation: str | None = None
    """Its id, where the evaluation had one before it was decided."""
    report: str | None = None
    """The digest of the report on its data."""

    @property
    def submission(self) -> Submission:
        """What the engine saw."""
        return self.inputs.submission


@dataclass(frozen=True, slots=True)
class Recorded:
    """The Work to commit, and the answer but for its place in the log."""

    id: str
    work: Work
    document: bytes


def validity_end(decided: Decision, start: datetime, *ends: datetime | None) -> datetime:
    """`valid_days` from the start, and never past a waiver, a document or an approval's end."""
    limits = (decided.valid_until, *ends)
    by_policy = start + timedelta(days=decided.valid_days)
    return min([by_policy, *(end for end in limits if end is not None)])


def review_row(need: ReviewNeed, decision_id: str, model_name: str, at: datetime) -> dict[str, Any]:
    """The review that an escalation opens; it waits for evidence where that could settle it."""
    opens = at + timedelta(hours=need.evidence_first_hours)
    return {
        "id": new_id("rev"),
        "decision": decision_id,
        "model": model_name,
        "status": "awaiting_evidence" if need.evidence_first_hours > 0 else "open",
        "needed": [[role, minimum] for role, minimum in need.needed],
        "due_hours": need.due_hours,
        "expires_hours": need.expires_hours,
        "created_at": at,
        "opens_at": opens,
        "due_at": opens + timedelta(hours=need.due_hours),
        "expires_at": opens + timedelta(hours=need.expires_hours),
        "closed_at": None,
        "revision": 0,
        "ladder": [[hours, role] for hours, role in sorted(need.ladder)],
        "climbed": 0,
        "one_answer_per": need.one_answer_per,
    }


def review_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """A review that nobody has answered yet, as a Decision shows it."""
    return {
        "id": row["id"],
        "status": row["status"],
        "opens_at": to_text(row["opens_at"]),
        "due_at": to_text(row["due_at"]),
        "expires_at": to_text(row["expires_at"]),
        "needed": [{"role": role, "min": least, "have": 0} for role, least in row["needed"]],
    }


def links(public_url: str, decision_id: str) -> dict[str, str]:
    """Where a decision and its views are."""
    here = f"{public_url}/v1/decisions/{decision_id}"
    return {
        "self": here,
        "page": f"{public_url}/decisions/{decision_id}",
        "report": f"{here}/report",
        "attestation": f"{here}/attestation",
        "barrier": f"{here}/barrier",
        "replay": f"{here}/replay",
    }


def _report_link(case: Case) -> dict[str, str]:
    if case.report is None:
        return {}
    return {"data_report": f"{case.public_url}/v1/evaluations/{case.evaluation}/report"}


def recorded(case: Case, attestor: Attestor) -> Recorded:
    """Everything that committing the case writes."""
    decided, candidate = case.decided, case.submission.candidate
    ids = {"decision": new_id("dec"), "entry": new_id("ent")}
    ids["evaluation"] = case.evaluation or new_id("ev")
    status = initial_status(decided)
    end = validity_end(decided, case.at) if status == "passed" else None
    asked: Mapping[str, Any] | None = None
    if status == "pending" and decided.review is not None:
        asked = review_row(decided.review, ids["decision"], candidate.model, case.at)
    shown = decision_json(
        decided,
        id=ids["decision"],
        status=status,
        evaluation=ids["evaluation"],
        policy_version=case.active.version,
        review=review_json(asked) if asked else None,
        valid_until=to_text(end) if end else None,
        notes=list(case.intake.notes),
        links=links(case.public_url, ids["decision"]) | _report_link(case),
    )
    document = json_bytes(shown)
    blobs = [to_blob(case.inputs, decided.evidence), blob(case.raw, digest_of(case.raw))]
    stored = _decision(case, ids, status, end, asked, document)
    attested = None
    if status != "pending":
        evidence = blobs[0]["digest"]
        settled = Settlement(shown, ids["entry"], status, evidence, case.at, end)
        attested = attestor.attest(settled)
    rows: list[tuple[Table, Sequence[Mapping[str, Any]]]] = []
    if case.past.revision is None:
        rows.append((model, [_new_model(case)]))
    rows += [
        (evidence_blob, blobs),
        (evaluation, [_evaluation(case, ids["evaluation"], blobs)]),
        (decision, [stored]),
        *_memory(case, ids["decision"]),
    ]
    if asked:
        rows.append((review, [asked]))
        rows.append(clock_of(asked))
    if attested:
        rows += attested.rows
    if case.once:
        rows.append(case.once.row(case.at, 201, decision=ids["decision"]))
    work = Work(
        entries=_entries(case, stored, asked, blobs, attested),
        rows=rows,
        guard=pasts.unmoved(case.past, candidate, case.submission.stage),
        commutes=case.past.is_own,
    )
    return Recorded(ids["decision"], work, document)


def _decision(
    case: Case,
    ids: Mapping[str, str],
    status: str,
    end: datetime | None,
    asked: Mapping[str, Any] | None,
    document: bytes,
) -> dict[str, Any]:
    decided, candidate = case.decided, case.submission.candidate
    return {
        "id": ids["decision"],
        "evaluation": ids["evaluation"],
        "entry": ids["entry"],
        "model": candidate.model,
        "version": candidate.version,
        "candidate_digest": candidate.digest,
        "stage": case.submission.stage,
        "policy": case.active.name,
        "policy_version": case.active.version,
        "policy_digest": case.active.digest,
        "verdict": str(decided.verdict),
        "status": status,
        "digest": decided.digest,
        "document": document,
        "submitted_by": case.who.id,
        "decided_at": case.at,
        "settled_at": case.at if status in {"passed", "failed"} else None,
        "valid_until": end,
        "deadline": asked["expires_at"] if asked else None,
        "valid_days": decided.valid_days,
        "latest_until": decided.valid_until,
    }


def _entries(
    case: Case,
    stored: Mapping[str, Any],
    asked: Mapping[str, Any] | None,
    blobs: list[Mapping[str, Any]],
    attested: Attested | None,
) -> list[NewEntry]:
    named, _ = personal(case.intake.context)
    digests: dict[str, Any] = {"inputs": blobs[0]["digest"], "raw": blobs[1]["digest"]}
    if case.intake.files:
        # The bytes lie in parts; the list of them, by its digest, says how they make the file.
        digests["files"] = dict(case.intake.files)
    extra = {"engine": case.decided.engine, "attempt": case.decided.attempt}
    signed = attested.as_refs if attested else {}
    found = [
        entries.received(stored, digests, named),
        entries.decided(stored, digests, extra, signed),
        *(attested.entries if attested else ()),
    ]
    return found if asked is None else [*found, entries.opened(stored, asked)]


def _new_model(case: Case) -> dict[str, Any]:
    return {
        "name": case.submission.candidate.model,
        "owner": None,
        "facts": {},
        "revision": 0,
        "created_at": case.at,
        "updated_at": case.at,
    }


def _evaluation(case: Case, name: str, blobs: list[Mapping[str, Any]]) -> dict[str, Any]:
    candidate, evidence = case.submission.candidate, case.submission.evidence
    slices = sorted({(m.metric, m.slice) for m in evidence.measurements if m.slice})
    return {
        "id": name,
        "model": candidate.model,
        "version": candidate.version,
        "digest": candidate.digest,
        "stage": case.submission.stage,
        "inputs": blobs[0]["digest"],
        "raw": blobs[1]["digest"],
        "known_slices": slices,
        "context": case.intake.context,
        "submitted_by": case.who.id,
        "received_at": case.at,
    }


def _memory(case: Case, decision_id: str) -> list[tuple[Table, list[Mapping[str, Any]]]]:
    """What later decisions must know: looks, who was judged, whose evidence this is."""
    candidate, stage = case.submission.candidate, case.submission.stage
    who = {
        "model": candidate.model,
        "version": candidate.version,
        "candidate_digest": candidate.digest or "",
    }
    rows: list[tuple[Table, list[Mapping[str, Any]]]] = []
    known = {(item.hypothesis, item.inputs, item.outcome) for item in case.past.looks}
    taken = [
        _look(item)
        for item in case.decided.looks
        if (item.hypothesis, item.inputs, str(item.outcome)) not in known
    ]
    if taken:
        look_row = {
            **who,
            "decision": decision_id,
            "stage": stage,
            "candidate_digest": candidate.digest,
            "sequence": case.past.look_top + 1,
            "looks": json.dumps(taken),
        }
        rows.append((look, [look_row]))
    if not case.past.is_judged:
        judged_row = {**who, "stage": stage, "dataset": case.past.dataset, "first_at": case.at}
        rows.append((judged, [judged_row]))
    if case.baseline_digest:
        rows.append((baseline_use, [{**who, "baseline": case.baseline_digest}]))
    if case.decided.waivers:
        applied: list[Mapping[str, Any]] = [
            {"decision": decision_id, "waiver": name} for name in case.decided.waivers
        ]
        rows.append((decision_waiver, applied))
    if case.past.parts:
        rows.append((evidence_part, [{**who, "part": part} for part in case.past.parts]))
    return rows


def _look(item: Look) -> tuple[Any, ...]:
    handed = [(part.scope, part.certain, part.shown) for part in item.progress]
    return (item.hypothesis, item.inputs, item.number, str(item.outcome), *handed)


def with_audit(document: bytes, audit: Mapping[str, Any]) -> bytes:
    """A decision's document with its place in the log added at the end."""
    return document[:-1] + b',"audit":' + json_bytes(audit) + b"}"


def audit_json(receipt: Receipt) -> dict[str, Any]:
    """Where the decision stands in the log, with its proof."""
    entry = receipt.entries[DECISION_ENTRY]
    return {
        "index": entry.index,
        "leaf": entry.leaf.hex(),
        "checkpoint": receipt.checkpoint,
        "proof": [node.hex() for node in entry.proof],
    }
