"""POST /v1/datasets: data that an evaluation names by digest and a worker measures.

Kept as large files are: in parts, under the digest of their bytes, and removed some time after
they were last used. The record keeps their digests, never the data.
"""

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from app.auth.demands import MaySubmit
from app.blobs.routes import taken_in
from app.blobs.sending import Sending
from app.bodies import media_type
from app.errors import Problem
from app.openapi import problems
from app.replies import json_bytes
from app.runtime import runtime_of

router = APIRouter(prefix="/v1/datasets", tags=["evaluations"])

TYPES: Final = {
    "application/vnd.apache.parquet": "parquet",
    "text/csv": "csv",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/octet-stream": None,
}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in TYPES},
    }
}


class DatasetOut(BaseModel):
    """A data set that evaluations can name."""

    digest: str = Field(description="What `data.reference` and `data.current` take")
    size: int = Field(description="Bytes")


@router.post(
    "",
    status_code=201,
    summary="Send a data set",
    description="Parquet, CSV with a header, or JSON Lines, streamed. An evaluation names two of "
    "them in `data`. Sending one again does no harm. It can be named for a while after it was last "
    "used; the record keeps its digest, not the data.",
    responses={
        201: {"model": DatasetOut, "description": "The data set is here."},
        200: {"model": DatasetOut, "description": "It was here already."},
        **problems(400, 413, 415),
    },
    openapi_extra=_BODY,
)
async def add(request: Request, who: MaySubmit) -> Response:
    """Take a data set in."""
    if media_type(request) not in TYPES:
        detail = f"Send one of {', '.join(TYPES)} as Content-Type."
        raise Problem("unsupported-media-type", detail)
    sending = Sending(runtime_of(request), None, who.id)
    sending, is_new = await taken_in(request, sending)
    body = json_bytes({"digest": sending.digest, "size": sending.size})
    return Response(body, 201 if is_new else 200, media_type="application/json")
