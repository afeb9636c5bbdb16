"""Notices, for admins: who is told of what, making and ending a subscription, what was sent."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import Connection

from app.auth.demands import MaySubscribe
from app.auth.principal import Principal
from app.idempotency.changing import Change
from app.jobs.standing import standing
from app.ledger.work import Work
from app.lists import Cursor, cursor_after
from app.notices import reading, service
from app.notices.schemas import SubscriptionChange, SubscriptionIn
from app.pages.routes.acting import changed, checked, form, listed, recorded
from app.pages.routes.page_route import PageRoute, go, page
from app.runtime import runtime_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Id = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]
_MOST: Final = 200
_PAGE: Final = 25
_LISTS: Final = ("types", "models")


@router.get("/notices")
def list_notices(request: Request, who: MaySubscribe) -> Response:
    """Every subscription, and a form for one more."""
    return _listed(request, who)


def _listed(request: Request, who: Principal, made: Mapping[str, Any] | None = None) -> Response:
    runtime = runtime_of(request)
    with runtime.engine.connect() as connection:
        rows = reading.subscriptions(connection, cursor=None, limit=_MOST)[:_MOST]
        jobs = standing(connection, runtime.clock())["jobs"]
    return page(
        request,
        "notices.html",
        who,
        here="/notices",
        items=[service.shown(row._mapping) for row in rows],  # noqa: SLF001 - SQLAlchemy's public name
        made=made,
        jobs=jobs,
        mails=runtime.settings.smtp_url is not None,
    )


@router.post("/notices")
async def subscribe(request: Request, who: MaySubscribe) -> Response:
    """Tell somebody from now on; a webhook's secret stands in this answer and nowhere else."""
    given = checked(SubscriptionIn, _values(await form(request)))
    runtime = runtime_of(request)
    made = await changed(
        runtime,
        lambda connection: service.subscribed(
            connection, runtime.settings, given, who, runtime.clock()
        ),
    )
    if made.body["secret"] is None:
        return go("/notices", "subscribed")
    return _listed(request, who, made.body)


def _values(sent: Mapping[str, str]) -> dict[str, Any]:
    """The fields of the form; lists are written with commas."""
    plain = ("name", "kind", "target", "format")
    values: dict[str, Any] = {name: sent[name] for name in plain if name in sent}
    for name in _LISTS:
        if name in sent:
            values[name] = listed(sent[name])
    return values


@router.get("/notices/{name}")
def get_notice(request: Request, who: MaySubscribe, name: Id, cursor: Cursor = None) -> Response:
    """One subscription and what was sent to it; older rows only where the page asks for them."""
    return _one(request, who, name, cursor)


def _one(
    request: Request,
    who: Principal,
    name: str,
    cursor: str | None = None,
    made: Mapping[str, Any] | None = None,
) -> Response:
    with runtime_of(request).engine.connect() as connection:
        row = service.found(connection, name)
        rows = reading.deliveries(connection, name, status=None, cursor=cursor, limit=_PAGE)
        sent = [reading.delivery_json(connection, item) for item in rows[:_PAGE]]
    more = rows[_PAGE - 1] if len(rows) > _PAGE else None
    return page(
        request,
        "parts/deliveries.html" if cursor else "notice.html",
        who,
        here="/notices",
        item=service.shown(row._mapping),  # noqa: SLF001 - SQLAlchemy's public name
        sent=sent,
        more=cursor_after(more.created_at, more.id) if more else None,
        made=made,
    )


async def _changed(request: Request, who: Principal, name: str, **given: Any) -> Change:
    """The change that one of the forms without fields stands for."""
    await form(request)
    runtime, wanted = runtime_of(request), SubscriptionChange(**given)
    return await changed(
        runtime,
        lambda connection: service.changed(
            connection, runtime.settings, name, wanted, who, runtime.clock()
        ),
    )


@router.post("/notices/{name}/pause")
async def pause(request: Request, who: MaySubscribe, name: Id) -> Response:
    """Send nothing until it is resumed."""
    await _changed(request, who, name, status="paused")
    return go(f"/notices/{name}", "paused")


@router.post("/notices/{name}/resume")
async def resume(request: Request, who: MaySubscribe, name: Id) -> Response:
    """Send again, also what a receiver's 410 had ended."""
    await _changed(request, who, name, status="active")
    return go(f"/notices/{name}", "resumed")


@router.post("/notices/{name}/rotate")
async def rotate(request: Request, who: MaySubscribe, name: Id) -> Response:
    """A new secret, in this answer and nowhere else; the old one signs too for a day."""
    made = await _changed(request, who, name, rotate_secret=True)
    return _one(request, who, name, made=made.body)


@router.post("/notices/{name}/delete")
async def delete(request: Request, who: MaySubscribe, name: Id) -> Response:
    """End it; what waits to be sent is dropped."""
    await form(request)
    runtime = runtime_of(request)

    def prepared(connection: Connection) -> Work:
        return service.ended(connection, name, who, runtime.clock())

    await recorded(runtime, prepared)
    return go("/notices", "unsubscribed")


@router.post("/notices/{name}/deliveries/{delivery_id}/replay")
async def replay(request: Request, who: MaySubscribe, name: Id, delivery_id: Id) -> Response:
    """Send one thing once more, under its own id."""
    await form(request)
    runtime = runtime_of(request)
    await changed(
        runtime,
        lambda connection: service.replayed(connection, name, delivery_id, who, runtime.clock()),
    )
    return go(f"/notices/{name}", "replayed")
