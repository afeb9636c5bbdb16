"""GET /v1/evaluations/{id}: how far an evaluation is; and Evidently's report on its data."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import select

from app.auth.demands import MayReadDecisions
from app.evaluations.data_standing import EvaluationOut, found, not_found
from app.evaluations.data_tables import data_evaluation
from app.evaluations.inputs import content_of
from app.openapi import problems
from app.replies import as_json
from app.runtime import runtime_of

router = APIRouter(prefix="/v1/evaluations", tags=["evaluations"])

EvaluationId = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]

_SANDBOX: Final = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; connect-src 'none'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""The report draws itself with scripts, and holds texts from the data. It runs in an origin of its
own: it has no cookie of ours, cannot call us or anybody else, and cannot be framed."""
_HEADERS: Final = {
    "Content-Security-Policy": _SANDBOX,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@router.get(
    "/{evaluation_id}",
    summary="How far an evaluation is",
    description="`queued`, `running` with the step, `done` with the decision, or `failed` with "
    "the reason; a failed evaluation clears nothing.",
    responses={200: {"model": EvaluationOut}, **problems(404)},
)
def get_evaluation(
    request: Request, who: MayReadDecisions, evaluation_id: EvaluationId
) -> Response:
    """One evaluation as it stands."""
    runtime = runtime_of(request)
    with runtime.engine.connect() as connection:
        return as_json(found(connection, evaluation_id, who, runtime.settings.link_base))


@router.get(
    "/{evaluation_id}/report",
    summary="Evidently's report on the data, with its pictures",
    description="HTML that draws itself with scripts. It is served into a sandbox: an origin of "
    "its own, without the network.",
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}}}},
        **problems(404, 410),
    },
)
def get_report(request: Request, who: MayReadDecisions, evaluation_id: EvaluationId) -> Response:
    """The report, checked against its digest."""
    with runtime_of(request).engine.connect() as connection:
        query = select(data_evaluation.c.model, data_evaluation.c.report)
        row = connection.execute(query.where(data_evaluation.c.id == evaluation_id)).first()
        if row is None or row.report is None or not who.sees(row.model):
            raise not_found()
        content = content_of(connection, row.report)
    return Response(content, headers=_HEADERS, media_type="text/html; charset=utf-8")
