"""Routes under /v1/reviews: what waits for people, and their answers."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from app.auth.demands import MayOpenReview, MayRead, MaySignOff
from app.errors import Problem
from app.evaluations.reading import visible
from app.idempotency.changing import change
from app.lists import Cursor, Limit, page
from app.openapi import json_body, problems
from app.replies import as_json
from app.reviews import remarks
from app.reviews.answers import CommentOut, ReviewOut, ReviewPageOut, SignOffResultOut
from app.reviews.reading import by_id, listed, shown
from app.reviews.schemas import CommentIn, DeferralIn, DelegationIn, SignOffIn
from app.reviews.service import answered
from app.reviews.tables import review
from app.runtime import runtime_of

router = APIRouter(prefix="/v1/reviews", tags=["reviews"])

ReviewId = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]
Status = Literal[
    "awaiting_evidence", "open", "approved", "rejected", "expired", "cancelled", "superseded"
]
Role = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
_REVIEW = {"model": ReviewOut, "description": "The first answer to this key."}


@router.get(
    "",
    summary="List reviews, newest first",
    responses={200: {"model": ReviewPageOut}, **problems()},
)
def list_reviews(
    request: Request,
    who: MayRead,
    status: Status | None = None,
    role: Role = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Reviews; `role` picks those that ask for that role or for anyone."""
    runtime = runtime_of(request)
    now = runtime.clock()
    with runtime.engine.connect() as connection:
        seen = None if "*" in who.models else visible(connection, review.c.model, who)
        rows = listed(
            connection, now, status=status, role=role, cursor=cursor, limit=limit, visible=seen
        )
        found = page(
            rows,
            limit,
            lambda row: shown(connection, row, now),
            lambda row: (row.created_at, row.id),
        )
    return as_json(found)


@router.get(
    "/{review_id}",
    summary="One review with its answers",
    responses={200: {"model": ReviewOut}, **problems(404)},
)
def get_review(request: Request, who: MayRead, review_id: ReviewId) -> Response:
    """What is asked, of whom, and what was answered."""
    runtime = runtime_of(request)
    with runtime.engine.connect() as connection:
        row = by_id(connection, review_id, who)
        if row is None:
            raise Problem("review-not-found", "No review of this name is visible to you.")
        return as_json(shown(connection, row, runtime.clock()))


@router.post(
    "/{review_id}/sign-offs",
    status_code=201,
    summary="Answer a review",
    description="Binds a person to the decision with this digest. One rejection closes the "
    "review; the last approval that is needed makes the decision `passed`, valid from then.",
    responses={
        201: {"model": SignOffResultOut},
        200: {"model": SignOffResultOut, "description": "The first answer to this key."},
        **problems(400, 404, 409, 413, 415),
    },
    openapi_extra=json_body(SignOffIn, is_idempotent=True),
)
async def sign_off(request: Request, who: MaySignOff, review_id: ReviewId) -> Response:
    """Approve, reject, or ask for changes."""
    attestor = runtime_of(request).attestor
    return await change(
        request,
        who,
        SignOffIn,
        lambda connection, given, now: answered(connection, review_id, given, who, now, attestor),
    )


@router.post(
    "/{review_id}/delegate",
    status_code=201,
    summary="Give your answer to another person for a while",
    description="They answer in your place and on your record; they cannot pass it on, and you "
    "cannot answer yourself until then.",
    responses={201: {"model": ReviewOut}, 200: _REVIEW, **problems(400, 404, 409, 413, 415)},
    openapi_extra=json_body(DelegationIn, is_idempotent=True),
)
async def delegate(request: Request, who: MaySignOff, review_id: ReviewId) -> Response:
    """Delegate."""
    return await change(
        request,
        who,
        DelegationIn,
        lambda connection, given, now: remarks.delegated(connection, review_id, given, who, now),
    )


@router.post(
    "/{review_id}/defer",
    status_code=201,
    summary="Do not approve before a time",
    description="Until then an approval is refused; the deadline stays where it is.",
    responses={201: {"model": ReviewOut}, 200: _REVIEW, **problems(400, 404, 409, 413, 415)},
    openapi_extra=json_body(DeferralIn, is_idempotent=True),
)
async def defer(request: Request, who: MaySignOff, review_id: ReviewId) -> Response:
    """Defer."""
    return await change(
        request,
        who,
        DeferralIn,
        lambda connection, given, now: remarks.deferred(connection, review_id, given, who, now),
    )


@router.post(
    "/{review_id}/comments",
    status_code=201,
    summary="Write a remark beside a review",
    responses={
        201: {"model": CommentOut},
        200: {"model": CommentOut, "description": "The first answer to this key."},
        **problems(400, 404, 409, 413, 415),
    },
    openapi_extra=json_body(CommentIn, is_idempotent=True),
)
async def comment(request: Request, who: MayOpenReview, review_id: ReviewId) -> Response:
    """Comment; it decides nothing."""
    return await change(
        request,
        who,
        CommentIn,
        lambda connection, given, now: remarks.commented(connection, review_id, given, who, now),
    )
