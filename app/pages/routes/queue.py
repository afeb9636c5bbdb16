"""The queue: what waits for the reader, by deadline, and what waits for others."""

import json
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import ColumnElement

from app.auth.demands import MayRead
from app.auth.principal import Principal
from app.auth.roles import Permission
from app.database import to_text
from app.evaluations.reading import visible
from app.glass import service as glass
from app.glass.tables import break_glass
from app.pages.asking import Card, by_deadline, card
from app.pages.routes.page_route import PageRoute, page
from app.reviews.reading import listed, shown
from app.reviews.tables import review
from app.runtime import Runtime, runtime_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_MOST = 200


@router.get("/")
def get_queue(request: Request, who: MayRead) -> Response:
    """Everything that waits for people."""
    return page(request, "queue.html", who, **_queue(runtime_of(request), who))


@router.get("/queue")
def get_queue_part(request: Request, who: MayRead) -> Response:
    """The same without the frame, for the page to refresh itself."""
    return page(request, "parts/queue.html", who, **_queue(runtime_of(request), who))


def _queue(runtime: Runtime, who: Principal) -> dict[str, Any]:
    now = runtime.clock()
    cards = by_deadline(_cards(runtime, who, now))
    return {
        "glass": _glass(runtime, who, now),
        "mine": [item for item in cards if item.is_mine],
        "others": [item for item in cards if not item.is_mine and not item.is_waiting_for_evidence],
        "evidence": [item for item in cards if item.is_waiting_for_evidence],
        "stakes": sorted(who.stakes),
    }


def _glass(runtime: Runtime, who: Principal, now: datetime) -> list[dict[str, Any]]:
    """Uses of the glass that nobody has judged yet."""
    with runtime.engine.connect() as connection:
        seen = None if "*" in who.models else visible(connection, break_glass.c.model, who)
        rows = glass.listed(
            connection, is_open=True, decision_id=None, cursor=None, limit=_MOST, visible=seen
        )
    may_judge = Permission.SIGN_OFF in who.permissions and who.is_person
    return [
        {**glass.shown(row, now), "may_judge": may_judge and row.person != who.id} for row in rows
    ]


def _cards(runtime: Runtime, who: Principal, now: datetime) -> list[Card]:
    found = []
    with runtime.engine.connect() as connection:
        seen: ColumnElement[bool] | None = None
        if "*" not in who.models:
            seen = visible(connection, review.c.model, who)
        for status in ("open", "awaiting_evidence"):
            rows = listed(
                connection, now, status=status, role=None, cursor=None, limit=_MOST, visible=seen
            )
            for row in rows[:_MOST]:
                shape = shown(connection, row, now)
                document = {**json.loads(row.document), "status": "pending"}
                mine = who.stakes_at(row.model)
                found.append(card(shape, document, mine, who.name, to_text(now)))
    return found
