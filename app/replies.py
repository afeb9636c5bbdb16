"""Answers as JSON bytes: serialised once, with nothing that JSON cannot say."""

import json
from typing import Any

from fastapi import Response


def json_bytes(value: Any) -> bytes:
    """Compact UTF-8 JSON; a NaN in our own answer would be a fault, so it raises."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def as_json(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(json_bytes(value), status, media_type="application/json")
