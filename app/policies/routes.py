"""Routes under /v1/policies: publish, read, lint, approve, try out on the past."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Connection

from app.auth.demands import MayPublishPolicy, MayRead
from app.auth.keys import Principal
from app.bodies import json_value, media_type, parsed, read
from app.errors import Problem, problem_of
from app.ledger.committing import committed
from app.lists import Cursor, Limit
from app.openapi import json_body, problems
from app.policies import service
from app.policies.backtest import as_text, backtested, expected
from app.policies.schemas import (
    BacktestIn,
    BacktestOut,
    LintIn,
    LintOut,
    PolicyOut,
    PolicyPageOut,
    PublishedOut,
    VersionsOut,
)
from app.policies.service import Written
from app.replies import as_json
from app.runtime import runtime_of
from gates.planning import Spread, given, metrics_of, plan
from gates.policy import load
from gates.problems import PolicyError

router = APIRouter(prefix="/v1/policies", tags=["policies"])

PolicyName = Annotated[str, Path(max_length=100, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
Version = Annotated[int, Path(ge=1, le=1_000_000_000)]
Examples = Annotated[
    int | None,
    Query(ge=1, le=1_000_000, description="Examples for each slice: what could they show?"),
]
YAML: Final = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})
MAX_POLICY: Final = 1024 * 1024
MAX_PLANNED: Final = 200
"""Rules that a request may have planned: a plan of one may take a second."""
TOO_MANY: Final = (
    f"more than {MAX_PLANNED} rules: no `plan` here; `clearance policy plan` makes it by itself"
)
_BODIES: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/yaml": {"schema": {"type": "object"}},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}


async def written(request: Request) -> Written:
    """The policy text of a request, whichever of both forms it has."""
    raw = await read(request)
    kind = media_type(request)
    if len(raw) > MAX_POLICY:
        raise Problem("payload-too-large", f"A policy has at most {MAX_POLICY} bytes.")
    if kind == "application/json":
        json_value(raw)
    elif kind not in YAML:
        raise Problem("unsupported-media-type", "Send application/yaml or application/json.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem("invalid-policy", "The policy is not UTF-8 text.") from error
    if "\x00" in text:
        raise Problem("invalid-policy", "The policy contains NUL characters.")
    return Written(text, "application/json" if kind == "application/json" else "application/yaml")


@router.put(
    "/{name}",
    status_code=201,
    summary="Publish a new version",
    description="201 with the new version; 200 where the newest version says the same already. "
    "A version that loosens what it inherits, or the version in force, waits for a second person.",
    responses={
        201: {"model": PublishedOut},
        200: {"model": PublishedOut, "description": "The newest version says the same."},
        **problems(400, 409, 413, 415),
    },
    openapi_extra=_BODIES,
)
async def publish(request: Request, who: MayPublishPolicy, name: PolicyName) -> Response:
    """Publish a policy."""
    given = await written(request)
    runtime = runtime_of(request)

    def prepared() -> Any:
        with runtime.engine.connect() as connection:
            return service.published(connection, name, given, who, runtime.clock())

    same, _, values = await committed(runtime.ledger, prepared, lambda made: made[1])
    if same is not None:
        return as_json(service.published_json(same), 200)
    runtime.policies.forget()
    return as_json(service.published_json(values), 201)


@router.get("", summary="List policies", responses={200: {"model": PolicyPageOut}, **problems()})
def list_policies(
    request: Request, _: MayRead, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """Every policy with the version in force, by name."""
    with runtime_of(request).engine.connect() as connection:
        return as_json(service.listed(connection, cursor, limit))


@router.post(
    "/lint",
    summary="Check a policy without publishing it",
    description='Takes the policy itself as YAML, or `{"policy": …}` as JSON.',
    responses={200: {"model": LintOut}, **problems(400, 413, 415)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/yaml": {"schema": {}},
                **json_body(LintIn)["requestBody"]["content"],
            },
        }
    },
)
async def lint(request: Request, who: MayRead, n: Examples = None) -> Response:
    """Say what is wrong with a draft, and what to know about it."""
    if media_type(request) in YAML:
        asked = LintIn(policy=(await written(request)).text)
    else:
        asked = await parsed(request, LintIn)
    runtime = runtime_of(request)

    def checked() -> dict[str, Any]:
        with runtime.engine.connect() as connection:
            return linted(connection, asked, who, n)

    return as_json(await asyncio.to_thread(checked))


def linted(connection: Connection, asked: LintIn, who: Principal, n: int | None) -> dict[str, Any]:
    """A draft's errors and warnings, what it asks of samples, and what it would have escalated."""
    try:
        policy = load(as_text(asked.policy), service.resolver(connection))
    except PolicyError as error:
        nothing: dict[str, Any] = {"warnings": [], "loosened": [], "plan": [], "expected": None}
        errors = list(problem_of(error).errors)
        return {"valid": False, "digest": None, "errors": errors, **nothing}
    spreads = {name: Spread(item.sd, item.relative) for name, item in asked.spreads.items()}
    try:
        told = given(spreads, asked.about, metrics_of(policy))
    except ValueError as error:
        raise Problem("invalid-request", f"{str(error).capitalize()}.") from None
    share, learned = expected(connection, policy, who)
    is_large = len(policy.rules()) > MAX_PLANNED
    warnings = [*policy.warnings, *([TOO_MANY] if is_large else [])]
    found = [] if is_large else plan(policy, n, told.over(learned))
    return {
        "plan": [asdict(item) for item in found],
        "expected": share,
        "valid": True,
        "digest": policy.digest,
        "errors": [],
        "warnings": warnings,
        "loosened": service.loosened_json(policy),
    }


@router.get(
    "/{name}",
    summary="The version in force",
    description="As JSON, or the text as published with `Accept: application/yaml`.",
    responses={
        200: {"model": PolicyOut, "content": {"application/yaml": {"schema": {"type": "string"}}}},
        **problems(404, 406),
    },
)
def get_policy(request: Request, _: MayRead, name: PolicyName) -> Response:
    """A policy by name."""
    return _shown(request, name, None)


@router.get(
    "/{name}/versions",
    summary="All versions, newest first",
    responses={200: {"model": VersionsOut}, **problems(404)},
)
def list_versions(request: Request, _: MayRead, name: PolicyName) -> Response:
    """The history of a policy."""
    with runtime_of(request).engine.connect() as connection:
        rows = service.versions(connection, name)
    if not rows:
        raise Problem("policy-not-found", "No policy of this name is published here.")
    return as_json({"items": [service.published_json(row) for row in rows], "next": None})


@router.get(
    "/{name}/versions/{version}",
    summary="One version",
    responses={
        200: {"model": PolicyOut, "content": {"application/yaml": {"schema": {"type": "string"}}}},
        **problems(404, 406),
    },
)
def get_version(request: Request, _: MayRead, name: PolicyName, version: Version) -> Response:
    """A policy's version as it was published."""
    return _shown(request, name, version)


def _shown(request: Request, name: str, version: int | None) -> Response:
    with runtime_of(request).engine.connect() as connection:
        row = service.version_of(connection, name, version)
    accepted = request.headers.get("accept", "*/*")
    if "yaml" in accepted:
        return Response(row.source.encode(), media_type="application/yaml")
    if not any(kind in accepted for kind in ("*/*", "application/*", "application/json")):
        raise Problem("not-acceptable", "Offered are application/json and application/yaml.")
    return as_json(service.policy_json(row))


@router.post(
    "/{name}/versions/{version}/approve",
    summary="Put a version that loosens into force",
    responses={200: {"model": PublishedOut}, **problems(404, 409)},
)
async def approve(
    request: Request, who: MayPublishPolicy, name: PolicyName, version: Version
) -> Response:
    """Approve as a second person."""
    runtime = runtime_of(request)

    def row_of() -> Any:
        with runtime.engine.connect() as connection:
            return service.version_of(connection, name, version)

    row = await asyncio.to_thread(row_of)
    await runtime.ledger.commit(service.approved(row, who, runtime.clock()))
    runtime.policies.forget()
    return as_json(service.published_json(await asyncio.to_thread(row_of)))


@router.post(
    "/{name}/backtest",
    summary="Decide the past by a draft",
    responses={200: {"model": BacktestOut}, **problems(400, 413, 415)},
    openapi_extra=json_body(BacktestIn),
)
async def backtest(request: Request, who: MayPublishPolicy, name: PolicyName) -> Response:
    """Which verdicts would change under the draft."""
    given = await parsed(request, BacktestIn)
    runtime = runtime_of(request)

    def tried() -> dict[str, Any]:
        with runtime.engine.connect() as connection:
            draft = load(as_text(given.policy), service.resolver(connection))
            if draft.name != name:
                raise Problem("invalid-policy", f"The draft calls itself {draft.name!r}.")
            return backtested(connection, draft, given.since, who)

    return as_json(await asyncio.to_thread(tried))
