"""Request bodies: read within a limit, parsed strictly, validated once.

Refuses what JSON parsers tend to let through: duplicate keys, NaN and Infinity, deep nesting, and
bodies that announce one size and send another.
"""

import asyncio
from typing import Any, Final, TypeVar

import jiter
from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import ClientDisconnect

from app.errors import Problem, pointer
from gates.formats.nesting import is_deeper

MAX_DEPTH: Final = 64
SMALL_BODY: Final = 64 * 1024
"""Up to here a body is parsed on the event loop; larger ones go to a thread."""

_MAX_ERRORS: Final = 50


class Strict(BaseModel):
    """The base of everything that comes in: unknown fields and lax types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


ModelT = TypeVar("ModelT", bound=BaseModel)


async def read(request: Request) -> bytes:
    """The raw body, refused as soon as it exceeds the limit, announced or not."""
    limit: int = request.app.state.runtime.settings.max_body_bytes
    announced = request.headers.get("content-length", "0")
    if not announced.isascii() or not announced.isdigit():
        raise Problem("malformed-request", "Content-Length is not a number.")
    if int(announced) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
    except ClientDisconnect as error:
        raise Problem("malformed-request", "The body ended early.") from error
    return b"".join(chunks)


def _too_large(limit: int) -> Problem:
    # The rest of the body is not read, so the connection cannot carry another request.
    detail = f"The body is larger than {limit} bytes. Send fewer measurements or files at once."
    return Problem("payload-too-large", detail, headers={"Connection": "close"})


def json_value(body: bytes) -> Any:
    """The body as JSON values, or a problem that says where it stops being JSON."""
    if not body.strip():
        raise Problem("malformed-json", "The body is empty; send a JSON object.")
    if is_deeper(body, MAX_DEPTH):
        raise Problem("too-deep", f"JSON may nest at most {MAX_DEPTH} levels.")
    try:
        return jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError as error:
        raise Problem("malformed-json", f"The body is not valid JSON: {error}.") from error


def validated(model: type[ModelT], value: object) -> ModelT:
    """The value as `model`, or a problem that points at each field that is wrong."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = [
            {"pointer": pointer(e["loc"]), "detail": e["msg"]}
            for e in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        many = f"{len(found)} fields are" if len(found) > 1 else "One field is"
        detail = f"{many} not valid: {found[0]['pointer'] or '/'}: {found[0]['detail']}."
        raise Problem("invalid-request", detail, errors=found[:_MAX_ERRORS]) from error


async def parsed(request: Request, model: type[ModelT]) -> ModelT:
    """Read, parse and validate the body of a request."""
    require_json(request)
    body = await read(request)
    if len(body) > SMALL_BODY:
        return await asyncio.to_thread(lambda: validated(model, json_value(body)))
    return validated(model, json_value(body))


def media_type(request: Request) -> str:
    """The Content-Type without its parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require_json(request: Request) -> None:
    """Refuse a body that says it is something else; a missing Content-Type is taken as JSON."""
    given = media_type(request)
    if given and given != "application/json" and not given.endswith("+json"):
        raise Problem("unsupported-media-type", "Send application/json.")
