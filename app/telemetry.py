"""Request ids and counters: which request this was, and how many there were of which kind.

Counts in memory and shows them in the Prometheus text format; it never labels by anything that a
caller chooses freely.
"""

import logging
import re
import threading
import time
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.ids import new_id

log = logging.getLogger("clearance.access")

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Telemetry:
    """Counters of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str, int], int] = {}
        self._buckets = [0] * (len(_BUCKETS) + 1)
        self._seconds = 0.0
        self._verdicts: dict[str, int] = {}

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is the path template, not the path."""
        position = next((i for i, limit in enumerate(_BUCKETS) if seconds <= limit), -1)
        key = (method, route, status)
        with self._lock:
            self._requests[key] = self._requests.get(key, 0) + 1
            self._buckets[position] += 1
            self._seconds += seconds

    def verdict(self, verdict: str) -> None:
        """Count one recorded decision."""
        with self._lock:
            self._verdicts[verdict] = self._verdicts.get(verdict, 0) + 1

    def exposition(self) -> str:
        """All counters in the Prometheus text format, version 0.0.4."""
        with self._lock:
            requests = sorted(self._requests.items())
            verdicts = sorted(self._verdicts.items())
            buckets, seconds = list(self._buckets), self._seconds
        lines = [
            "# HELP clearance_requests_total Requests answered.",
            "# TYPE clearance_requests_total counter",
            *(
                f'clearance_requests_total{{method="{m}",route="{r}",status="{s}"}} {n}'
                for (m, r, s), n in requests
            ),
            "# HELP clearance_decisions_total Decisions recorded by this process.",
            "# TYPE clearance_decisions_total counter",
            *(f'clearance_decisions_total{{verdict="{v}"}} {n}' for v, n in verdicts),
            "# HELP clearance_request_seconds Time to answer a request.",
            "# TYPE clearance_request_seconds histogram",
        ]
        total = 0
        for limit, count in zip((*_BUCKETS, "+Inf"), buckets, strict=True):
            total += count
            lines.append(f'clearance_request_seconds_bucket{{le="{limit}"}} {total}')
        lines += [
            f"clearance_request_seconds_sum {seconds:.6f}",
            f"clearance_request_seconds_count {total}",
        ]
        return "\n".join(lines) + "\n"


def request_id(headers: Headers) -> str:
    """The caller's X-Request-ID or trace id where it is well formed, else a new one."""
    given = headers.get("x-request-id", "")
    if _REQUEST_ID.fullmatch(given):
        return given
    traced = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    if traced and traced[1].strip("0") and traced[2].strip("0"):
        return traced[1]
    return new_id("req")


class Observed:
    """ASGI middleware: names each request, answers with the name, counts and logs it."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = request_id(Headers(scope=scope))
        status = 500
        begun = time.perf_counter()

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = name
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        scope.setdefault("state", {})["request_id"] = name
        try:
            await self._app(scope, receive, observed)
        finally:
            seconds = time.perf_counter() - begun
            route = getattr(scope.get("route"), "path", "(none)")
            method = scope["method"] if scope["method"] in _METHODS else "(other)"
            self._telemetry.request(method, route, status, seconds)
            log.info(
                "request %s", name, extra={"route": route, "status": status, "seconds": seconds}
            )


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
