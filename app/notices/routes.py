"""Routes under /v1/subscriptions: whom to tell, what was sent, and sending it again."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response

from app.auth.demands import MaySubscribe
from app.bodies import Strict
from app.idempotency.changing import change
from app.ledger.committing import committed
from app.ledger.work import Work
from app.lists import Cursor, Limit, page
from app.notices import reading, service
from app.notices.schemas import (
    DeliveryPageOut,
    SubscriptionChange,
    SubscriptionIn,
    SubscriptionOut,
    SubscriptionPageOut,
)
from app.openapi import json_body, problems
from app.replies import as_json
from app.runtime import runtime_of

router = APIRouter(prefix="/v1/subscriptions", tags=["subscriptions"])

Id = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]
_REPEATED = {
    "model": SubscriptionOut,
    "description": "The first answer to this key, without the secret.",
}


class Nothing(Strict):
    """The act itself says it all."""


@router.post(
    "",
    status_code=201,
    summary="Tell somebody what happens",
    description="Webhooks are signed by the Standard Webhooks specification; the secret is in "
    "this answer and nowhere else. Private addresses are refused unless the operator allows them.",
    responses={201: {"model": SubscriptionOut}, 200: _REPEATED, **problems(400, 409, 413, 415)},
    openapi_extra=json_body(SubscriptionIn, is_idempotent=True),
)
async def subscribe(request: Request, who: MaySubscribe) -> Response:
    """Subscribe, from the next entry on."""
    settings = runtime_of(request).settings
    return await change(
        request,
        who,
        SubscriptionIn,
        lambda connection, given, now: service.subscribed(connection, settings, given, who, now),
    )


@router.get(
    "",
    summary="List subscriptions, newest first",
    responses={200: {"model": SubscriptionPageOut}, **problems()},
)
def list_subscriptions(
    request: Request, _: MaySubscribe, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """Every subscription, never a secret."""
    with runtime_of(request).engine.connect() as connection:
        rows = reading.subscriptions(connection, cursor=cursor, limit=limit)
    return as_json(
        page(
            rows,
            limit,
            lambda row: service.shown(row._mapping),  # noqa: SLF001 - SQLAlchemy's public name
            lambda row: (row.created_at, row.id),
        )
    )


@router.get(
    "/{name}",
    summary="One subscription",
    responses={200: {"model": SubscriptionOut}, **problems(404)},
)
def get_subscription(request: Request, _: MaySubscribe, name: Id) -> Response:
    """A subscription without its secret."""
    with runtime_of(request).engine.connect() as connection:
        row = service.found(connection, name)
    return as_json(service.shown(row._mapping))  # noqa: SLF001 - SQLAlchemy's public name


@router.patch(
    "/{name}",
    summary="Change a subscription",
    description="With `rotate_secret` the answer holds the new secret, once; for a day the old "
    "one signs as well. `status: active` also brings back one that its receiver had ended.",
    responses={200: {"model": SubscriptionOut}, **problems(400, 404, 409, 413, 415)},
    openapi_extra=json_body(SubscriptionChange),
)
async def change_subscription(request: Request, who: MaySubscribe, name: Id) -> Response:
    """Change name, target, scope or state, or the secret."""
    settings = runtime_of(request).settings
    return await change(
        request,
        who,
        SubscriptionChange,
        lambda connection, given, now: service.changed(connection, settings, name, given, who, now),
        status=200,
    )


@router.delete(
    "/{name}",
    status_code=204,
    summary="End a subscription",
    responses={204: {"description": "Ended; its secret is gone."}, **problems(404, 409)},
)
async def unsubscribe(request: Request, who: MaySubscribe, name: Id) -> Response:
    """Delete; what waits to be sent is dropped."""
    runtime = runtime_of(request)

    def prepared() -> Work:
        with runtime.engine.connect() as connection:
            return service.ended(connection, name, who, runtime.clock())

    await committed(runtime.ledger, prepared, lambda work: work)
    return Response(status_code=204)


@router.get(
    "/{name}/deliveries",
    summary="What was sent, and what came back",
    responses={200: {"model": DeliveryPageOut}, **problems(404)},
)
def list_deliveries(
    request: Request,
    _: MaySubscribe,
    name: Id,
    status: Literal["pending", "delivered", "failed", "dropped"] | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Deliveries with every try, newest first."""
    with runtime_of(request).engine.connect() as connection:
        service.found(connection, name)
        rows = reading.deliveries(connection, name, status=status, cursor=cursor, limit=limit)
        found = page(
            rows,
            limit,
            lambda row: reading.delivery_json(connection, row),
            lambda row: (row.created_at, row.id),
        )
    return as_json(found)


@router.post(
    "/{name}/deliveries/{delivery_id}/replay",
    status_code=202,
    summary="Send a delivery again",
    description="Under its own id, so that the receiver can tell that it is a repetition.",
    responses={
        202: {"model": reading.ReplayedOut},
        200: {"model": reading.ReplayedOut, "description": "The first answer to this key."},
        **problems(400, 404, 409, 413, 415),
    },
    openapi_extra=json_body(Nothing, is_idempotent=True),
)
async def replay_delivery(
    request: Request, who: MaySubscribe, name: Id, delivery_id: Id
) -> Response:
    """Send once more, with the whole schedule ahead."""
    return await change(
        request,
        who,
        Nothing,
        lambda connection, _, now: service.replayed(connection, name, delivery_id, who, now),
        status=202,
    )
