"""The same decision again: the first answer byte for byte, and the engine's answer recomputed."""

import json
from typing import Any

from fastapi import Response
from sqlalchemy import Connection, Row, select

from app.errors import Problem
from app.evaluations import inputs as inputs_of
from app.evaluations.presentation import decision_json
from app.evaluations.recording import with_audit
from app.evaluations.tables import decision, evaluation
from app.ledger.merkle import inclusion_proof
from app.ledger.reading import NotInLog, entry_by_id
from app.ledger.tables import audit_checkpoint
from app.ledger.tiles import StoredNodes
from app.policies.shelf import Shelf
from gates.decision import Decision, decide
from gates.policy import Policy

_MAX_DIFFERENCES = 100


def first_audit(connection: Connection, entry_id: str) -> dict[str, Any]:
    """An entry's place under the checkpoint that was signed with it: what was answered first."""
    found = entry_by_id(connection, entry_id)
    signed = connection.execute(
        select(audit_checkpoint.c.size, audit_checkpoint.c.note)
        .where(audit_checkpoint.c.size > found.index)
        .order_by(audit_checkpoint.c.size)
        .limit(1)
    ).first()
    if signed is None:
        raise NotInLog(f"No signed checkpoint covers entry {found.index}.")
    proof = inclusion_proof(found.index, signed.size, StoredNodes(connection, signed.size))
    return {
        "index": found.index,
        "leaf": found.leaf.hex(),
        "checkpoint": signed.note,
        "proof": [node.hex() for node in proof],
    }


def kept_answer(connection: Connection, kept: Row[Any]) -> Response:
    """The first answer to an Idempotency-Key."""
    body = kept.answer
    headers = {"Idempotent-Replay": "true"}
    if kept.decision is not None:
        row = connection.execute(select(decision).where(decision.c.id == kept.decision)).one()
        body = with_audit(row.document, first_audit(connection, row.entry))
        headers["Location"] = f"/v1/decisions/{row.id}"
    return Response(body, 200, headers=headers, media_type="application/json")


def replay(connection: Connection, shelf: Shelf, row: Row[Any]) -> dict[str, Any]:
    """Decide again from the recorded inputs and compare with the recorded answer."""
    found = connection.execute(
        select(evaluation.c.inputs).where(evaluation.c.id == row.evaluation)
    ).scalar_one()
    inputs = inputs_of.stored(connection, found)
    made = again(shelf.by_digest(connection, inputs.policy), inputs)
    now = json.loads(json.dumps(decision_json(made)))
    then = json.loads(row.document)
    then = _engine_part(then, now)
    is_own = inputs.engine == made.engine
    different = sorted(differences(then, now) if is_own else changed_values(then, now))
    if made.digest != row.digest:
        different.append(f"digest: {row.digest} is now {made.digest}")
    return {
        "identical": is_own and not different,
        "same_values": not different,
        "engine": {"recorded": inputs.engine, "replayed": made.engine},
        "differences": different[:_MAX_DIFFERENCES],
    }


def again(policy: Policy, inputs: inputs_of.Inputs) -> Decision:
    """The engine's answer to recorded inputs under a policy."""
    return decide(policy, inputs.submission, inputs.history, inputs.waivers, inputs.at)


def _engine_part(then: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """What the engine answered, without what the service added."""
    service = {"id", "status", "evaluation", "policy", "review", "valid_until", "links", "notes"}
    service.add("more_evidence")  # its commands name the decision; its numbers stand in findings
    for name in service:
        now.pop(name, None)
        then.pop(name, None)
    return then


def changed_values(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Where another engine gives other values; its name, and fields only it writes, are none."""
    own = {name: then.get(name) for name in ("engine", "tables")}
    return differences(then, _like(then, {**now, **own}))


def _like(then: object, now: object) -> object:
    """`now` without the fields that `then` does not have."""
    match then, now:
        case dict(), dict():
            return {key: _like(then[key], value) for key, value in now.items() if key in then}
        case list(), list() if len(then) == len(now):
            return [_like(a, b) for a, b in zip(then, now, strict=True)]
        case _:
            return now


def differences(then: object, now: object, where: str = "") -> list[str]:
    """`/gates/0/verdict: "pass" is now "fail"` for each place where two JSON values differ."""
    match then, now:
        case dict(), dict():
            return [
                line
                for key in sorted(then.keys() | now.keys())
                for line in differences(then.get(key), now.get(key), f"{where}/{key}")
            ]
        case list(), list() if len(then) == len(now):
            return [
                line
                for i, (a, b) in enumerate(zip(then, now, strict=True))
                for line in differences(a, b, f"{where}/{i}")
            ]
        case _ if then == now and isinstance(then, bool) == isinstance(now, bool):
            return []
        case _:
            return [f"{where or '/'}: {json.dumps(then)} is now {json.dumps(now)}"]


def require_decision(row: Row[Any] | None) -> Row[Any]:
    """The row, or 404."""
    if row is None:
        raise Problem("decision-not-found", "No decision of this name is visible to you.")
    return row
