"""Policies in words: what each asks, its versions, and what changed between them."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Row

from app.auth.demands import MayPublishPolicy, MayRead
from app.auth.roles import Permission
from app.pages.policy_words import facts, gates
from app.pages.routes.page_route import PageRoute, go, page
from app.policies import service
from app.policies.difference import differences
from app.runtime import Runtime, runtime_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PolicyName = Annotated[str, Path(max_length=100, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Version = Annotated[int, Path(ge=1, le=1_000_000_000)]
_PAGE: Final = 200


@router.get("/policies")
def list_policies(request: Request, who: MayRead) -> Response:
    """Every policy with the version in force."""
    with runtime_of(request).engine.connect() as connection:
        found = service.listed(connection, None, _PAGE)["items"]
    return page(request, "policies.html", who, items=found)


@router.get("/policies/{name}")
def get_policy(
    request: Request,
    who: MayRead,
    name: PolicyName,
    version: Annotated[int | None, Query(ge=1, le=1_000_000_000)] = None,
) -> Response:
    """One version in words, and what it changed."""
    with runtime_of(request).engine.connect() as connection:
        versions = service.versions(connection, name)
        row = service.version_of(
            connection, name, version or (versions[0].version if versions else None)
        )
    earlier = next((item for item in versions if item.version < row.version), None)
    active = next((item.version for item in versions if item.is_approved), None)
    return page(
        request,
        "policy.html",
        who,
        here="/policies",
        name=name,
        version=service.published_json(row),
        active=active,
        facts=facts(row.document),
        gates=gates(row.document),
        difference=differences(earlier.document, row.document) if earlier else None,
        earlier=earlier.version if earlier else None,
        versions=[service.published_json(item) for item in versions],
        source=row.source,
        may_approve=_may_approve(who, row),
    )


def _may_approve(who: Any, row: Row[Any]) -> bool:
    return (
        Permission.PUBLISH_POLICY in who.permissions
        and who.is_person
        and who.id != row.published_by
        and not row.is_approved
    )


@router.post("/policies/{name}/versions/{version}/approve")
async def approve(
    request: Request, who: MayPublishPolicy, name: PolicyName, version: Version
) -> Response:
    """Put a version that loosens into force, as a second person."""
    runtime = runtime_of(request)
    row = await asyncio.to_thread(_version, runtime, name, version)
    await runtime.ledger.commit(service.approved(row, who, runtime.clock()))
    runtime.policies.forget()
    return go(f"/policies/{name}", "policy-approved")


def _version(runtime: Runtime, name: str, version: int) -> Row[Any]:
    with runtime.engine.connect() as connection:
        return service.version_of(connection, name, version)
