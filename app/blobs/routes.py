"""PUT /v1/blobs/sha256:<hex>: result files that are too large for the body of an evaluation."""

import asyncio
import re
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from app.auth.demands import MaySubmit
from app.blobs.sending import Sending
from app.errors import Problem
from app.openapi import problems
from app.replies import json_bytes
from app.runtime import runtime_of

router = APIRouter(prefix="/v1/blobs", tags=["evaluations"])

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_AT_ONCE = 256 * 1024
Digest = Annotated[str, Path(description="`sha256:` and the hexadecimal digest of the bytes")]


class BlobOut(BaseModel):
    """A file that evaluations can name."""

    digest: str = Field(description="What `results[].blob` takes")
    size: int = Field(description="Bytes")


@router.put(
    "/{digest}",
    status_code=201,
    summary="Send a large result file",
    description="The bytes as they are, streamed. An evaluation names them with "
    '`results: [{"name": …, "blob": "sha256:…"}]`. Sending them again does no harm. They can '
    "be named for a while; what an evaluation used stays in its evidence.",
    responses={
        201: {"model": BlobOut, "description": "The file is here."},
        200: {"model": BlobOut, "description": "It was here already."},
        **problems(400, 413),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def put(digest: Digest, request: Request, who: MaySubmit) -> Response:
    """Take a file in."""
    if _DIGEST.fullmatch(digest) is None:
        where = [{"pointer": "/digest", "detail": "not sha256: and 64 hexadecimal digits"}]
        detail = "A file is named by sha256: and 64 hexadecimal digits in lower case."
        raise Problem("invalid-request", detail, errors=where)
    sending, is_new = await taken_in(request, Sending(runtime_of(request), digest, who.id))
    body = json_bytes({"digest": digest, "size": sending.size})
    return Response(body, 201 if is_new else 200, media_type="application/json")


async def taken_in(request: Request, sending: Sending) -> tuple[Sending, bool]:
    """The body as it comes, kept under its digest; whether it is new here."""
    await asyncio.to_thread(sending.start)
    is_kept = False
    try:
        waiting = bytearray()
        async for chunk in request.stream():
            waiting += chunk
            if len(waiting) >= _AT_ONCE:
                await asyncio.to_thread(sending.add, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(sending.add, bytes(waiting))
        is_new = await asyncio.to_thread(sending.finished)
        is_kept = True
    except ClientDisconnect as error:
        raise Problem("malformed-request", "The file ended early. Send it again.") from error
    finally:
        if not is_kept:
            await asyncio.shield(asyncio.to_thread(sending.dropped))
    return sending, is_new
