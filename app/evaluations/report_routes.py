"""GET /v1/decisions/{id}/report: the decision for people, as Markdown, HTML or JUnit."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from app.auth.demands import MayReadDecisions
from app.errors import Problem
from app.evaluations import reading
from app.evaluations.decision_routes import DecisionId
from app.openapi import problems
from app.pages import report
from app.runtime import runtime_of

router = APIRouter(prefix="/v1/decisions", tags=["decisions"])

_STRICT: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
_FORMS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "text/markdown": report.markdown,
    "text/html": report.html,
    "application/xml": report.junit,
}


@router.get(
    "/{decision_id}/report",
    summary="The decision for people",
    description="Markdown, or HTML or JUnit XML by `Accept`.",
    responses={
        200: {"content": {kind: {"schema": {"type": "string"}} for kind in _FORMS}},
        **problems(404, 406),
    },
)
def get_report(request: Request, who: MayReadDecisions, decision_id: DecisionId) -> Response:
    """One page that says what was decided, why, and what it rests on."""
    kind = _wanted(request.headers.get("accept", "*/*"))
    runtime = runtime_of(request)
    with runtime.engine.connect() as connection:
        row = reading.found(connection, decision_id, who)
        keys = [runtime.ledger.verifier_key]
        body = reading.shown(connection, row, runtime.clock(), keys)
    text = _FORMS[kind](body)
    headers = {"Content-Security-Policy": _STRICT, "Vary": "Accept"}
    return Response(text, media_type=f"{kind}; charset=utf-8", headers=headers)


def _wanted(accept: str) -> str:
    """The offered form that stands first in the Accept header; browsers name HTML first."""
    for part in accept.lower().split(","):
        kind = part.partition(";")[0].strip()
        if kind in _FORMS:
            return kind
        if kind in ("text/xml", "application/junit+xml"):
            return "application/xml"
        if kind in ("*/*", "text/*", ""):
            return "text/markdown"
    offered = ", ".join(_FORMS)
    raise Problem("not-acceptable", f"Offered are {offered}.")
