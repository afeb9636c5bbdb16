"""Problem types (RFC 9457) and the one mapping from what can go wrong to an HTTP answer.

An answer names the problem by a stable slug and tells a person what to do; it never carries a
stack trace, SQL or a secret.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from app.ledger.tiles import LogInconsistent
from app.ledger.work import Conflict, LedgerUnavailable
from gates.evidence import ImpossibleEvidence
from gates.formats import FormatError
from gates.problems import PolicyError

log = logging.getLogger("clearance")

PROBLEM_JSON: Final = "application/problem+json"

TITLES: Final[Mapping[str, tuple[int, str]]] = {
    "malformed-request": (400, "The request could not be read"),
    "unauthenticated": (401, "A valid key, token or session is needed"),
    "hook-refused": (401, "The webhook is not believed"),
    "unknown-event": (422, "This event is not known here"),
    "sign-in-refused": (403, "The sign-in did not work out"),
    "forbidden": (403, "You may not do that"),
    "not-found": (404, "There is nothing here"),
    "attestation-not-found": (404, "There is no such attestation"),
    "decision-not-found": (404, "No such decision"),
    "document-not-found": (404, "No such document"),
    "entry-not-found": (404, "No such log entry"),
    "key-not-found": (404, "No such key"),
    "model-not-found": (404, "No such model"),
    "policy-not-found": (404, "No such policy"),
    "waiver-not-found": (404, "No such waiver"),
    "break-glass-not-found": (404, "The glass was not broken"),
    "subscription-not-found": (404, "No such subscription"),
    "delivery-not-found": (404, "No such delivery"),
    "review-not-found": (404, "No such review"),
    "tile-not-found": (404, "No such tile of the log"),
    "method-not-allowed": (405, "This method is not offered here"),
    "not-acceptable": (406, "None of the accepted formats is offered"),
    "conflict": (409, "Something else changed at the same time"),
    "idempotency-key-reused": (409, "This Idempotency-Key came with another body"),
    "stale-decision": (409, "The decision is not the one that was answered"),
    "already-answered": (409, "This person has answered already"),
    "already-approved": (409, "This is approved already"),
    "already-revoked": (409, "This is revoked already"),
    "not-revocable": (409, "There is nothing to revoke"),
    "not-settled": (409, "The decision is not settled"),
    "no-review": (409, "This decision asks nothing of people"),
    "waiver-closed": (409, "The waiver is closed"),
    "not-waivable": (422, "The rule cannot be waived"),
    "bad-signature": (422, "The signature does not hold"),
    "not-active": (409, "The subscription is not active"),
    "not-configured": (422, "The operator has not set this up"),
    "not-breakable": (409, "There is no glass to break"),
    "review-deferred": (409, "The review was deferred"),
    "delegated": (409, "The review was delegated"),
    "review-closed": (409, "The review is closed"),
    "review-not-open": (409, "The review waits for evidence"),
    "payload-too-large": (413, "The body is too large"),
    "unsupported-media-type": (415, "This content type is not understood"),
    "invalid-request": (422, "The request is not valid"),
    "malformed-json": (422, "The body is not valid JSON"),
    "too-deep": (422, "The JSON is nested too deeply"),
    "invalid-policy": (422, "The policy does not load"),
    "no-policy": (422, "No policy applies"),
    "ambiguous-policy": (422, "Several policies apply"),
    "unknown-policy": (422, "The policy named is not active here"),
    "policy-does-not-apply": (422, "The policy does not apply"),
    "baseline-not-found": (422, "The baseline is not known"),
    "ambiguous-evidence": (422, "The evidence contradicts itself"),
    "evaluation-not-found": (404, "No such evaluation"),
    "unreadable-data": (422, "The data cannot be measured"),
    "measuring-failed": (422, "Measuring the data did not end"),
    "evidence-erased": (410, "The evidence was erased"),
    "too-many-requests": (429, "Too many requests"),
    "internal-error": (500, "Something went wrong here"),
    "record-inconsistent": (503, "The stored log contradicts what was signed"),
    "blob-not-found": (422, "The file is not here"),
    "digest-mismatch": (422, "The bytes are not those of the digest"),
    "quota-exceeded": (413, "Too many files were sent"),
    "record-unavailable": (503, "The record cannot be written now"),
    "export-busy": (503, "Other exports are running"),
    "record-broken": (409, "The record does not hold"),
    "database-unavailable": (503, "The database cannot be reached now"),
    "identity-unavailable": (503, "Who asks cannot be found out now"),
}
"""Every slug that this service coins, its status and title. Slugs of evidence and of result files
come from `gates` and are 422."""


class Problem(Exception):  # noqa: N818 - an answer, not a fault
    """An answer other than the one asked for."""

    def __init__(
        self,
        slug: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status; slugs that `gates` coins speak of evidence and are 422."""
        return TITLES.get(self.slug, (422, ""))[0]

    def response(self) -> Response:
        """The problem as `application/problem+json`."""
        title = TITLES.get(self.slug, (422, "The evidence cannot be used"))[1]
        body: dict[str, Any] = {
            "type": self.slug,
            "title": title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = list(self.errors)
        return Response(
            json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
            self.status,
            headers=self.headers,
            media_type=PROBLEM_JSON,
        )


def pointer(location: Sequence[object]) -> str:
    """A location as an RFC 6901 JSON pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def problem_of(error: Exception) -> Problem:
    """The problem that an expected exception stands for; anything else is an internal error."""
    match error:
        case Problem():
            return error
        case ImpossibleEvidence():
            where = [{"pointer": error.pointer, "detail": error.detail}]
            return Problem(error.slug, error.detail, errors=where)
        case FormatError():
            return Problem(error.slug, error.detail)
        case PolicyError():
            found = [
                {"pointer": e.pointer, "line": e.line, "detail": e.detail} for e in error.errors
            ]
            return Problem("invalid-policy", f"The policy does not load: {error}.", errors=found)
        case Conflict():
            slug = error.slug if error.slug in TITLES else "conflict"
            return Problem(slug, error.detail)
        case LedgerUnavailable() | LogInconsistent() | SQLAlchemyError():
            return _of_record(error)
        case RequestValidationError():
            found = [{"pointer": pointer(e["loc"]), "detail": e["msg"]} for e in error.errors()]
            return Problem("invalid-request", "A parameter is not valid.", errors=found)
        case HTTPException():
            return _of_http(error)
        case _:
            return Problem("internal-error", "The fault is logged here under the request's id.")


def _of_record(error: LedgerUnavailable | LogInconsistent | SQLAlchemyError) -> Problem:
    match error:
        case LedgerUnavailable():
            headers = {"Retry-After": str(error.retry_after)}
            return Problem("record-unavailable", error.detail, headers=headers)
        case LogInconsistent():
            return Problem("record-inconsistent", f"Nothing is proven from this log: {error}")
        case _:
            return Problem(
                "database-unavailable",
                "The database did not answer; nothing was changed. Try again.",
                headers={"Retry-After": "1"},
            )


def _of_http(error: HTTPException) -> Problem:
    slug = {404: "not-found", 405: "method-not-allowed", 413: "payload-too-large"}.get(
        error.status_code, "malformed-request"
    )
    detail = {
        "not-found": "No such path. The paths are listed in /openapi.json.",
        "method-not-allowed": "The Allow header lists what this path offers.",
    }.get(slug, "The request could not be understood.")
    return Problem(slug, detail, headers={k.title(): v for k, v in (error.headers or {}).items()})


def allowed(routes: Sequence[APIRoute], path: str) -> list[str]:
    """All methods that a path offers: a route with a fixed path hides those with parameters."""
    matching = [route for route in routes if route.path_regex.match(path)]
    exact = [route for route in matching if route.path == path]
    return sorted({method for route in exact or matching for method in route.methods or ()})


AsPage = Callable[[Request, "Problem"], Response | None]
"""A problem as a page where a browser navigates, and None where anything else asks."""


def install(app: FastAPI, routes: Sequence[APIRoute], as_page: AsPage) -> None:
    """Answer every failure of the app as a problem, to browsers as a page."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        if problem.status == 405 and (methods := allowed(routes, request.url.path)):
            # The framework names the methods of the first route that matches, not of all.
            problem.headers["Allow"] = ", ".join(methods)
        if problem.status == 500 or isinstance(error, (SQLAlchemyError, LogInconsistent)):
            log.error("unhandled %s", type(error).__name__, exc_info=error)
        return as_page(request, problem) or problem.response()

    for kind in (
        Problem,
        ImpossibleEvidence,
        FormatError,
        PolicyError,
        Conflict,
        LedgerUnavailable,
        LogInconsistent,
        SQLAlchemyError,
        RequestValidationError,
        HTTPException,
        Exception,
    ):
        app.add_exception_handler(kind, answer)
