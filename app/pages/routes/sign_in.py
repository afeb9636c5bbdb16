"""The page where people sign in; the signing-in itself is `app.auth`'s."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.auth.paths import local_path
from app.pages.routes.page_route import PageRoute, page
from app.runtime import runtime_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/sign-in")
def get_sign_in(
    request: Request,
    next: Annotated[str, Query(max_length=2000)] = "/",  # noqa: A002 - in the address
) -> Response:
    """The organisation's provider where there is one, and a person's key."""
    provider = runtime_of(request).access.login is not None
    return page(request, "sign_in.html", None, provider=provider, next=local_path(next))
