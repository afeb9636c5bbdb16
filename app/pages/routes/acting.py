"""What forms do: the same use cases as the API's, judged again when something changed meanwhile."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import Request
from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection

from app.bodies import media_type, read
from app.errors import Problem
from app.ledger.work import Conflict, Work
from app.pages.forms import FormError, fields
from app.runtime import Runtime

_TRIES: Final = 5


async def form(request: Request) -> Mapping[str, str]:
    """The fields of a form that one of our pages sent."""
    if media_type(request) != "application/x-www-form-urlencoded":
        raise Problem("unsupported-media-type", "Pages send forms; use the API for anything else.")
    try:
        return fields(await read(request))
    except FormError as error:
        raise Problem("invalid-request", str(error)) from error


def checked(kind: type[BaseModel], values: Mapping[str, Any]) -> Any:
    """Values of a form as what the use case takes; says in words what is wrong with which field."""
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Problem("invalid-request", f"{where}: {first['msg']}.") from error


async def recorded(runtime: Runtime, prepared: Callable[[Connection], Work | None]) -> None:
    """Commit what a use case prepares; None means that there is nothing to do."""

    def prepare() -> Work | None:
        with runtime.engine.connect() as connection:
            return prepared(connection)

    for _ in range(_TRIES):
        work = await asyncio.to_thread(prepare)
        if work is None:
            return
        try:
            await runtime.ledger.commit(work)
        except Conflict:
            continue
        return
    raise Problem("conflict", "Others changed this at the same time. Look at it again.")
