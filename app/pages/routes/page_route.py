"""Answers of pages: HTML with a strict policy of content, problems in words, sign-in where needed.

Nothing that a stranger typed can run: no inline script or style, no framing, no foreign form.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from markupsafe import Markup
from starlette.exceptions import HTTPException

from app.auth import csrf
from app.auth.demands import SIGN_IN
from app.auth.principal import Principal
from app.auth.roles import Permission
from app.errors import TITLES, Problem, problem_of
from app.ledger.work import Conflict, LedgerUnavailable
from app.pages.markup import rendered
from app.runtime import runtime_of

_STRICT: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": _STRICT,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation."""

    path: str
    title: str
    needs: Permission = Permission.READ


PLACES: Final = (
    Place("/", "Waiting"),
    Place("/decisions", "Decisions"),
    Place("/models", "Models"),
    Place("/policies", "Policies"),
    Place("/waivers", "Waivers"),
    Place("/documents", "Documents"),
    Place("/record", "Record"),
    Place("/notices", "Notices", Permission.SUBSCRIBE),
    Place("/keys", "Keys", Permission.MANAGE_KEYS),
)


def page(
    request: Request, template: str, who: Principal | None, *, code: int = 200, **context: Any
) -> Response:
    """A template as an answer; `here` is the navigation's current place."""
    told = request.query_params.get("told", "")
    context.setdefault("here", request.url.path)
    context.setdefault("told", _TOLD.get(told, ""))
    text = rendered(template, reader=reader(request, who), **context)
    headers = {**HEADERS, "Cache-Control": "no-store"}
    return Response(text, code, headers=headers, media_type="text/html; charset=utf-8")


def reader(request: Request, who: Principal | None) -> dict[str, Any] | None:
    """Who reads the page, and where they may go."""
    if who is None:
        return None
    return {
        "name": who.name,
        "roles": ", ".join(who.roles),
        "places": [place for place in PLACES if place.needs in who.permissions],
        "key": who.key,
        "csrf": _token(request, who),
        "signs_out": who.via == "session",
    }


def _token(request: Request, who: Principal) -> Markup:
    """The hidden field by which a form proves that one of our pages made it."""
    cookie = request.cookies.get(runtime_of(request).access.sessions.cookie_name)
    if cookie is None or who.via != "session":
        return Markup()
    return Markup('<input type="hidden" name="{}" value="{}">').format(
        csrf.FIELD, csrf.token_of(cookie)
    )


def go(path: str, told: str = "") -> Response:
    """After a form: look at what became of it. `told` names a sentence of ours."""
    return RedirectResponse(f"{path}?told={told}" if told else path, 303, headers=HEADERS)


_TOLD: Final = {
    "signed-out": "You are signed out.",
    "approved": "Your approval is recorded.",
    "rejected": "Your rejection is recorded.",
    "requested": "Your request for changes is recorded.",
    "asked": "People are asked now.",
    "commented": "Your comment is recorded.",
    "delegated": "The review is delegated.",
    "deferred": "The review is deferred.",
    "revoked": "The decision is revoked.",
    "registered": "The document is registered.",
    "waiver-requested": "The waiver is requested; a second person has to approve it.",
    "waiver-approved": "The waiver is approved.",
    "waiver-revoked": "The waiver is revoked.",
    "policy-approved": "The version is in force.",
    "key-revoked": "The key is revoked.",
    "subscribed": "They are told from now on.",
    "unsubscribed": "The subscription is deleted.",
    "paused": "Nothing is sent until you resume it.",
    "resumed": "It is active again.",
    "replayed": "It is sent again now.",
    "glass-broken": "The glass is broken: it passes for at most a day, and is judged afterwards.",
    "judged": "Your word on it is recorded.",
}


_EXPECTED: Final = (
    Problem,
    HTTPException,
    Conflict,
    LedgerUnavailable,
    RequestValidationError,
)


class PageRoute(APIRoute):
    """Problems become pages; who is not signed in is asked to sign in, and comes back."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with our answers to what can go wrong."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except _EXPECTED as error:
                return refused(request, problem_of(error))

        return answer


def for_browser(request: Request, problem: Problem) -> Response | None:
    """The same for everything else that a browser may navigate to, such as a wrong address."""
    is_api = request.url.path.startswith("/v1/")
    wants = "text/html" in request.headers.get("accept", "")
    return refused(request, problem) if wants and not is_api else None


def refused(request: Request, problem: Problem) -> Response:
    """A problem as a page; who is not signed in goes where one signs in."""
    signs_in = request.url.path.startswith("/login")
    if problem.status == 401 and not signs_in:
        back = request.url.path if request.method in csrf.SAFE else "/"
        query = f"?{request.url.query}" if request.url.query and back != "/" else ""
        where = f"{SIGN_IN}?next={quote(back + query, safe='')}"
        return RedirectResponse(where, 303, headers=HEADERS)
    who = getattr(request.state, "principal", None)
    after = (SIGN_IN, "Back to the sign-in") if signs_in else ("/", "Back to what waits")
    words = _words(problem)
    answer = page(request, "problem.html", who, code=problem.status, problem=words, back=after)
    for name in ("Retry-After", "Allow"):
        if name in problem.headers:
            answer.headers[name] = problem.headers[name]
    return answer


def _words(problem: Problem) -> dict[str, str]:
    title = TITLES.get(problem.slug, (problem.status, "This cannot be used"))[1]
    detail = problem.detail
    if problem.slug == "not-found" and detail.startswith("No such path"):
        detail = "Nothing is at this address. It may be mistyped, or of another version."
    tone = "idle" if problem.status in {404, 410} else "bad"
    return {"title": title, "detail": detail, "tone": tone}
