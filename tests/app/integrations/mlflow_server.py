"""A real MLflow server on loopback, with webhooks; its data outlive a restart.

One server serves all test processes of a run: it boots slowly, and models have names of their own.
"""

import fcntl
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from app.cli.demo.walk import free_port

QUIET = {
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_CACHE_TTL": "0",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


PATIENCE_SECONDS = 300
"""A loaded machine takes more than a minute for what takes ten seconds."""


@dataclass
class MlflowServer:
    """A server's place and address; `start` and `stop` may follow each other."""

    folder: Path
    port: int
    key: str
    options: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    """An empty value takes a variable away."""
    certificate: Path | None = None
    """A certificate with its key: then it speaks https."""
    workers: int = 1
    pid: int = 0

    @property
    def url(self) -> str:
        return f"{'http' if self.certificate is None else 'https'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Launch it and wait until it answers."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it, so that something else can be done while it boots."""
        self.folder.mkdir(exist_ok=True)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")},
            **QUIET,
            "HOME": str(self.folder),
            "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": self.key,
            **dict(self.environment),
        }
        environment = {name: value for name, value in environment.items() if value}
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"),
            *("--port", str(self.port), "--workers", str(self.workers)),
            *("--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db"),
            *("--artifacts-destination", str(self.folder / "artifacts")),
            *self.options,
        ]
        # Uvicorn kills a worker that is slow to answer it, such as one that still loads.
        opts = f"--timeout-worker-healthcheck {PATIENCE_SECONDS}"
        if self.certificate is not None:
            opts += f" --ssl-certfile {self.certificate} --ssl-keyfile {self.certificate}"
        command += ["--uvicorn-opts", opts]
        # In a file of its own each time: `wait` counts the workers that say they are ready.
        with (self.folder / "server.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = process.pid

    def wait(self) -> None:
        """Until it answers; RuntimeError with its log where it never does."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (self.is_up() and self._workers_up() >= self.workers):
            if not _is_alive(self.pid) or time.monotonic() > end:
                self.stop()
                raise RuntimeError((self.folder / "server.log").read_text()[-3000:])
            time.sleep(0.1)

    def _workers_up(self) -> int:
        """On a busy machine the first worker answers long before the last is there."""
        return (self.folder / "server.log").read_text().count("Application startup complete")

    def is_up(self) -> bool:
        known = ssl.create_default_context(cafile=self.certificate) if self.certificate else None
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2, context=known) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self) -> None:
        """End the server with its own children, and nobody else's."""
        if not self.pid:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                break
            end = time.monotonic() + 5
            while time.monotonic() < end and _is_alive(self.pid):
                time.sleep(0.05)
        self.pid = 0


def _is_alive(pid: int) -> bool:
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        # Another test process started it.
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def of_run(factory: pytest.TempPathFactory) -> Path:
    """A folder that all test processes of this run share."""
    folder = factory.getbasetemp()
    return folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder


def new_server(folder: Path, **options: Any) -> MlflowServer:
    """A server that is not started yet."""
    return MlflowServer(folder, free_port(), Fernet.generate_key().decode(), **options)


@contextmanager
def shared(
    folder: Path,
    name: str = "mlflow",
    prepare: Callable[[MlflowServer], None] = lambda _: None,
    **options: Any,
) -> Iterator[MlflowServer]:
    """The one server of a test run: the first to come starts it, the last to go ends it."""
    with _held(folder / f"{name}-server.json") as state:
        if not state.get("users"):
            server = new_server(folder / name, **options)
            server.start()
            prepare(server)
            state |= {"port": server.port, "key": server.key, "pid": server.pid, "users": 0}
        state["users"] += 1
        mine = MlflowServer(folder / name, state["port"], state["key"], pid=state["pid"], **options)
    try:
        yield mine
    finally:
        with _held(folder / f"{name}-server.json") as state:
            state["users"] -= 1
            if not state["users"]:
                mine.stop()
                shutil.rmtree(folder / name, ignore_errors=True)


@contextmanager
def _held(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        state = json.loads(file.read() or "{}")
        try:
            yield state
        finally:
            file.seek(0)
            file.truncate()
            file.write(json.dumps(state))
