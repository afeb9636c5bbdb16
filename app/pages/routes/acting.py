"""What forms do: the same use cases as the API's, judged again when something changed meanwhile."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from fastapi import Request
from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection

from app.bodies import media_type, read
from app.errors import Problem
from app.idempotency.changing import Change
from app.ledger.committing import PreparedT, committed
from app.ledger.work import Work
from app.pages.forms import FormError, end_of, fields, start_of
from app.runtime import Runtime


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


def listed(text: str) -> list[str]:
    """What stands between the commas of a field."""
    return [part.strip() for part in text.split(",") if part.strip()]


def day_of(sent: Mapping[str, str], name: str, *, at_end: bool = True) -> datetime | None:
    """The day in a field of a form, at its end or its beginning; None where it was left empty."""
    if name not in sent:
        return None
    try:
        return end_of(sent[name]) if at_end else start_of(sent[name])
    except FormError as error:
        raise Problem("invalid-request", str(error)) from error


async def changed(runtime: Runtime, prepared: Callable[[Connection], Change]) -> Change:
    """Commit a change, and give it back for what its answer says."""
    return await committed(runtime.ledger, _connected(runtime, prepared), lambda made: made.work)


async def recorded(runtime: Runtime, prepared: Callable[[Connection], Work | None]) -> None:
    """Commit what a use case prepares; None means that there is nothing to do."""
    await committed(runtime.ledger, _connected(runtime, prepared), lambda work: work)


def _connected(
    runtime: Runtime, prepared: Callable[[Connection], PreparedT]
) -> Callable[[], PreparedT]:
    def prepare() -> PreparedT:
        with runtime.engine.connect() as connection:
            return prepared(connection)

    return prepare
