"""The log as static files (C2SP tlog-tiles): hashes for anyone, entries for those who may read.

A full tile never changes, so caches may keep it; a partial one for a short while. Nothing here
writes.
"""

import gzip
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import Connection

from app.auth.demands import MayReadLog
from app.errors import Problem
from app.ledger import reading, tile_paths
from app.ledger.reading import NotInLog
from app.ledger.tile_paths import TilePath
from app.openapi import problems, public_problems
from app.runtime import Runtime, runtime_of

router = APIRouter(prefix="/v1/audit/tile", tags=["audit"])

FOR_GOOD: Final = "max-age=31536000, immutable"
FOR_A_WHILE: Final = "max-age=3600"
"""A partial tile of one width never changes either, but nobody needs it once it is full."""

_BYTES: Final[dict[int | str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}
}
Number = Annotated[
    str, Path(description="`005`, `x001/x234/067`, `000.p/17`: C2SP tlog-tiles", max_length=100)
]


@router.get(
    "/entries/{number:path}",
    summary="A bundle of 256 entries, or of the first so many",
    responses={**_BYTES, **problems(404)},
)
def get_bundle(request: Request, _: MayReadLog, number: Number) -> Response:
    """Each entry behind its length, two bytes, big-endian. Entries name models: it needs a key."""
    where = _found(f"entries/{number}")
    runtime = runtime_of(request)
    with runtime.engine.connect() as connection:
        content = _in_log(connection, runtime, where)
    headers = {"Cache-Control": f"private, {_kept(where)}", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        content = gzip.compress(content, 1, mtime=0)
    return Response(content, headers=headers, media_type="application/octet-stream")


@router.get(
    "/{level}/{number:path}",
    summary="A tile of 256 hashes, or of the first so many",
    responses={**_BYTES, **public_problems(404)},
)
def get_tile(
    request: Request,
    level: Annotated[str, Path(description="0 to 63; 0 holds the leaves' hashes", max_length=10)],
    number: Number,
) -> Response:
    """The hashes one after the other, 32 bytes each."""
    where = _found(f"{level}/{number}")
    runtime = runtime_of(request)
    with runtime.engine.connect() as connection:
        content = _in_log(connection, runtime, where)
    headers = {"Cache-Control": f"public, {_kept(where)}"}
    return Response(content, headers=headers, media_type="application/octet-stream")


def _found(path: str) -> TilePath:
    where = tile_paths.parse(path)
    if where is None:
        detail = "A tile is named level/number[.p/width], its number in groups: 0/x001/234.p/17."
        raise Problem("tile-not-found", detail)
    return where


def _in_log(connection: Connection, runtime: Runtime, where: TilePath) -> bytes:
    keys = [runtime.ledger.verifier_key]
    try:
        if where.level is None:
            return reading.bundle(connection, where.number, where.width, keys)
        return reading.tile(connection, where.level, where.number, where.width, keys)
    except NotInLog as error:
        raise Problem("tile-not-found", str(error)) from error


def _kept(where: TilePath) -> str:
    return FOR_GOOD if where.is_full else FOR_A_WHILE
