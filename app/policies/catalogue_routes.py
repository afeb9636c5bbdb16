"""What policies and submissions can be made of: packs, metrics, formats, the policy's schema."""

from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel

from app.auth.demands import MayRead
from app.errors import Problem
from app.openapi import problems
from app.policies import packs
from app.replies import as_json
from gates.formats import names as format_names
from gates.header import Header
from gates.metrics import CATALOGUE
from gates.rules.base import Rule
from gates.rules.registry import KINDS
from gates.rules.threshold import Threshold

router = APIRouter(prefix="/v1", tags=["catalogue"])

PackName = Annotated[str, Path(max_length=120, pattern=r"^[a-z0-9][a-z0-9-]*(@[0-9]{1,9})?$")]


class PackOut(BaseModel):
    """A built-in policy."""

    name: str
    source: str | None = None


class PacksOut(BaseModel):
    """The built-in policies."""

    items: list[PackOut]
    next: str | None


class MetricOut(BaseModel):
    """One metric of the catalogue."""

    id: str
    title: str
    meaning: str
    family: str
    kind: str
    direction: str
    unit: str | None
    range: list[float | None] | None
    synonyms: list[str]


class MetricsOut(BaseModel):
    """The metric catalogue."""

    items: list[MetricOut]
    next: str | None


class FormatOut(BaseModel):
    """A result format that is understood."""

    name: str
    title: str
    recognised_by: str


class FormatsOut(BaseModel):
    """The result formats."""

    items: list[FormatOut]
    next: str | None


@router.get(
    "/packs", summary="Built-in policies", responses={200: {"model": PacksOut}, **problems()}
)
async def list_packs(_: MayRead) -> Response:
    """Names of the packs, with versions."""
    return as_json({"items": [{"name": name} for name in packs.names()], "next": None})


@router.get(
    "/packs/{name}",
    summary="One built-in policy",
    responses={200: {"model": PackOut}, **problems(404)},
)
async def get_pack(_: MayRead, name: PackName) -> Response:
    """The YAML of a pack; the newest version where none is named."""
    source = packs.text(name)
    if source is None:
        raise Problem("policy-not-found", f"There is no pack {name}.")
    return as_json({"name": name, "source": source})


@router.get(
    "/metrics", summary="The metric catalogue", responses={200: {"model": MetricsOut}, **problems()}
)
async def list_metrics(_: MayRead) -> Response:
    """Every metric with its direction, unit and other names."""
    return as_json({"items": _metrics(), "next": None})


@cache
def _metrics() -> list[dict[str, Any]]:
    return [
        {
            "id": metric.id,
            "title": metric.title,
            "meaning": metric.meaning,
            "family": metric.family,
            "kind": metric.kind,
            "direction": metric.direction,
            "unit": metric.unit,
            "range": _bounds(metric.value_range),
            "synonyms": list(metric.synonyms),
        }
        for metric in CATALOGUE
    ]


def _bounds(given: tuple[float, float] | None) -> list[float | None] | None:
    """JSON has no infinity: an open side is null."""
    if given is None:
        return None
    return [side if abs(side) != float("inf") else None for side in given]


@router.get(
    "/formats", summary="Result formats", responses={200: {"model": FormatsOut}, **problems()}
)
async def list_formats(_: MayRead) -> Response:
    """Which result files are understood, and how they are recognised."""
    items = [
        {"name": name, "title": title, "recognised_by": how} for name, title, how in format_names()
    ]
    return as_json({"items": items, "next": None})


@router.get(
    "/schemas/policy.json",
    summary="JSON Schema of a policy",
    description="For editors; the service checks more than a schema can say.",
    responses={200: {"description": "A JSON Schema, draft 2020-12."}, **problems()},
)
async def policy_schema(_: MayRead, request: Request) -> Response:
    """The shape of a policy before `extends`."""
    del request
    return as_json(_policy_schema())


@cache
def _policy_schema() -> dict[str, Any]:
    schema = Header.model_json_schema()
    definitions: dict[str, Any] = schema.setdefault("$defs", {})
    names = []
    kinds: list[type[Rule]] = [Threshold, *KINDS.values()]
    for kind in kinds:
        rule = kind.model_json_schema(ref_template="#/$defs/{model}")
        definitions.update(rule.pop("$defs", {}))
        # The id has a default that is made from the other fields.
        rule["required"] = [name for name in rule.get("required", []) if name != "id"]
        definitions[kind.__name__] = rule
        names.append({"$ref": f"#/$defs/{kind.__name__}"})
    rules = {"type": "array", "minItems": 1, "items": {"anyOf": names}}
    schema["properties"]["gates"] = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": rules,
    }
    schema["required"] = [*schema.get("required", []), "gates"]
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Clearance policy"
    return schema
