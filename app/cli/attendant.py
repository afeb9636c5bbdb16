"""Keeps one `clearance worker` running beside the service, as a child that dies with it."""

import logging
import subprocess
import sys
import threading
from types import TracebackType
from typing import Final, Self

log = logging.getLogger("clearance")

_COMMAND: Final = "from app.cli import main; main()"
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_PATIENCE_SECONDS: Final = 20.0


class Attendant:
    """A context: inside it a worker runs, and is started again when it ends by itself."""

    def __init__(self) -> None:
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._attend, name="worker-attendant", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del kind, error, trace
        self._leaving.set()
        self._thread.join(2 * _PATIENCE_SECONDS)

    def _attend(self) -> None:
        pause = _FIRST_PAUSE
        while not self._leaving.is_set():
            # -P: a folder named `app` where the operator happens to stand is not ours.
            child = subprocess.Popen(  # noqa: S603 - our own interpreter and command
                [sys.executable, "-P", "-c", _COMMAND, "worker", "--until-eof"],
                stdin=subprocess.PIPE,
            )
            while child.poll() is None and not self._leaving.wait(0.5):
                pass
            if self._leaving.is_set():
                _end(child)
                return
            log.warning("the worker ended with %s; it starts again in %g s", child.poll(), pause)
            self._leaving.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Its standard input ends, so it stops; what is left of its work is resumed next time."""
    assert child.stdin is not None
    child.stdin.close()
    try:
        child.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
