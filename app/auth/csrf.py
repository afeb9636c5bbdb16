"""That a change was asked for by our own pages: a token that only they can know, and the origin.

Another site can make a browser send its cookie, but can neither read this token nor choose the
`Origin` and `Sec-Fetch-Site` headers.
"""

import base64
import hashlib
import hmac
from typing import Final
from urllib.parse import parse_qs, urlsplit

from fastapi import Request

from app.bodies import media_type
from app.errors import Problem
from app.settings import Settings

HEADER: Final = "X-CSRF-Token"
FIELD: Final = "csrf_token"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_FORM: Final = 64 * 1024


def token_of(cookie: str) -> str:
    """The token that belongs to a session: derived from its cookie, so that nothing is stored."""
    made = hmac.new(cookie.encode(), b"clearance csrf", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


async def check(request: Request, cookie: str, settings: Settings) -> None:
    """Refuse an unsafe request that our own page did not make."""
    if request.method in SAFE:
        return
    refuse_other_sites(request, settings)
    given = request.headers.get(HEADER) or await _field(request)
    if not hmac.compare_digest(given.encode(), token_of(cookie).encode()):
        detail = f"Send the session's token in {HEADER} or the form's field {FIELD}; reload the "
        raise Problem("forbidden", f"{detail}page if it is an old one.")


def refuse_other_sites(request: Request, settings: Settings) -> None:
    """403 where the browser says that another site asked."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site in {"cross-site", "same-site"} or (origin is not None and not _ours(request, settings)):
        raise Problem("forbidden", "Another site asked for this; it is refused.")


def _ours(request: Request, settings: Settings) -> bool:
    parts = urlsplit(request.headers["origin"])
    own = urlsplit(settings.public_url).netloc if settings.public_url else ""
    return bool(parts.netloc) and parts.netloc in {own, request.headers.get("host", "")}


async def _field(request: Request) -> str:
    """The form's field. The body stays readable for the route."""
    if media_type(request) != "application/x-www-form-urlencoded":
        return ""
    announced = request.headers.get("content-length", "")
    if not (announced.isascii() and announced.isdigit() and int(announced) <= _MAX_FORM):
        return ""
    body = await request.body()
    found = parse_qs(body.decode("utf-8", "replace"), max_num_fields=100).get(FIELD, [""])
    return found[0]
