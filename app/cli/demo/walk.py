"""Runs the product's own commands as a user would, shows them, and checks how they end."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

START_SECONDS = 120.0
LONG = 4000
PORTS = (15_000, 30_000)
"""Below the ports that Linux, macOS and Windows give to outgoing connections by themselves."""


class StepFailed(Exception):  # noqa: N818 - the demo's own word for it
    """A step did not do what it says."""


class Walk:
    """Commands in one folder, against one database and one service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = dict(os.environ) | {
            "CLEARANCE_DATABASE_URL": f"sqlite:///{folder / 'clearance.db'}",
            "COLUMNS": "96",
        }
        self._token: str | None = None

    def say(self, text: str) -> None:
        """A paragraph of the story."""
        click.echo(f"\n{click.style(text, bold=True)}")

    def act_as(self, token: str) -> None:
        """Whose key or token the next commands use."""
        self._token = token

    def run(self, *arguments: str, expect: int = 0, show: bool = True) -> str:
        """Run `clearance …`, show it and what it answers, and insist on its exit code."""
        line = " ".join(_quoted(argument) for argument in arguments)
        if show:
            click.echo(click.style(f"  $ clearance {line}", fg="cyan"))
        done = subprocess.run(  # noqa: S603 - our own command with our own arguments
            [*clearance_command(), *arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if show:
            click.echo(_indented(done.stdout or done.stderr))
        if done.returncode != expect:
            raise StepFailed(
                f"`clearance {line}` ended with {done.returncode} instead of {expect}: "
                f"{done.stderr.strip()[-LONG:] or done.stdout.strip()[-LONG:]}"
            )
        return done.stdout

    @contextmanager
    def running(self, *arguments: str, expect: int) -> Iterator[None]:
        """Run `clearance …` beside what the block does, and insist on its exit code."""
        line = " ".join(_quoted(argument) for argument in arguments)
        click.echo(click.style(f"  $ clearance {line} &", fg="cyan"))
        with subprocess.Popen(  # noqa: S603 - our own command with our own arguments
            [*clearance_command(), *arguments],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield
                out, err = process.communicate(timeout=60)
            except BaseException:
                process.kill()
                raise
        click.echo(_indented(out[-LONG:]))
        if process.returncode != expect:
            raise StepFailed(
                f"`clearance {line}` ended with {process.returncode} instead of {expect}: "
                f"{err.strip()[-LONG:]}"
            )

    def _environment(self) -> Mapping[str, str]:
        return self.environment | ({"CLEARANCE_TOKEN": self._token} if self._token else {})

    @contextmanager
    def service(self, port: int, **environment: str) -> Iterator[str]:
        """The service on a port; gives its first admin key, stops it in the end."""
        log = self.folder / "service.log"
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [*clearance_command(), "serve", "--port", str(port)],
                cwd=self.folder,
                env=self.environment | environment | {"PYTHONUNBUFFERED": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                yield self._first_words(process, log)
            finally:
                process.terminate()
                process.wait(timeout=20)

    def _first_words(self, process: "subprocess.Popen[bytes]", log: Path) -> str:
        """Wait until the service has said where it is and which key it made."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            words = dict(
                line.strip().removeprefix("export ").split("=", 1)
                for line in log.read_text(encoding="utf-8").splitlines()
                if line.strip().startswith("export ") and "=" in line
            )
            if {"CLEARANCE_TOKEN", "CLEARANCE_URL"} <= words.keys():
                self.environment["CLEARANCE_URL"] = words["CLEARANCE_URL"]
                return words["CLEARANCE_TOKEN"]
            time.sleep(0.05)
        raise StepFailed(f"the service did not start: {log.read_text(encoding='utf-8')[-LONG:]}")


def free_port() -> int:
    """A port that nobody listens on now, and that no outgoing connection takes in the meantime.

    Raises:
        StepFailed: a hundred ports, drawn at random, are taken.
    """
    lowest, end = PORTS
    for _ in range(100):
        port = lowest + secrets.randbelow(end - lowest)
        with socket.socket() as found:
            try:
                found.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StepFailed(f"no port between {lowest} and {end} is free")


def clearance_command() -> list[str]:
    """The command as it is installed beside this Python."""
    beside = Path(sys.executable).with_name("clearance")
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "app.cli"]


def _quoted(argument: str) -> str:
    return f"'{argument}'" if any(letter in argument for letter in " >*<") else argument


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.rstrip().splitlines())
