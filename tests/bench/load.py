"""A load generator of its own process: N keep-alive connections, one request at a time on each.

    python -m tests.bench.load PORT PATH CLIENTS SECONDS TOKEN

It sends the bodies of the sample in turn and prints one JSON object. Raw sockets on uvloop, so
that it needs a fraction of what any server under test needs; `busy` says how much of a core it
used, and near 1 the numbers mean nothing.
"""

import asyncio
import json
import random
import secrets
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, cycle

import uvloop

from tests.bench.sample import MARK, VERSION_WIDTH, bodies

WARM_UP = 0.3


@dataclass
class Run:
    """What all clients of one run share."""

    requests: Iterator[tuple[bytes, bytes]]
    """Each in two parts, between which its version goes."""
    until: float
    measured_from: float
    versions: Iterator[int] = field(default_factory=count)
    prefix: str = field(default_factory=lambda: secrets.token_hex(2))
    answered: int = 0
    latencies: list[float] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)

    def next_request(self) -> bytes:
        """Each request is a version nobody has sent before."""
        version = f"{self.prefix}{next(self.versions):0{VERSION_WIDTH - 4}d}".encode()
        return version.join(next(self.requests))


class Client(asyncio.Protocol):
    """One connection. It counts an answer when its last byte is there."""

    def __init__(self, run: Run, finished: asyncio.Future[None]) -> None:
        self.run = run
        self.finished = finished
        self.buffer = b""
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.WriteTransport = transport  # type: ignore[assignment]  # TCP gives a full one
        self._send()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, rest = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self.buffer = b""
        self._count(head[9:12].decode("ascii"))
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self._fail("connection lost")
            self.finished.set_result(None)

    def _send(self) -> None:
        self.sent_at = time.perf_counter()
        if self.sent_at >= self.run.until:
            self.finished.set_result(None)
            self.transport.close()
        else:
            self.transport.write(self.run.next_request())

    def _count(self, status: str) -> None:
        now = time.perf_counter()
        self.run.answered += 1
        if not status.startswith("2"):
            self._fail(status)
        elif self.run.measured_from <= now < self.run.until:
            self.run.latencies.append(now - self.sent_at)

    def _fail(self, reason: str) -> None:
        self.run.errors[reason] = self.run.errors.get(reason, 0) + 1


async def drive(
    port: int, path: str, clients: int, seconds: float, token: str
) -> dict[str, object]:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    )
    requests = []
    for body in bodies():
        before, _, after = body.partition(MARK.encode())
        requests.append((f"{head}{len(body)}\r\n\r\n".encode() + before, after))
    random.shuffle(requests)
    started = time.perf_counter()
    run = Run(
        cycle(requests),
        until=started + WARM_UP + seconds,
        measured_from=started + WARM_UP,
    )
    loop = asyncio.get_running_loop()
    waits = [loop.create_future() for _ in range(clients)]
    for finished in waits:
        await loop.create_connection(lambda f=finished: Client(run, f), "127.0.0.1", port)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    cpu = time.process_time()
    await asyncio.wait_for(asyncio.gather(*waits), timeout=WARM_UP + seconds + 60)
    return {
        "latencies": sorted(run.latencies),
        "seconds": seconds,
        "answered": run.answered,
        "errors": run.errors,
        "busy": (time.process_time() - cpu) / (time.perf_counter() - started),
    }


if __name__ == "__main__":
    port, path, clients, seconds, token = sys.argv[1:]
    result = uvloop.run(drive(int(port), path, int(clients), float(seconds), token))
    json.dump(result, sys.stdout)
