"""Routes under /v1/models: owner and facts of a model, and which version stands where."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection, Row, select, update

from app.auth.demands import MayRead, MayRegisterModel
from app.auth.keys import Principal
from app.bodies import Strict, parsed
from app.evaluations.schemas import Name
from app.ids import new_id
from app.ledger.committing import committed
from app.ledger.work import Conflict, NewEntry, Work
from app.lists import Limit
from app.models import reading
from app.models.tables import model
from app.openapi import json_body, problems
from app.replies import as_json
from app.runtime import Runtime, runtime_of

router = APIRouter(prefix="/v1/models", tags=["models"])

Fact = str | int | float | bool | list[str] | None
ModelName = Annotated[str, Path(max_length=200, pattern=r"^[^\x00-\x1f\x7f/]+$")]


class ModelIn(Strict):
    """What people state about a model; `when` in policies reads `facts`."""

    owner: Name | None = None
    facts: Annotated[dict[Name, Fact], Field(max_length=100)] = Field(default_factory=dict)


class DecisionRefOut(BaseModel):
    """A decision about a version."""

    id: str
    version: str
    digest: str | None
    stage: str
    policy: str
    verdict: str
    status: str
    decided_at: datetime


class ModelOut(BaseModel):
    """A model with its newest decisions."""

    name: str
    owner: str | None
    facts: dict[str, Any]
    updated_at: datetime
    decisions: list[DecisionRefOut]


class ModelLineOut(BaseModel):
    """One model of the list."""

    name: str
    owner: str | None
    updated_at: datetime


class ModelPageOut(BaseModel):
    """Models by name."""

    items: list[ModelLineOut]
    next: str | None


class StandingOut(BaseModel):
    """Where a version stands at one stage."""

    stage: str
    cleared: bool
    status: str
    reason: str
    through_glass: bool = Field(description="Cleared only because somebody broke the glass")
    decision: str | None
    valid_until: datetime | None


class ModelVersionOut(BaseModel):
    """A version with the stages at which it was judged."""

    model: str
    version: str
    stages: list[StandingOut]
    decisions: list[DecisionRefOut]


@router.get("", summary="List models", responses={200: {"model": ModelPageOut}, **problems()})
def list_models(
    request: Request,
    who: MayRead,
    cursor: Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")] = None,
    limit: Limit = 50,
) -> Response:
    """Models by name."""
    with runtime_of(request).engine.connect() as connection:
        return as_json(reading.listed(connection, who, cursor, limit))


@router.get("/{name}", summary="One model", responses={200: {"model": ModelOut}, **problems(404)})
def get_model(request: Request, who: MayRead, name: ModelName) -> Response:
    """Owner, facts and newest decisions of a model."""
    return as_json(_shown(runtime_of(request), name, who))


def _shown(runtime: Runtime, name: str, who: Principal) -> dict[str, Any]:
    with runtime.engine.connect() as connection:
        return reading.shown(connection, name, who, runtime.clock())


@router.get(
    "/{name}/versions/{version}",
    summary="Where a version stands",
    responses={200: {"model": ModelVersionOut}, **problems(404)},
)
def get_version(request: Request, who: MayRead, name: ModelName, version: ModelName) -> Response:
    """Each stage at which the version was judged, with its clearance."""
    runtime = runtime_of(request)
    snapshot = runtime.policies.refreshed()
    with runtime.engine.connect() as connection:
        found = reading.version(connection, snapshot, name, version, who, runtime.clock())
    return as_json(found)


@router.put(
    "/{name}",
    summary="Register a model's owner and facts",
    description="Replaces what was registered. Decisions read these facts, never the pipeline's.",
    responses={200: {"model": ModelOut}, **problems(400, 409, 413, 415)},
    openapi_extra=json_body(ModelIn),
)
async def put_model(request: Request, who: MayRegisterModel, name: ModelName) -> Response:
    """State who owns a model and what is known about it."""
    given = await parsed(request, ModelIn)
    who.need(name)
    runtime = runtime_of(request)

    def prepared() -> Work:
        with runtime.engine.connect() as connection:
            known = connection.execute(select(model).where(model.c.name == name)).first()
        return _registration(known, name, given, who, runtime.clock())

    await committed(runtime.ledger, prepared, lambda work: work)
    return as_json(await asyncio.to_thread(_shown, runtime, name, who))


def _registration(
    known: Row[Any] | None, name: str, given: ModelIn, who: Principal, now: datetime
) -> Work:
    entry = NewEntry(
        id=new_id("ent"),
        type="model.registered",
        at=now,
        actor=who.id,
        subject=name,
        data={"facts": {key: _plain(value) for key, value in given.facts.items()}},
        private={"owner": given.owner} if given.owner else {},
    )
    values = {"owner": given.owner, "facts": given.facts, "updated_at": now}
    if known is None:
        row = {**values, "name": name, "revision": 1, "created_at": now}
        return Work(entries=[entry], rows=[(model, [row])], guard=lambda c: _absent(c, name))

    def change(connection: Connection) -> None:
        changed = connection.execute(
            update(model)
            .where(model.c.name == name, model.c.revision == known.revision)
            .values(**values, revision=known.revision + 1)
        ).rowcount
        if changed != 1:
            raise Conflict("conflict", "The model changed at the same time.")

    return Work(entries=[entry], apply=change)


def _absent(connection: Connection, name: str) -> None:
    """The table ignores a second insert of one name; a registration must not be ignored."""
    if connection.execute(select(model.c.name).where(model.c.name == name)).first():
        raise Conflict("conflict", "The model was registered at the same time.")


def _plain(value: Fact) -> Any:
    """Numbers stand in the log as decimal strings."""
    return str(value) if isinstance(value, float) else value
