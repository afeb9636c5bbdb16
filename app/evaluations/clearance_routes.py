"""GET /v1/clearance: may this version stand at this stage right now?"""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection, select

from app.auth.demands import MayReadDecisions
from app.database import to_text
from app.evaluations.answers import ClearanceOut
from app.evaluations.schemas import Digest, Name, Stage
from app.evaluations.standing import Clearance, clearance
from app.evaluations.tables import decision
from app.openapi import by_verdict
from app.replies import as_json
from app.runtime import runtime_of

Enforce = Annotated[bool, Query(description="Answer 403 when not cleared.")]
router = APIRouter(prefix="/v1/clearance", tags=["decisions"])


@router.get(
    "",
    summary="Whether a version is cleared for a stage",
    description="Always 200 (403 with `enforce=true` when not cleared). An unknown model is not "
    "cleared.",
    responses={200: {"model": ClearanceOut}, **by_verdict(ClearanceOut, 403)},
)
def get_clearance(
    request: Request,
    who: MayReadDecisions,
    model: Name,
    version: Name,
    stage: Stage,
    digest: Digest | None = None,
    enforce: Enforce = False,  # noqa: FBT002 - FastAPI passes query parameters by name
) -> Response:
    """The newest settled decision of every policy that applies."""
    runtime = runtime_of(request)
    snapshot = runtime.policies.refreshed()
    with runtime.engine.connect() as connection:
        held = (
            clearance(
                connection,
                snapshot,
                model=model,
                version=version,
                digest=digest,
                stage=stage,
                now=runtime.clock(),
            )
            if who.sees(model)
            else Clearance(False, "this key is not for that model", "none")
        )
        body = {
            "cleared": held.is_cleared,
            "decision": held.decision,
            "status": held.status,
            "reason": held.reason,
            "valid_until": to_text(held.valid_until) if held.valid_until else None,
            "grants": grants(connection, held),
        }
    return as_json(body, 403 if enforce and not held.is_cleared else 200)


def grants(connection: Connection, held: Clearance) -> dict[str, object]:
    """What the clearance allows; nothing without one."""
    if not held.is_cleared or held.decision is None:
        return {}
    found = connection.execute(
        select(decision.c.document).where(decision.c.id == held.decision)
    ).scalar_one()
    allowed: dict[str, object] = json.loads(found)["grants"]
    return allowed
