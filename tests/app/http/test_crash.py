"""Law 4: kill the process at any instant; what was answered is recorded once, and nothing twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from app.cli.demo.walk import free_port
from app.settings import Settings
from tests.app.http.service import PLAIN, Service, evidence, running

SERVE = (
    "import sys, uvicorn; from app.main import create_app; "
    "from app.settings import read_settings; "
    "uvicorn.run(create_app(read_settings()), port=int(sys.argv[1]), log_level='critical')"
)
REQUESTS = 120


@contextmanager
def process(settings: Settings) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    environment = os.environ | {
        "CLEARANCE_DATABASE_URL": settings.database_url,
        "CLEARANCE_LOG_KEY_FILE": str(settings.log_key_file),
        "CLEARANCE_ATTESTATION_KEY_FILE": str(settings.attestation_key_file),
        "CLEARANCE_LOG_ORIGIN": str(settings.log_origin),
        "CLEARANCE_DATA_DIR": str(settings.data_dir),
    }
    started = subprocess.Popen([sys.executable, "-c", SERVE, str(port)], env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                if httpx.get(f"{url}/readyz", timeout=2, verify=PLAIN).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        else:
            raise RuntimeError("the service did not start in two minutes")
        yield started, url
    finally:
        started.kill()
        started.wait()


@pytest.mark.slow
def test_what_was_answered_survives_a_kill_and_is_there_once(settings: Settings):
    with running(settings) as before:
        before.publish()
        token = before.key("ci", "submitter")
    answered: dict[int, set[str]] = {}

    def send(client: httpx.Client, url: str, number: int) -> None:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"run-{number}"}
        body = evidence(version=str(number))
        try:
            answer = client.post(f"{url}/v1/evaluations", json=body, headers=headers)
        except httpx.TransportError:
            return
        if answer.status_code in {200, 201}:
            answered.setdefault(number, set()).add(answer.json()["id"])

    seed = random.randrange(2**32)
    dice = random.Random(seed)
    for _ in range(3):
        with (
            process(settings) as (victim, url),
            httpx.Client(timeout=60, verify=PLAIN) as client,
            ThreadPoolExecutor(8) as pool,
        ):
            for number in range(REQUESTS):
                pool.submit(send, client, url, number)
            time.sleep(dice.uniform(0.1, 0.8))
            victim.send_signal(signal.SIGKILL)
    with running(settings) as after:
        for number in range(REQUESTS):
            send(after.client, str(after.client.base_url), number)
        recorded = _versions(after)
    assert sorted(recorded) == sorted(str(number) for number in range(REQUESTS)), f"seed {seed}"
    for number, names in answered.items():
        assert names == {recorded[str(number)]}, f"seed {seed}"


def _versions(service: Service) -> dict[str, str]:
    """Version to decision; a version decided twice fails here."""
    found: dict[str, str] = {}
    cursor = ""
    while True:
        page = service.call("GET", f"/v1/decisions?limit=200{cursor}").json()
        for item in page["items"]:
            version = item["candidate"]["version"]
            assert version not in found
            found[version] = item["id"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    entries = 0
    after = -1
    while True:
        path = f"/v1/audit/entries?type=decision.recorded&limit=200&after={after}"
        logged = service.call("GET", path).json()
        entries += len(logged["items"])
        if logged["next"] is None:
            break
        after = logged["next"]
    assert entries == len(found)
    return found
