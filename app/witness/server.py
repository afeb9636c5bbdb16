"""The witness over HTTP: `POST /add-checkpoint`, `GET /checkpoint`, `GET /healthz`, nothing more.

No account: a checkpoint's own signature is what is checked, as the protocol has it.
"""

import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.ledger.add_checkpoint import MAX_BODY
from app.witness.deciding import Reply, Witness
from app.witness.memory import MemoryDamaged

log = logging.getLogger("clearance.witness")


def make_app(witness: Witness) -> Starlette:
    """The ASGI application of a witness."""

    async def add(request: Request) -> Response:
        body = await _limited(request)
        if body is None:
            return _response(Reply(413, f"a request has at most {MAX_BODY} bytes\n"))
        return _response(await run_in_threadpool(_answered, lambda: witness.add_checkpoint(body)))

    async def last(request: Request) -> Response:
        origin = request.query_params.get("origin")
        return _response(await run_in_threadpool(_answered, lambda: witness.last(origin)))

    async def health(_: Request) -> Response:
        return _response(Reply(200, "ok\n"))

    routes: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
        ("POST", "/add-checkpoint", add),
        ("GET", "/checkpoint", last),
        ("GET", "/healthz", health),
    ]
    return Starlette(routes=[Route(path, made, methods=[verb]) for verb, path, made in routes])


def _answered(ask: Callable[[], Reply]) -> Reply:
    """A disk that fails is our fault and never a reason to cosign."""
    try:
        return ask()
    except (MemoryDamaged, OSError) as error:
        log.critical("nothing is cosigned: %s", error)
        return Reply(500, "the witness cannot keep checkpoints now\n")


async def _limited(request: Request) -> bytes | None:
    parts: list[bytes] = []
    left = MAX_BODY
    async for chunk in request.stream():
        left -= len(chunk)
        if left < 0:
            return None
        parts.append(chunk)
    return b"".join(parts)


def _response(reply: Reply) -> Response:
    headers = {"Cache-Control": "no-store"}
    response = Response(reply.body, reply.status, headers=headers)
    # Starlette would add a charset to every text type; the protocol names one type exactly.
    response.headers["Content-Type"] = reply.media_type
    return response
