"""The log as people read it: entries, the newest checkpoint, and where its outside copy stands."""

import json
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from app.auth.demands import MayReadLog
from app.errors import Problem
from app.ledger import reading
from app.ledger.anchors.keeping import Standing
from app.ledger.reading import NotInLog
from app.pages.routes.page_route import PageRoute, page
from app.runtime import Runtime, runtime_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Before = Annotated[int | None, Query(ge=0, le=2**62)]
_PAGE: Final = 50


@router.get("/record")
def get_record(request: Request, who: MayReadLog, before: Before = None) -> Response:
    """The newest checkpoint and entries."""
    runtime = runtime_of(request)
    with runtime.engine.connect() as connection:
        signed = reading.checkpoint(connection, [runtime.ledger.verifier_key])
    return page(
        request,
        "record.html",
        who,
        here="/record",
        size=signed.checkpoint.size,
        origin=signed.checkpoint.origin,
        note=signed.note,
        anchors=[
            _anchor(held, signed.checkpoint.size, runtime.clock())
            for held in runtime.anchoring.standings()
        ],
        here_url=str(request.base_url).rstrip("/"),
        entries=_entries(runtime, before),
    )


@router.get("/record/part")
def get_part(request: Request, who: MayReadLog, before: Before = None) -> Response:
    """Older entries, for the table to grow."""
    return page(request, "parts/entries.html", who, entries=_entries(runtime_of(request), before))


@router.get("/record/{index}")
def get_entry(
    request: Request, who: MayReadLog, index: Annotated[int, Path(ge=0, le=2**62)]
) -> Response:
    """One entry as it was hashed, with its proof."""
    runtime = runtime_of(request)
    try:
        with runtime.engine.connect() as connection:
            entry = reading.entry(connection, index)
            proven = reading.inclusion(connection, index, [runtime.ledger.verifier_key])
    except NotInLog as error:
        raise Problem("entry-not-found", str(error)) from error
    return page(
        request,
        "entry.html",
        who,
        here="/record",
        entry={**_line(entry), "leaf": entry.leaf.hex()},
        size=proven.signed.checkpoint.size,
        proof=[node.hex() for node in proven.proof],
        text=json.dumps(json.loads(entry.body), indent=2, ensure_ascii=False),
    )


def _entries(runtime: Runtime, before: int | None) -> list[dict[str, Any]]:
    with runtime.engine.connect() as connection:
        return [_line(entry) for entry in reading.newest(connection, before=before, limit=_PAGE)]


def _anchor(held: Standing, size: int, now: datetime) -> dict[str, Any]:
    """How far the outside copy is, and how old."""
    age = None if held.at is None else max(timedelta(0), now - held.at)
    behind = size - (held.size or 0)
    return {"name": held.name, "size": held.size, "at": held.at, "age": age, "behind": behind}


def _line(entry: reading.Entry) -> dict[str, Any]:
    return {
        "index": entry.index,
        "type": entry.type,
        "subject": entry.subject,
        "recorded_at": entry.recorded_at,
    }
