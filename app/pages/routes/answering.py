"""The forms of a decision's page: answer, ask people now, open an example."""

import asyncio
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, Row

from app.auth.demands import MayOpenReview, MayReadDecisions, MaySignOff
from app.auth.principal import Principal
from app.errors import Problem
from app.evaluations import reading
from app.evaluations.standing import DECISIONS
from app.evaluations.tables import decision
from app.ids import new_id
from app.ledger.work import NewEntry, Work
from app.pages.comparing import changes
from app.pages.reading import release_name
from app.pages.routes.acting import checked, day_of, form, recorded
from app.pages.routes.page_route import HEADERS, PageRoute, go, page
from app.reviews.opening import opened
from app.reviews.reading import review_of
from app.reviews.schemas import SignOffIn
from app.reviews.service import answered
from app.runtime import Runtime, runtime_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

DecisionId = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]
_STALE: Final = ("review-closed", "stale-decision")
_TOLD: Final = {"approve": "approved", "reject": "rejected", "request_changes": "requested"}


@router.post("/decisions/{decision_id}/answer")
async def answer(request: Request, who: MaySignOff, decision_id: DecisionId) -> Response:
    """Approve, reject or ask for changes, bound to the decision that the page showed."""
    sent = await form(request)
    given = checked(SignOffIn, _answer(sent))
    runtime = runtime_of(request)

    def prepared(connection: Connection) -> Work:
        review = _review(connection, decision_id, who)
        return answered(connection, review.id, given, who, runtime.clock(), runtime.attestor).work

    try:
        await recorded(runtime, prepared)
    except Problem as problem:
        moved = await asyncio.to_thread(_moved, runtime, decision_id, who)
        if problem.slug not in _STALE or moved is None:
            raise
        words = {"detail": problem.detail, **moved}
        return page(request, "stale.html", who, code=problem.status, here="/decisions", **words)
    return go(f"/decisions/{decision_id}", _TOLD[given.answer])


def _moved(runtime: Runtime, decision_id: str, who: Principal) -> dict[str, Any] | None:
    """The newest decision in place of one that was answered too late, and what it changed."""
    now = runtime.clock()
    with runtime.engine.connect() as connection:
        row = reading.found(connection, decision_id, who)
        newer = connection.execute(
            DECISIONS.where(
                decision.c.model == row.model,
                decision.c.version == row.version,
                decision.c.stage == row.stage,
                decision.c.policy == row.policy,
                decision.c.decided_at > row.decided_at,
            )
            .order_by(decision.c.decided_at.desc(), decision.c.id.desc())
            .limit(1)
        ).first()
        if newer is None:
            return None
        after = reading.standing_of(connection, newer, now)
        before = reading.standing_of(connection, row, now)
    return {"newer": after, "release": release_name(after), "changes": changes(after, before)}


def _answer(sent: Any) -> dict[str, Any]:
    return {
        "answer": sent.get("answer"),
        "role": sent.get("role"),
        "comment": sent.get("comment"),
        "decision_digest": sent.get("digest"),
        "until": day_of(sent, "until") if sent.get("answer") == "approve" else None,
    }


def _review(connection: Connection, decision_id: str, who: Principal) -> Row[Any]:
    row = reading.found(connection, decision_id, who)
    asked = review_of(connection, row.id)
    if asked is None:
        raise Problem("no-review", "This decision asks nothing of people.")
    return asked


@router.post("/decisions/{decision_id}/ask")
async def ask(request: Request, who: MayOpenReview, decision_id: DecisionId) -> Response:
    """Ask people now instead of waiting for more examples."""
    runtime = runtime_of(request)

    def prepared(connection: Connection) -> Work | None:
        row = reading.found(connection, decision_id, who)
        return opened(connection, row, who, runtime.clock())[1]

    await recorded(runtime, prepared)
    return go(f"/decisions/{decision_id}", "asked")


@router.get("/decisions/{decision_id}/examples/{example:path}")
async def open_example(
    request: Request,
    who: MayReadDecisions,
    decision_id: DecisionId,
    example: Annotated[str, Path(min_length=1, max_length=500)],
) -> Response:
    """Note who opens which example, then lead to where the customer keeps it."""
    runtime = runtime_of(request)
    where = runtime.settings.examples_url
    if where is None:
        raise Problem("not-found", "Where examples are kept is not configured here.")

    def prepared(connection: Connection) -> Work:
        row = reading.found(connection, decision_id, who)
        return Work(entries=[_opened(row, example, who, runtime)])

    await recorded(runtime, prepared)
    with runtime.engine.connect() as connection:
        row = reading.found(connection, decision_id, who)
    filled = where.format_map(
        {
            "model": quote(row.model, safe=""),
            "version": quote(row.version, safe=""),
            "id": quote(example, safe=""),
        }
    )
    return RedirectResponse(filled, 303, headers={**HEADERS, "Referrer-Policy": "no-referrer"})


def _opened(row: Row[Any], example: str, who: Principal, runtime: Runtime) -> NewEntry:
    return NewEntry(
        id=new_id("ent"),
        type="evidence.opened",
        at=runtime.clock(),
        actor=who.id,
        subject=row.id,
        refs={"evaluation": row.evaluation},
        private={"example": example},
    )
