"""A POST that changes something: read once, judged against what stands, recorded, answered once.

What moved meanwhile is judged again. The answer is kept with the change, for whoever repeats it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel
from sqlalchemy import Connection

from app.auth.keys import Principal
from app.bodies import json_value, read, require_json, validated
from app.idempotency.once import once, replayed
from app.ledger.committing import committed
from app.ledger.work import Work
from app.replies import as_json, json_bytes
from app.runtime import runtime_of

ShapeT = TypeVar("ShapeT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written, and the answer once it is."""

    work: Work
    body: dict[str, Any]
    kept: dict[str, Any] | None = None
    """What a repetition gets, where that is less: a secret is answered once and never stored."""


async def change(
    request: Request,
    who: Principal,
    shape: type[ShapeT],
    prepare: Callable[[Connection, ShapeT, datetime], Change],
    *,
    status: int = 201,
) -> Response:
    """Answer with what `prepare` made of the body; it runs again when its Work met a Conflict."""
    require_json(request)
    raw = await read(request)
    kept = once(request, who, raw)
    runtime = runtime_of(request)

    def prepared() -> Change | Response:
        now = runtime.clock()
        with runtime.engine.connect() as connection:
            if kept is not None and (first := kept.found(connection)) is not None:
                return replayed(first)
            given = validated(shape, json_value(raw) if raw.strip() else {})
            made = prepare(connection, given, now)
        if kept is None:
            return made
        row = kept.row(now, status, body=json_bytes(made.body if made.kept is None else made.kept))
        return replace(made, work=replace(made.work, rows=[*made.work.rows, row]))

    ready = await committed(
        runtime.ledger, prepared, lambda made: made.work if isinstance(made, Change) else None
    )
    return ready if isinstance(ready, Response) else as_json(ready.body, status)
