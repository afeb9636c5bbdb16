"""GET /v1/audit/export: the whole record as one archive, written while it is read.

Memory does not grow with the record, and only few exports run at a time: each holds one connection
for as long as its reader takes. A record that does not hold ends the answer in the middle.
"""

import threading
from collections.abc import Iterator
from itertools import chain
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Engine

from app.audit.archive import members, snapshot, tar
from app.auth.demands import MayExport
from app.errors import Problem
from app.openapi import problems
from app.runtime import runtime_of
from app.verifier import Broken, NoRecord

router = APIRouter(prefix="/v1/audit", tags=["audit"])

_AT_ONCE: Final = 2
_exports = threading.BoundedSemaphore(_AT_ONCE)


@router.get(
    "/export",
    summary="The whole record as an archive",
    responses={
        200: {"content": {"application/x-tar": {"schema": {"type": "string", "format": "binary"}}}},
        **problems(404, 409),
    },
)
def export(request: Request, _: MayExport) -> Response:
    """A tar that `clearance audit verify` and `verifier.py` check without an account."""
    chunks = _chunks(runtime_of(request).engine)
    try:
        # Started here, the generator will end whatever becomes of the reader.
        first = next(chunks)
    except NoRecord as error:
        raise Problem("entry-not-found", f"There is no record yet: {error}.") from None
    except Broken as error:
        raise Problem("record-broken", f"The record does not hold: {error}.") from None
    headers = {"Content-Disposition": 'attachment; filename="clearance-record.tar"'}
    content = chain([first], chunks)
    return StreamingResponse(content, media_type="application/x-tar", headers=headers)


def _chunks(engine: Engine) -> Iterator[bytes]:
    if not _exports.acquire(blocking=False):
        detail = f"{_AT_ONCE} exports are running; try again when one of them is done."
        raise Problem("export-busy", detail, headers={"Retry-After": "60"})
    try:
        with snapshot(engine) as connection:
            yield from tar(members(connection))
    finally:
        _exports.release()
