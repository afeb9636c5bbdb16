"""The service as the command line sees it: JSON in, JSON out, and errors with the right exit code.

A service that cannot be reached or refuses the credentials is 4, never a verdict.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

import click
import httpx

from app.cli.exits import UNREACHABLE, USAGE, CliError
from app.cli.output import progress

DEFAULT_URL: Final = "http://127.0.0.1:8000"
_TRIES: Final = 4
_FIRST_PAUSE: Final = 0.5
_RETRIED: Final = frozenset({429, 502, 503, 504})


class TooLarge(CliError):  # noqa: N818 - what the body was
    """The service takes less in one body."""


class Service:
    """One service and one key, from CLEARANCE_URL and CLEARANCE_TOKEN."""

    def __init__(self, pause: Callable[[float], None] = time.sleep) -> None:
        self.url = os.environ.get("CLEARANCE_URL", "").rstrip("/") or DEFAULT_URL
        if urlsplit(self.url).scheme not in {"http", "https"} or not urlsplit(self.url).netloc:
            raise CliError(f"CLEARANCE_URL is {self.url!r}; set it to a URL such as {DEFAULT_URL}.")
        self._pause = pause
        token = os.environ.get("CLEARANCE_TOKEN", "")
        if not (token.isascii() and token.isprintable()):
            raise CliError("CLEARANCE_TOKEN holds characters that no key has; copy it again.")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=self.url, headers=headers, timeout=60.0)
        if (command := click.get_current_context(silent=True)) is not None:
            command.call_on_close(self._client.close)

    def get(self, path: str, **params: str | None) -> Any:
        """JSON of a resource."""
        given = {name: value for name, value in params.items() if value is not None}
        return _json(self._send("GET", path, params=given))

    def text(self, path: str, accept: str) -> str:
        """A resource as text."""
        return self._send("GET", path, headers={"Accept": accept}).text

    def post(self, path: str, body: object = None, *, key: str | None = None) -> Any:
        """Create something; with an Idempotency-Key it is safe to repeat, and is repeated."""
        headers = {"Idempotency-Key": key} if key else {}
        given = {} if body is None else {"json": body}
        return _json(self._send("POST", path, headers=headers, repeats=key is not None, **given))

    def put(self, path: str, text: str, media_type: str) -> Any:
        """Publish a text."""
        headers = {"Content-Type": media_type}
        return _json(self._send("PUT", path, headers=headers, content=text.encode()))

    def send(self, path: str, pieces: Iterable[bytes], size: int) -> Any:
        """Send a large file as it is read; a second try would need it from its beginning."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        return _json(self._send("PUT", path, headers=headers, content=pieces, timeout=300.0))

    def add(self, path: str, pieces: Iterable[bytes], size: int, media_type: str) -> Any:
        """Send a large file whose name the service finds out."""
        headers = {"Content-Type": media_type, "Content-Length": str(size)}
        return _json(self._send("POST", path, headers=headers, content=pieces, timeout=300.0))

    def _send(self, method: str, path: str, *, repeats: bool = False, **how: Any) -> httpx.Response:
        """The answer, after a few tries where a repetition cannot do harm."""
        tries = _TRIES if repeats or method == "GET" else 1
        for attempt in range(1, tries + 1):
            last = attempt == tries
            try:
                answer = self._client.request(method, f"/v1{path}", **how)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                if last:
                    raise _unreachable(self.url, error) from None
            else:
                if answer.status_code not in _RETRIED or last:
                    return _checked(answer, self.url)
            progress(f"{self.url} does not answer; trying again ({attempt} of {tries})")
            self._pause(_FIRST_PAUSE * 2**attempt)
        raise AssertionError("the last try returns or raises")


def segment(text: str) -> str:
    """Text as one segment of a path."""
    return quote(text, safe="")


def _unreachable(url: str, error: Exception) -> CliError:
    reason = str(error) or type(error).__name__
    return CliError(
        f"No service answers at {url}: {reason}.",
        "Start one with `clearance serve`, or set CLEARANCE_URL.",
        code=UNREACHABLE,
    )


def _checked(answer: httpx.Response, url: str) -> httpx.Response:
    if answer.is_success:
        return answer
    if answer.is_redirect:
        where = answer.headers.get("location", "elsewhere")
        raise CliError(f"{url} redirects to {where}; set CLEARANCE_URL to it.", code=UNREACHABLE)
    said = _problem(answer)
    detail = str(said.get("detail") or said.get("title") or f"status {answer.status_code}")
    match answer.status_code:
        case 401:
            hint = "Set CLEARANCE_TOKEN to a key; `clearance key create` makes one."
            raise CliError(f"{url} refused the credentials: {detail}", hint, code=UNREACHABLE)
        case 403:
            raise CliError(f"{url} does not allow this: {detail}", code=UNREACHABLE)
        case 413:
            raise TooLarge(detail, *_pointed(said), code=USAGE)
        case code if code >= 500 or code == 429:
            hint = "Nothing was decided; try again."
            raise CliError(f"{url} could not answer: {detail}", hint, code=UNREACHABLE)
        case _:
            raise CliError(detail, *_pointed(said), code=USAGE)


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _pointed(said: Mapping[str, Any]) -> list[str]:
    errors = said.get("errors")
    if not isinstance(errors, list):
        return []
    found = []
    for item in errors:
        if isinstance(item, dict):
            line = f"line {item['line']}: " if item.get("line") else ""
            found.append(f"{line}{item.get('pointer') or '/'}: {item.get('detail')}")
    return found


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise CliError(
            f"{answer.url} did not answer with JSON; is CLEARANCE_URL a Clearance service?",
            code=UNREACHABLE,
        ) from None
