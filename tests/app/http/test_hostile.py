"""Requests as a hostile user would send them: a clear problem each time, and nothing half done."""

import http.client
import json
import socket
import stat
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import event, func, select

from app.bodies import MAX_DEPTH
from app.evaluations.tables import decision, evaluation
from app.ledger.tables import audit_entry, evidence_blob
from app.settings import Settings
from gates.formats.nesting import is_deeper
from tests.app.http.service import POLICY, Service, evidence, running

NOISE = ("Traceback", "sqlalchemy", "SELECT", "INSERT", "psycopg", "sqlite3", "/work/", "clr_")


@pytest.fixture
def ready(service: Service) -> Service:
    service.publish()
    return service


@pytest.fixture(scope="module")
def refusing(standing: Service) -> Service:
    standing.publish()
    return standing


def raw(service: Service, body: bytes, **headers: str):
    return service.call(
        "POST",
        "/v1/evaluations",
        content=body,
        headers={"Content-Type": "application/json", **headers},
    )


def refused(answer, status: int, slug: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["type"]) == (status, slug), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["detail"]
    assert not any(word in answer.text for word in NOISE), answer.text
    return body


def stored(service: Service) -> list[int]:
    tables = (evaluation, decision, evidence_blob, audit_entry)
    with service.app.state.runtime.engine.connect() as connection:
        return [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables
        ]


GOOD = json.dumps(evidence()).encode()
BROKEN = [
    b"",
    b"   ",
    b"{",
    GOOD[:-1],
    GOOD + b"x",
    b"\xff\xfe" + GOOD,
    b"\xef\xbb\xbf" + GOOD,
    GOOD.replace(b'"stage"', b'"stage": "evaluation", "stage"'),
    GOOD.replace(b"1900", b"NaN"),
    GOOD.replace(b"1900", b"Infinity"),
    GOOD.replace(b"1900", b"-Infinity"),
    GOOD.replace(b"support-bot", b"\\ud800"),
    GOOD.replace(b"1900", b"1" * 5000),
    b"1" * 3_000_000,
]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_what_is_not_json_is_refused(refusing: Service, body: bytes):
    before = stored(refusing)
    refused(raw(refusing, body), 422, "malformed-json")
    assert stored(refusing) == before


@pytest.mark.parametrize("shape", ["[" * 100_000, '{"a":' * 100_000, "[" * 65 + "]" * 65])
def test_depth_bombs_are_refused_before_parsing(refusing: Service, shape: str):
    body = b'{"results": [{"name": "x", "content": ' + shape.encode() + b"}]}"
    # The service is in this process: its work counts, not how busy the machine is.
    began, before = time.process_time(), stored(refusing)
    refused(raw(refusing, body), 422, "too-deep")
    assert time.process_time() - began < 2
    assert stored(refusing) == before


def test_depth_is_measured_exactly_and_brackets_in_strings_do_not_count():
    def nested(depth: int, inner: str = "1") -> bytes:
        return ("[" * depth + inner + "]" * depth).encode()

    assert not is_deeper(nested(MAX_DEPTH), MAX_DEPTH)
    assert is_deeper(nested(MAX_DEPTH + 1), MAX_DEPTH)
    assert not is_deeper(nested(10, '"' + "[" * 500 + '"'), MAX_DEPTH)
    assert not is_deeper(nested(10, json.dumps('\\" [[[[ ' * 200)), MAX_DEPTH)
    assert is_deeper(nested(60, json.dumps('\\"') + "," + "[" * 5 + "]" * 5), MAX_DEPTH)
    assert not is_deeper(b"[]" * 10_000, MAX_DEPTH)
    assert not is_deeper(b'{"a":[{}]}' * 10_000, MAX_DEPTH)
    mixed = b'{"a":' * 40 + b"[" * 30 + b"]" * 30 + b"}" * 40
    assert is_deeper(mixed, MAX_DEPTH)
    # A string that spans the places where the text is cut into pieces.
    long = b'["' + b"[" * 1_000_000 + b'"]'
    assert not is_deeper(long, MAX_DEPTH)
    assert is_deeper(b"[" * 10_000_000, MAX_DEPTH)


WRONG = [
    {"surprise": 1},
    {"stage": "production"},
    {"stage": None},
    {"candidate": {"model": "support-bot"}},
    {"candidate": {"model": "", "version": "1"}},
    {"candidate": {"model": "support-bot", "version": 1}},
    {"candidate": {"model": "support-bot", "version": "1\u0000"}},
    {"candidate": {"model": "support-bot", "version": "1\n2"}},
    {"candidate": {"model": "x" * 201, "version": "1"}},
    {"candidate": {"model": "support-bot", "version": "1", "digest": "sha256:xyz"}},
    {"measurements": {"metric": "accuracy"}},
    {"measurements": [{"metric": "accuracy", "value": "0.9", "n": 10}]},
    {"measurements": [{"metric": "accuracy", "value": True, "n": 10}]},
    {"measurements": [{"metric": "accuracy", "count": True, "n": 10}]},
    {"measurements": [{"metric": "accuracy", "count": 5.0, "n": 10}]},
    {"measurements": [{"metric": "accuracy", "count": 5}]},
    {"measurements": [{"metric": "errors", "count": 5, "exposure": 9.0, "n": 10}]},
    {"measurements": [{"metric": "errors", "count": 5, "exposure": 9.0, "ids": []}]},
    {"measurements": [{"metric": "errors", "count": 5, "exposure": 9.0, "stderr": 1.0}]},
    {"measurements": [{"metric": "accuracy", "value": 0.5, "exposure": 9.0}]},
    {"measurements": [{"metric": "accuracy", "count": -1, "n": 10}]},
    {"measurements": [{"metric": "accuracy", "value": 0.5, "n": -1}]},
    {"measurements": [{"metric": "accuracy"}]},
    {"measurements": [{"metric": "accuracy", "value": 0.5, "count": 5, "n": 10}]},
    {"measurements": [{"metric": "accuracy", "value": 0.5, "n": 2**60}]},
    {"measurements": [{"metric": "accuracy", "value": 0.5, "stderr": -1, "n": 5}]},
    {"measurements": [{"metric": "accuracy", "value": 0.5, "ci": [0.1], "n": 5}]},
    {"measurements": [{"metric": "accuracy", "value": 0.5, "ci": [0.1, 0.9], "n": 5}]},
    {"measurements": [{"metric": "accuracy", "scores": []}]},
    {"measurements": [{"metric": "accuracy", "scores": [1, 0], "ids": ["a"]}]},
    {"measurements": [{"metric": "accuracy", "scores": [1, 0], "labels": [1]}]},
    {"measurements": [{"metric": "accuracy", "exceed": {"limit": 1, "count": 3}}]},
    {"measurements": [{"metric": "m", "value": 1, "n": 1}] * 10_001},
    {"measured_at": "yesterday"},
    {"measured_at": "2026-11-20T10:00:00"},
    {"measured_at": 1_700_000_000},
    {"context": {"k": "v" * 5000}},
    {"context": {"k": 1}},
    {"baseline": {}},
    {"baseline": {"alias": "champion"}},
    {"results": [{"name": "x", "blob": "sha256:xyz"}]},
    {"results": [{"name": "x", "text": "a", "content": {}}]},
    {"results": [{"name": "x", "content": None}]},
    {"results": [{"name": "x", "base64": "!!"}]},
    {"documents": [{"kind": "dpia", "sha256": "ABC"}]},
]


@pytest.mark.parametrize("change", WRONG, ids=range(len(WRONG)))
def test_the_wrong_shape_is_refused_with_a_pointer(refusing: Service, change: dict[str, Any]):
    before = stored(refusing)
    body = refused(raw(refusing, json.dumps(evidence(**change)).encode()), 422, "invalid-request")
    place = body["errors"][0]["pointer"]
    assert place.startswith("/" + next(iter(change)))
    assert stored(refusing) == before


IMPOSSIBLE = [
    [{"metric": "accuracy", "count": 11, "n": 10}],
    [{"metric": "accuracy", "value": 1.5, "n": 10}],
    [{"metric": "accuracy", "value": 0.9, "n": 10}, {"metric": "accuracy", "value": 0.8, "n": 10}],
]


@pytest.mark.parametrize("measurements", IMPOSSIBLE, ids=range(len(IMPOSSIBLE)))
def test_impossible_evidence_is_refused(refusing: Service, measurements: list[Any]):
    before = stored(refusing)
    answer = refusing.submit(measurements=measurements)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] in {"impossible-value", "ambiguous-measurement"}
    assert answer.json()["errors"][0]["pointer"].startswith("/measurements")
    assert stored(refusing) == before


@pytest.mark.parametrize("path", ["/v1/evaluations", "/v1/evaluations/preview"])
@pytest.mark.parametrize("confidence", [5e-324, 1 - 2**-53])
def test_a_confidence_that_is_none_is_refused_also_in_a_baseline(
    service: Service, path: str, confidence: float
):
    """An interval of no confidence at all once ended in a division by zero."""
    service.publish(POLICY.replace("min: 0.85}", "versus_baseline: {max_drop: 0.01}}"))
    row = {"metric": "accuracy", "value": 0.9, "n": 500, "stderr": 0.01, "ci": [0.8, 0.95]}
    wrong, before = [{**row, "confidence": confidence}], stored(service)
    for change, place in (
        ({"measurements": wrong}, "/measurements"),
        ({"baseline": {"measurements": wrong}}, "/baseline/measurements"),
    ):
        answer = service.call("POST", path, json=evidence(**change))
        body = refused(answer, 422, "impossible-value")
        assert body["errors"][0]["pointer"] == f"{place}/0/confidence"
    assert stored(service) == before


XXE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><testsuite>&e;</testsuite>'
FILES = [
    {"name": "x.csv", "base64": "AAECAwQFBgcICQo="},
    {"name": "x.xml", "text": XXE},
    {"name": "x.json", "text": '{"a": 1, "a": 2}'},
    {"name": "x.json", "text": "{" * 100_000},
    {"name": "x.json", "text": ""},
    {"name": "x.json", "content": {"nothing": {"known": []}}},
    {"name": "x.json", "text": "{}", "format": "no-such-format"},
]


@pytest.mark.parametrize("file", FILES, ids=range(len(FILES)))
def test_hostile_files_are_refused(refusing: Service, file: dict[str, Any]):
    before = stored(refusing)
    answer = refusing.submit(results=[file])
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith("/results/0")
    assert "root:" not in answer.text
    assert stored(refusing) == before


def test_a_body_beyond_the_limit_is_413_without_being_kept(settings: Settings):
    small = Settings(**_fields(settings) | {"max_body_bytes": 100_000})
    with running(small) as service:
        service.publish()
        before = stored(service)
        refused(raw(service, GOOD + b" " * 200_000), 413, "payload-too-large")

        def endless():
            for _ in range(100):
                yield b" " * 10_000

        chunked = service.call("POST", "/v1/evaluations", content=endless())
        refused(chunked, 413, "payload-too-large")
        assert stored(service) == before
        assert service.submit().status_code == 201


def test_a_hundred_megabytes_are_refused_by_their_announcement(ready: Service):
    url = urlsplit(str(ready.client.base_url))
    assert url.hostname
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    connection.putrequest("POST", "/v1/evaluations")
    connection.putheader("Authorization", f"Bearer {ready.admin}")
    connection.putheader("Content-Length", str(100 * 1024 * 1024))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)["type"]) == (413, "payload-too-large")
    connection.close()


def test_a_body_that_ends_early_stores_nothing(ready: Service):
    before = stored(ready)
    url = urlsplit(str(ready.client.base_url))
    with socket.create_connection((url.hostname, url.port), timeout=60) as client:
        head = (
            "POST /v1/evaluations HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {ready.admin}\r\nContent-Length: {len(GOOD)}\r\n\r\n"
        )
        client.sendall(head.encode() + GOOD[:50])
    assert ready.client.get("/healthz").status_code == 200
    assert stored(ready) == before


def test_unknown_paths_methods_and_types(ready: Service):
    refused(ready.call("GET", "/nothing"), 404, "not-found")
    wrong = ready.call("DELETE", "/v1/evaluations")
    refused(wrong, 405, "method-not-allowed")
    assert "POST" in wrong.headers["allow"]
    xml = raw(ready, GOOD, **{"Content-Type": "application/xml"})
    refused(xml, 415, "unsupported-media-type")
    refused(ready.call("GET", "/v1/decisions/..%2Fx"), 404, "not-found")
    refused(ready.call("GET", "/v1/decisions?limit=x"), 422, "invalid-request")
    refused(ready.call("GET", "/v1/decisions?model=%00"), 422, "invalid-request")
    refused(ready.call("GET", "/v1/audit/entries/-1"), 422, "invalid-request")
    refused(ready.call("GET", "/v1/audit/entries/99999999"), 404, "entry-not-found")
    refused(ready.call("GET", "/v1/audit/consistency?from=5&to=2"), 404, "entry-not-found")
    refused(ready.call("GET", "/v1/audit/entries/" + "9" * 40), 422, "invalid-request")


def test_request_ids_are_honoured_only_when_well_formed(service: Service):
    def named(**headers: str) -> str:
        return service.client.get("/healthz", headers=headers).headers["x-request-id"]

    assert named(**{"X-Request-ID": "build-17"}) == "build-17"
    assert named(**{"X-Request-ID": "a b<script>"}).startswith("req_")
    assert named(**{"X-Request-ID": "x" * 500}).startswith("req_")
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert named(traceparent=f"00-{trace}-00f067aa0ba902b7-01") == trace
    assert named(traceparent=f"00-{'0' * 32}-00f067aa0ba902b7-01").startswith("req_")


def test_a_fault_of_ours_is_500_without_a_trace(ready: Service, monkeypatch):
    def broken(*_: object, **__: object):
        raise RuntimeError("secret internals clr_abc")

    monkeypatch.setattr("app.evaluations.service.decide", broken)
    before = stored(ready)
    body = refused(ready.submit(), 500, "internal-error")
    assert "secret" not in json.dumps(body)
    assert stored(ready) == before


def test_a_database_that_fails_to_commit_gives_503_and_no_verdict(ready: Service):
    before = stored(ready)
    engine = ready.app.state.runtime.engine

    def fail(*_: object) -> None:
        from sqlalchemy.exc import OperationalError

        raise OperationalError("INSERT secret", {}, Exception("disk I/O error"))

    event.listen(engine, "commit", fail)
    try:
        answer = ready.submit()
    finally:
        event.remove(engine, "commit", fail)
    assert answer.status_code == 503, answer.text
    assert "retry-after" in answer.headers
    assert not any(word in answer.text for word in NOISE)
    assert "verdict" not in answer.text
    assert stored(ready) == before


def test_a_full_queue_is_503_with_retry_after(ready: Service):
    inbox = ready.app.state.runtime.ledger._inbox
    limit, inbox._limit = inbox._limit, 0
    try:
        answer = ready.submit()
    finally:
        inbox._limit = limit
    assert (answer.status_code, answer.json()["type"]) == (503, "record-unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert "verdict" not in answer.text
    assert ready.submit().status_code == 201


def test_a_read_only_database_is_503(tmp_path: Path, sqlite_template: Path):
    import shutil

    path = tmp_path / "clearance.db"
    shutil.copy(sqlite_template, path)
    with running(Settings(database_url=f"sqlite:///{path}", data_dir=tmp_path)) as service:
        service.publish()
        engine = service.app.state.runtime.engine
        before = stored(service)

        def read_only(connection, *_: object) -> None:
            connection.execute("PRAGMA query_only = ON")

        engine.dispose()
        event.listen(engine, "connect", read_only)
        answer = service.submit()
        assert (answer.status_code, answer.json()["type"]) == (503, "record-unavailable")
        assert "read-only" in answer.json()["detail"]
        assert stored(service) == before


def test_a_full_disk_is_503(tmp_path: Path, sqlite_template: Path):
    import shutil

    path = tmp_path / "clearance.db"
    shutil.copy(sqlite_template, path)
    with running(Settings(database_url=f"sqlite:///{path}", data_dir=tmp_path)) as service:
        service.publish()
        engine = service.app.state.runtime.engine

        def tiny(connection, *_: object) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages + 4}")

        engine.dispose()
        event.listen(engine, "connect", tiny)
        answers = [service.submit(version=str(i)) for i in range(30)]
        last = answers[-1]
        assert (last.status_code, last.json()["type"]) == (503, "record-unavailable")
        assert "full" in last.json()["detail"]
        kept = sum(answer.status_code == 201 for answer in answers)
        assert stored(service)[1] == kept


def test_keys_of_the_log_are_private_files(settings: Settings, tmp_path: Path):
    assert settings.log_key_file is not None
    assert stat.S_IMODE(settings.log_key_file.stat().st_mode) == 0o600


def _fields(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in Settings.__dataclass_fields__}
