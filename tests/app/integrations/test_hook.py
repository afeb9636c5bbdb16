"""What MLflow 3.17 sends, byte for byte, and what it must never get in with."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.integrations.mlflow.events import EVENTS
from app.integrations.mlflow.signing import SignatureRefused, signature, verified
from app.integrations.tables import registry_alias, registry_delivery
from app.jobs.tables import job
from app.ledger.work import Work
from tests.app.http.service import Service
from tests.app.integrations.conftest import SECRET

CAPTURES = sorted((Path(__file__).parent / "data").glob("*.http"))
PATH = "/v1/hooks/mlflow"


def captured(path: Path) -> tuple[dict[str, str], bytes]:
    head, _, body = path.read_bytes().partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    return {n.lower(): v for n, _, v in (line.partition(": ") for line in lines)}, body


def moment(headers: dict[str, str]) -> datetime:
    return datetime.fromtimestamp(int(headers["x-mlflow-timestamp"]), UTC)


def sent(service: Service, event: str, delivery: str = "d-1", *, secret: str = SECRET, **data):
    entity, action = event.split(".")
    body = json.dumps({"entity": entity, "action": action, "timestamp": "…", "data": data}).encode()
    return posted(service, body, delivery, secret=secret)


def posted(service: Service, body: bytes, delivery: str = "d-1", *, secret: str = SECRET, **more):
    stamp = str(more.get("stamp", int(time.time())))
    headers = {
        "Content-Type": "application/json",
        "X-MLflow-Delivery-Id": delivery,
        "X-MLflow-Timestamp": stamp,
        "X-MLflow-Signature": signature(secret, delivery, stamp, body),
    }
    headers |= more.get("headers", {})
    return service.client.post(PATH, content=body, headers=headers)


def looks(service: Service) -> list[tuple[str, str, int]]:
    with service.app.state.runtime.engine.connect() as connection:
        rows = connection.execute(select(job).where(job.c.kind == "mlflow.look"))
        return [(row.payload["model"], row.status, row.wake) for row in rows]


def test_each_event_was_captured():
    named = {path.stem.removeprefix("test-").split("_a1")[0] for path in CAPTURES}
    assert set(EVENTS) <= {name.partition("_")[2] if name[0].isdigit() else name for name in named}


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_captured_signatures_hold_and_one_changed_byte_breaks_them(path):
    headers, body = captured(path)
    at = moment(headers)
    assert verified(headers, body, (SECRET,), at) == headers["x-mlflow-delivery-id"]
    with pytest.raises(SignatureRefused, match="does not hold"):
        verified(headers, body[:-1] + b" ", (SECRET,), at)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x-mlflow-signature": ""}, "not signed"),
        ({"x-mlflow-signature": "v2,AAAA"}, "does not hold"),
        ({"x-mlflow-signature": "v1,é"}, "does not hold"),
        ({"x-mlflow-delivery-id": ""}, "must both be there"),
        ({"x-mlflow-timestamp": "yesterday"}, "must both be there"),
        ({"x-mlflow-delivery-id": "x" * 65}, "not an id"),
    ],
)
def test_headers_that_are_missing_or_wrong_are_told_apart(change, words):
    headers, body = captured(CAPTURES[0])
    with pytest.raises(SignatureRefused, match=words):
        verified({**headers, **change}, body, (SECRET,), moment(headers))


@pytest.mark.parametrize(
    ("seconds", "holds"), [(299, True), (-299, True), (302, False), (-302, False)]
)
def test_three_hundred_seconds_are_tolerated(seconds, holds):
    headers, body = captured(CAPTURES[0])
    at = moment(headers) + timedelta(seconds=seconds)
    if holds:
        assert verified(headers, body, (SECRET,), at)
    else:
        with pytest.raises(SignatureRefused, match="clocks"):
            verified(headers, body, (SECRET,), at)


def test_a_new_version_is_stored_with_its_job_before_the_answer(service: Service):
    answer = sent(service, "model_version.created", name="fraud-a", version="1", run_id=None)
    assert answer.status_code == 202
    assert answer.json() == {
        "delivery": "d-1",
        "event": "model_version.created",
        "repeated": False,
        "model": "fraud-a",
        "why_not": None,
    }
    assert looks(service) == [("fraud-a", "new", 2)]
    with service.app.state.runtime.engine.connect() as connection:
        row = connection.execute(select(registry_delivery)).one()
    assert (row.id, row.model, row.event) == ("d-1", "fraud-a", "model_version.created")


def test_a_repeated_delivery_changes_nothing(service: Service):
    first = sent(service, "model_version.created", name="fraud-a", version="1")
    again = sent(service, "model_version.created", name="fraud-a", version="1")
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["repeated"] is True
    assert looks(service) == [("fraud-a", "new", 2)]


def test_events_of_one_model_share_one_job(service: Service):
    for number in range(5):
        sent(service, "model_version.created", f"d-{number}", name="fraud-a", version=str(number))
    assert len(looks(service)) == 1
    with service.app.state.runtime.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(registry_delivery)) == 5


@pytest.mark.parametrize(
    "path", [p for p in CAPTURES if p.stem.startswith("test-")], ids=lambda p: p.stem
)
def test_test_payloads_are_answered(standing: Service, path):
    _, body = captured(path)
    answer = posted(standing, body, f"d-{path.stem}")
    assert answer.status_code == 200
    assert answer.json()["why_not"]
    assert looks(standing) == []


def test_our_own_tags_and_aliases_are_ignored(service: Service):
    runtime = service.app.state.runtime
    row = {"model": "fraud-a", "alias": "champion", "version": "2", "given": "2"}
    rows = [(registry_alias, [{**row, "seen_at": runtime.clock()}])]
    runtime.ledger.commit_sync(Work(entries=[], rows=rows))
    tag = {"name": "fraud-a", "version": "2", "key": "clearance.verdict", "value": "pass"}
    alias = {"name": "fraud-a", "alias": "champion", "version": "2"}
    for event, data in (("model_version_tag.set", tag), ("model_version_alias.created", alias)):
        answer = sent(service, event, **data)
        assert answer.json()["why_not"] == "this service wrote it itself"
    assert looks(service) == []
    moved = sent(service, "model_version_alias.created", "d-2", **{**alias, "version": "1"})
    assert moved.status_code == 202
    assert looks(service) == [("fraud-a", "new", 2)]


def test_another_workspace_is_not_ours(service: Service):
    data = {"name": "fraud-a", "version": "1"}
    body = {"entity": "model_version", "action": "created", "workspace": "team-b", "data": data}
    answer = posted(service, json.dumps(body).encode())
    assert "workspace" in answer.json()["why_not"]


def test_what_is_not_signed_by_the_secret_is_refused(service: Service):
    answer = sent(service, "model_version.created", secret="guessed", name="fraud-a", version="1")
    assert answer.status_code == 401
    assert answer.json()["type"] == "hook-refused"
    assert "secrets" in answer.json()["detail"]
    old = posted(service, b"{}", stamp=int(time.time()) - 400)
    assert (old.status_code, old.json()["type"]) == (401, "hook-refused")
    assert looks(service) == []


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        (b"{", "malformed-json"),
        (b"[]", "invalid-request"),
        (b'{"entity":"model_version","action":"melted","data":{}}', "unknown-event"),
        (b'{"entity":"model_version","action":"created","data":{"name":7}}', "invalid-request"),
    ],
)
def test_signed_nonsense_is_a_clear_problem(standing: Service, body, slug):
    answer = posted(standing, body)
    assert (answer.status_code, answer.json()["type"]) == (422, slug)
    assert looks(standing) == []


def test_a_body_of_a_megabyte_is_taken(service: Service):
    tags = {f"t{i}": "x" * 100_000 for i in range(10)}
    answer = sent(service, "model_version.created", name="fraud-a", version="1", tags=tags)
    assert answer.status_code == 202
