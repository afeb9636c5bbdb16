"""Models, and each version's way through the stages."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from app.auth.demands import MayRead
from app.models import reading
from app.pages.routes.page_route import PageRoute, page
from app.runtime import runtime_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

ModelName = Annotated[str, Path(max_length=200, pattern=r"^[^\x00-\x1f\x7f/]+$")]
After = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
_PAGE: Final = 100
_VERSIONS: Final = 15
_ORDER: Final = (
    "data_readiness",
    "baseline",
    "evaluation",
    "limited_release",
    "broad_rollout",
    "monitoring",
)


@router.get("/models")
def list_models(request: Request, who: MayRead, after: After = None) -> Response:
    """Models by name."""
    with runtime_of(request).engine.connect() as connection:
        found = reading.listed(connection, who, after, _PAGE)
    return page(request, "models.html", who, items=found["items"], more=found["next"])


@router.get("/models/{name}")
def get_model(request: Request, who: MayRead, name: ModelName) -> Response:
    """One model with its newest versions."""
    runtime = runtime_of(request)
    now = runtime.clock()
    snapshot = runtime.policies.refreshed()
    with runtime.engine.connect() as connection:
        shown = reading.shown(connection, name, who, now)
        found = [
            reading.version(connection, snapshot, name, version, who, now)
            for version in reading.versions(connection, name, _VERSIONS)
        ]
    stages = {item["stage"] for version in found for item in version["stages"]}
    return page(
        request,
        "model.html",
        who,
        here="/models",
        model=shown,
        versions=[_way(version) for version in found],
        stages=sorted(stages, key=lambda s: (_ORDER.index(s) if s in _ORDER else len(_ORDER), s)),
    )


def _way(version: dict[str, Any]) -> dict[str, Any]:
    """One version: what holds at each stage, else its newest decision there."""
    newest: dict[str, dict[str, Any]] = {}
    for decided in reversed(version["decisions"]):
        newest[decided["stage"]] = decided
    stages = {
        held["stage"]: {
            "id": held["decision"] or newest[held["stage"]]["id"],
            "status": held["status"] if held["decision"] else newest[held["stage"]]["status"],
            "cleared": held["cleared"],
            "glass": held["through_glass"],
            "valid_until": held["valid_until"],
        }
        for held in version["stages"]
        if held["decision"] or held["stage"] in newest
    }
    return {"name": version["version"], "stages": stages}
