"""The measuring process as its worker sees it: started when needed, kept, killed if it is late.

Loading Evidently takes many seconds, so one process answers several requests; a process that dies
takes one try with it, never the worker.
"""

import json
import logging
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

log = logging.getLogger("clearance.jobs")

_COMMAND: Final = "from app.integrations.evidently.child import main; main()"
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "TMPDIR", "HOME", "PYTHONPATH", "SYSTEMROOT")
"""What it gets of our environment: no address, no key, no token."""
_IDLE_SECONDS: Final = 600.0
PATIENCE_SECONDS: Final = 3000.0

Progress = Callable[[str], None]


class ProcessEnded(RuntimeError):  # noqa: N818 - what happened
    """The measuring process ended, or took too long, before it answered."""


class Measuring:
    """One process, used by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._timer: threading.Timer | None = None

    def ask(
        self, folder: Path, asked: Mapping[str, Any], progress: Progress, patience: float
    ) -> dict[str, Any]:
        """The answer to one request; ProcessEnded where none comes within `patience` seconds."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            child = self._running()
            try:
                return self._asked(child, folder, asked, progress, patience)
            except BaseException:
                self._end()
                raise
            finally:
                self._timer = threading.Timer(_IDLE_SECONDS, self.end)
                self._timer.daemon = True
                self._timer.start()

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return None if self._child is None else self._child.pid

    def end(self) -> None:
        """Let the process go; the next request starts another."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    # What was written to it and not read any more has nowhere to go.
                    with suppress(OSError):
                        pipe.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._end()
            self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-c", _COMMAND],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
        return self._child

    def _asked(
        self,
        child: subprocess.Popen[bytes],
        folder: Path,
        asked: Mapping[str, Any],
        progress: Progress,
        patience: float,
    ) -> dict[str, Any]:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(json.dumps({"folder": str(folder), "asked": asked}).encode() + b"\n")
            child.stdin.flush()
        except OSError as error:
            raise ProcessEnded("the measuring process had ended") from error
        for line in _lines(child.stdout.fileno(), time.monotonic() + patience):
            said: dict[str, Any] = json.loads(line)
            if "step" not in said:
                return said
            progress(str(said["step"]))
        raise ProcessEnded(f"the measuring process ended with {child.wait()}")


def _lines(pipe: int, end: float) -> Any:
    """Lines as they come, until the pipe closes; ProcessEnded when the time is over."""
    waiting = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, end - time.monotonic())):
                raise ProcessEnded("measuring took too long")
            piece = os.read(pipe, 65536)
            if not piece:
                return
            *lines, waiting = (waiting + piece).split(b"\n")
            yield from lines


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # Evidently reports its use to its makers unless this is set.
    return {**kept, "DO_NOT_TRACK": "1", "MPLBACKEND": "agg"}


measuring: Final = Measuring()
"""One per worker: the queue of such work runs one at a time."""
