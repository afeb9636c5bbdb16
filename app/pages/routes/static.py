"""Style, scripts and icon, from the package itself: pages work without any other network."""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request, Response

from app.pages.markup import own_markup

router = APIRouter(include_in_schema=False)

_FILES: Final = {
    "clearance.css": "text/css",
    "clearance.js": "text/javascript",
    "htmx.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_STORED: Final = {"htmx.js": "htmx-2.0.11.min.js"}


@router.get("/static/{name}")
def get_static(request: Request, name: str) -> Response:
    """One of our own files; anything else is not found."""
    if name not in _FILES:
        return Response(status_code=404)
    content, tag = _content(name)
    headers = {
        "ETag": tag,
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=_FILES[name])


@cache
def _content(name: str) -> tuple[bytes, str]:
    content = files("app.pages").joinpath("static", _STORED.get(name, name)).read_bytes()
    if name == "clearance.css":
        # Reports carry the same rules inside themselves.
        content = str(own_markup("report.css")).encode() + content
    return content, f'"{sha256(content).hexdigest()[:20]}"'
