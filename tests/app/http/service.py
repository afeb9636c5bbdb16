"""A running service for tests: the production app on a real database, with keys to call it."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import uvicorn
from fastapi import FastAPI

from app.auth.keys import KeyRequest, create
from app.main import create_app
from app.settings import Settings

POLICY = """
policy: support-bot-release
owner: genai-platform
applies_to: {model: "support-bot*", stage: [limited_release, broad_rollout]}
gates:
  quality:
    - {metric: accuracy, min: 0.85}
  safety:
    - {metric: attack_success_rate, max: 0.02}
escalation:
  reviews: [{role: security, min: 1}]
  expires_hours: 72
grants: {traffic_max: 0.05}
valid_days: 30
"""


@dataclass
class Clock:
    """A clock that tests move."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Service:
    """The app behind a client. `as_` gives a client with somebody's key."""

    def __init__(self, app: FastAPI, client: httpx.Client, clock: Clock) -> None:
        self.app = app
        self.client = client
        self.clock = clock
        self.admin = self.key("root", "admin", person=True)

    def key(
        self,
        name: str,
        *roles: str,
        person: bool = False,
        models: tuple[str, ...] = ("*",),
        expires_at: datetime | None = None,
    ) -> str:
        """A new key's secret, made as the command line makes it."""
        runtime = self.app.state.runtime
        with runtime.engine.connect() as connection:
            wanted = KeyRequest(name, roles, person, models, expires_at)
            made = create(connection, wanted, by="test", at=runtime.clock())
        runtime.ledger.commit_sync(made.work)
        return made.secret

    def call(
        self, method: str, path: str, token: str | None = None, **options: Any
    ) -> httpx.Response:
        """One request with a key; the admin's where none is named."""
        headers = {"Authorization": f"Bearer {token or self.admin}", **options.pop("headers", {})}
        answer: httpx.Response = self.client.request(method, path, headers=headers, **options)
        return answer

    def publish(self, text: str = POLICY, name: str = "support-bot-release") -> dict[str, Any]:
        """Publish a policy and take its answer."""
        answer = self.call(
            "PUT",
            f"/v1/policies/{name}",
            content=text,
            headers={"Content-Type": "application/yaml"},
        )
        assert answer.status_code in {200, 201}, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def submit(self, token: str | None = None, **changes: Any) -> httpx.Response:
        """Submit evidence; the arguments of `evidence` change what is sent."""
        headers = changes.pop("headers", {})
        return self.call(
            "POST", "/v1/evaluations", token, json=evidence(**changes), headers=headers
        )


def evidence(
    *,
    version: str = "42",
    accuracy: tuple[int, int] = (1900, 2000),
    attacks: tuple[int, int] = (2, 1000),
    **fields: Any,
) -> dict[str, Any]:
    """A submission: by default one that passes POLICY."""
    return {
        "candidate": {"model": "support-bot", "version": version},
        "stage": "limited_release",
        "measurements": [
            {"metric": "accuracy", "count": accuracy[0], "n": accuracy[1]},
            {"metric": "attack_success_rate", "count": attacks[0], "n": attacks[1]},
        ],
        **fields,
    }


PLAIN: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of http: it trusts nobody, because loading whom to trust is half of a start."""
ESCALATES: dict[str, Any] = {"attacks": (14, 1000)}
"""1.4% seen against a limit of 2%: neither shown to hold nor shown to be violated."""
FAILS: dict[str, Any] = {"accuracy": (1500, 2000)}


@contextmanager
def running(settings: Settings) -> Iterator[Service]:
    """The app behind a real uvicorn on a free port, started and stopped as in production."""
    clock = Clock()
    app = create_app(settings, clock=clock)
    with serving(app) as url, httpx.Client(base_url=url, timeout=60, verify=PLAIN) as client:
        yield Service(app, client, clock)


@contextmanager
def serving(app: FastAPI, port: int = 0) -> Iterator[str]:
    """An app's base URL while it is served; on a free port where none is given."""
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="uvicorn", daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the service did not start; its log says why")
            time.sleep(0.005)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
