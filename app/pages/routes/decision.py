"""One decision: what is asked of the reader first, then why, on what evidence, and its record."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Connection, Row, select

from app.auth.demands import MayReadDecisions
from app.auth.principal import Principal
from app.auth.roles import Permission
from app.errors import Problem
from app.evaluations import inputs as inputs_of
from app.evaluations import reading
from app.evaluations.intake import personal
from app.evaluations.reading import Wanted, standing_of, summary_of
from app.evaluations.standing import DECISIONS, passes_by_glass_alone, status_at
from app.evaluations.tables import decision, evaluation
from app.integrations.mlflow.ringing import is_held_up
from app.lists import Cursor, cursor_after
from app.pages import report
from app.pages.asking import question
from app.pages.comparing import beside_baseline, changes
from app.pages.failing import failing
from app.pages.resting import documents, measured
from app.pages.routes.page_route import PageRoute, page
from app.reviews.barring import roles_for
from app.reviews.reading import answers, review_of, shown
from app.runtime import Runtime, runtime_of
from app.waivers import reading as waivers

router = APIRouter(route_class=PageRoute, include_in_schema=False)

DecisionId = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]
_PAGE: Final = 50
_ATTEMPTS: Final = 20


@router.get("/decisions")
def list_decisions(
    request: Request,
    who: MayReadDecisions,
    cursor: Cursor = None,
    status: Annotated[str, Query(max_length=20)] = "",
    model: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Decisions, newest first; a part of the table where the page asks for more."""
    runtime = runtime_of(request)
    now = runtime.clock()
    wanted = Wanted(model=model or None, status=status or None, cursor=cursor)
    with runtime.engine.connect() as connection:
        rows = reading.listed(connection, wanted, who, _PAGE, now)
    more = rows[_PAGE - 1] if len(rows) > _PAGE else None
    template = "parts/decisions.html" if cursor else "decisions.html"
    return page(
        request,
        template,
        who,
        here="/decisions",
        items=[
            {**summary_of(row, now), "glass": passes_by_glass_alone(row, now)}
            for row in rows[:_PAGE]
        ],
        more=cursor_after(more.decided_at, more.id) if more else None,
        status=status,
        model=model,
    )


@router.get("/decisions/{decision_id}")
def get_decision(request: Request, who: MayReadDecisions, decision_id: DecisionId) -> Response:
    """The decision as it stands now."""
    runtime = runtime_of(request)
    now = runtime.clock()
    with runtime.engine.connect() as connection:
        row = reading.found(connection, decision_id, who)
        asked = review_of(connection, row.id)
        review = shown(connection, asked, now) if asked is not None else None
        body = reading.shown(connection, row, now, [runtime.ledger.verifier_key], review)
        context = {
            "page": report.context(body),
            "decision": body,
            "ask": _ask(connection, asked, review, body, who, now) if asked and review else None,
            "baseline": beside_baseline(body),
            **_before(connection, row, body, now),
            "attempts": _attempts(connection, row, now),
            **_evidence(connection, row, body),
            "waived": _waived(connection, body, who, now),
            "proof": _proof(runtime, body),
            "registry_is_held_up": is_held_up(connection, row.model),
            "acts": _acts(body, who),
            "examples_at": runtime.settings.examples_url,
            "tomorrow": (now + timedelta(days=1)).date().isoformat(),
        }
    return page(request, "decision.html", who, here="/decisions", **context)


def _ask(
    connection: Connection,
    asked: Row[Any],
    review: Mapping[str, Any],
    body: Mapping[str, Any],
    who: Principal,
    now: datetime,
) -> dict[str, Any]:
    """What is asked, and what this reader may do about it."""
    roles, barred = roles_for(connection, asked, who, now, answers(connection, asked.id))
    return {
        "review": review,
        "question": question(body),
        "stakes": roles,
        "barred": barred,
        "may_answer": review["status"] == "open" and bool(roles),
        "may_open": review["status"] == "awaiting_evidence",
        "may_comment": Permission.OPEN_REVIEW in who.permissions,
        "to_settle": _to_settle(body),
    }


def _acts(body: Mapping[str, Any], who: Principal) -> dict[str, bool]:
    """What this reader may do to a decision as it stands."""
    status = body["status"]
    return {
        "may_revoke": Permission.REVOKE in who.permissions and status in {"passed", "pending"},
        "may_break": Permission.BREAK_GLASS in who.permissions
        and who.is_person
        and status in {"failed", "pending", "expired"},
    }


def _to_settle(body: Mapping[str, Any]) -> list[tuple[str, int]]:
    """(rule, examples in all) for each open finding that more examples would settle."""
    return [
        (str(finding["rule"]), int(finding["to_settle"]["samples"]))
        for gate in body["gates"]
        for finding in gate["findings"]
        if finding["effect"] == "escalate" and (finding.get("to_settle") or {}).get("samples")
    ]


def _before(
    connection: Connection, row: Row[Any], body: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """The newest earlier decision about another version at this stage under this policy."""
    earlier = connection.execute(
        DECISIONS.where(
            decision.c.model == row.model,
            decision.c.stage == row.stage,
            decision.c.policy == row.policy,
            decision.c.version != row.version,
            decision.c.decided_at < row.decided_at,
        )
        .order_by(decision.c.decided_at.desc(), decision.c.id.desc())
        .limit(1)
    ).first()
    if earlier is None:
        return {"before": None, "changes": []}
    before = standing_of(connection, earlier, now)
    return {"before": before, "changes": changes(body, before)}


def _attempts(connection: Connection, row: Row[Any], now: datetime) -> list[dict[str, Any]]:
    """All decisions about this version at this stage, newest first."""
    rows = connection.execute(
        DECISIONS.where(
            decision.c.model == row.model,
            decision.c.version == row.version,
            decision.c.stage == row.stage,
        )
        .order_by(decision.c.decided_at.desc(), decision.c.id.desc())
        .limit(_ATTEMPTS)
    ).all()
    return [
        {
            "id": item.id,
            "policy": item.policy,
            "status": status_at(item, now),
            "glass": passes_by_glass_alone(item, now),
            "attempt": json.loads(item.document).get("attempt"),
            "decided_at": item.decided_at,
            "is_this": item.id == row.id,
        }
        for item in rows
    ]


def _evidence(connection: Connection, row: Row[Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """What came in and who vouches for it, the examples that fell short, where the run is seen."""
    found = connection.execute(
        select(evaluation.c.inputs, evaluation.c.context).where(evaluation.c.id == row.evaluation)
    ).one()
    run_url = str(found.context.get("run_url") or "")
    makers, _ = personal(found.context)
    common = {
        "run_url": run_url if run_url.startswith(("https://", "http://")) else "",
        "commit": found.context.get("commit", ""),
        "makers": sorted(set(makers.values())),
    }
    try:
        inputs = inputs_of.stored(connection, found.inputs)
    except Problem as problem:
        return {**common, "failing": [], "erased": problem.detail}
    evidence = inputs.submission.evidence
    return {
        **common,
        "failing": failing(evidence.measurements, body),
        "erased": "",
        "measured": measured(evidence),
        "measured_in_all": len(evidence.measurements),
        "documents": documents((*evidence.documents, *inputs.history.documents)),
    }


def _waived(
    connection: Connection, body: Mapping[str, Any], who: Principal, now: datetime
) -> list[dict[str, Any]]:
    """The waivers that the decision applied, as they stand now."""
    rows = [waivers.by_id(connection, name) for name in body.get("waivers") or ()]
    return [
        waivers.shown(connection, row, now)
        for row in rows
        if row is not None and Permission.READ in who.permissions
    ]


def _proof(runtime: Runtime, body: Mapping[str, Any]) -> dict[str, Any]:
    """The log's size, and whether each outside copy holds the decision's entry."""
    audit = body["audit"]
    return {
        "size": int(audit["checkpoint"].split("\n")[1]),
        "anchors": [
            {
                "name": held.name,
                "at": held.at,
                "problem": held.problem,
                "holds": (held.size or 0) > audit["index"],
            }
            for held in runtime.anchoring.standings()
        ],
    }
