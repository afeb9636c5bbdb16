"""The service's memory for large evidence: what is judged is held, never copies of it.

A report of 500 MB with 120,000 attempts is measured by `make bench ONLY=memory`; here are as many
short ones that copies of them would show.
"""

import hashlib

import httpx

from app.settings import Settings
from tests.app.http.service import running
from tests.app.http.test_crash import process
from tests.bench.machine import peak_megabytes
from tests.bench.memory import garak_report

ATTEMPTS = 60_000
TEXT = 1_000
"""Characters of a prompt: the whole must be too large to be held as a file (64 MiB)."""

GROWTH = 32
"""Megabytes beyond a service that has read such a report before, with few attempts. Measured: 17.
With the evidence written whole and prompts tallied one by one it was 51."""


def sent(client: httpx.Client, attempts: int) -> dict[str, object]:
    found = hashlib.sha256()
    for piece in garak_report(attempts, TEXT):
        found.update(piece)
    digest = f"sha256:{found.hexdigest()}"
    kept = client.put(f"/v1/blobs/{digest}", content=garak_report(attempts, TEXT))
    assert kept.status_code == 201
    body = {
        "candidate": {"model": "support-bot", "version": str(attempts)},
        "stage": "limited_release",
        "results": [{"name": "garak.report.jsonl", "blob": digest}],
    }
    answer = client.post("/v1/evaluations", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, object] = answer.json()
    return made


def test_large_evidence_is_recorded_without_copies_of_it(settings: Settings):
    with running(settings) as before:
        before.publish()
        key = before.key("ci", "submitter")
    headers = {"Authorization": f"Bearer {key}"}
    with (
        process(settings) as (started, url),
        httpx.Client(base_url=url, headers=headers, timeout=300) as client,
    ):
        sent(client, 1_000)
        idle = peak_megabytes(started.pid)
        made = sent(client, ATTEMPTS)
        growth = peak_megabytes(started.pid) - idle
    with running(settings) as after:
        replayed = after.call("POST", f"/v1/decisions/{made['id']}/replay").json()
    assert replayed["identical"], replayed
    assert growth < GROWTH, f"{growth:.0f} MB for {ATTEMPTS:,} attempts"
