"""Other machines on this one: a store for checkpoints and a witness, over real HTTP."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.outbound import Outbound
from app.settings import networks
from app.witness.deciding import Witness

OUTBOUND = Outbound(networks("127.0.0.0/8"), seconds=30.0)


class Far(http.server.ThreadingHTTPServer):
    """`objects` is the store, `witness` answers /add-checkpoint, `status` overrides them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.seen: list[tuple[str, str, str | None]] = []
        self.witness: Witness | None = None
        self.status: int | None = None
        self.body = b""
        self.kind = "text/plain"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Far

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _answer(self, status: int, body: bytes = b"", kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _handle(self) -> None:
        far = self.server
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        far.seen.append((self.command, self.path, self.headers.get("Authorization")))
        if far.status is not None:
            self._answer(far.status, far.body, far.kind)
        elif self.command == "POST":
            assert far.witness is not None
            reply = far.witness.add_checkpoint(content)
            self._answer(reply.status, reply.body.encode(), reply.media_type)
        elif self.command == "GET":
            held = far.objects.get(self.path)
            self._answer(404) if held is None else self._answer(200, held)
        elif self.headers.get("If-None-Match") == "*" and self.path in far.objects:
            self._answer(412)
        else:
            far.objects[self.path] = content
            self._answer(201)

    def __getattr__(self, name: str) -> object:
        """One handler for every verb."""
        if name in {"do_GET", "do_POST", "do_PUT"}:
            return self._handle
        raise AttributeError(name)


@contextmanager
def far_away() -> Iterator[Far]:
    server = Far()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
