"""Large files: sent apart, named by digest, read piece by piece, and copied to the evidence."""

import hashlib
import json
import zlib
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select

from app.blobs.reading import PART, opened
from app.blobs.tables import evidence_file, evidence_file_part
from app.cli.beside import Given
from app.cli.submit import files_of
from app.ledger.tables import evidence_blob
from app.runtime import Runtime
from app.settings import Settings
from tests.app.cli.shell import clearance
from tests.app.http.service import Service, running


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def put(service: Service, data: bytes, token: str | None = None, name: str | None = None):
    path = f"/v1/blobs/{name or digest_of(data)}"
    return service.call("PUT", path, token, content=data)


def runtime_of(service: Service) -> Runtime:
    runtime: Runtime = service.app.state.runtime
    return runtime


def stored(service: Service) -> tuple[int, int]:
    with runtime_of(service).engine.connect() as connection:
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (evidence_file, evidence_file_part)
        ]
    return counts[0], counts[1]


def evidence(service: Service) -> dict[str, bytes]:
    with runtime_of(service).engine.connect() as connection:
        found = connection.execute(select(evidence_blob)).all()
    return {
        row.digest: zlib.decompress(row.body) if row.encoding == "zlib" else bytes(row.body)
        for row in found
    }


def rows(count: int = 2000, right: int = 1900) -> bytes:
    lines = [{"id": f"q{i}", "accuracy": float(i < right), "note": "x" * 40} for i in range(count)]
    return b"\n".join(json.dumps(line).encode() for line in lines)


BIG = bytes(range(256)) * (10 * 1024)


def test_a_file_comes_back_byte_for_byte_from_any_place(service: Service):
    answer = put(service, BIG)
    assert answer.status_code == 201
    assert answer.json() == {"digest": digest_of(BIG), "size": len(BIG)}
    assert put(service, BIG).status_code == 200
    assert stored(service) == (1, 3)
    runtime = runtime_of(service)
    with opened(runtime.engine, digest_of(BIG), runtime.clock) as file:
        assert file.read() == BIG
        for place in (0, 1, PART - 1, PART, 2 * PART + 5, len(BIG) - 1, len(BIG)):
            file.seek(place)
            assert file.read(300) == BIG[place : place + 300]
        assert file.seek(-10, 2) == len(BIG) - 10


def test_what_is_not_what_it_says_leaves_nothing_behind(service: Service):
    answer = put(service, BIG, name="sha256:" + "0" * 64)
    assert (answer.status_code, answer.json()["type"]) == (422, "digest-mismatch")
    assert digest_of(BIG) in answer.json()["detail"]
    for name in ("sha256:xyz", "md5:0", "sha256:" + "A" * 64):
        assert put(service, b"x", name=name).json()["type"] == "invalid-request"
    assert put(service, b"x", service.key("eyes", "viewer")).status_code == 403
    assert service.client.put(f"/v1/blobs/{digest_of(b'x')}", content=b"x").status_code == 401
    assert stored(service) == (0, 0)


def test_an_evaluation_names_a_file_and_keeps_it(service: Service):
    service.publish()
    data = rows()
    put(service, data)
    results = [{"name": "rows.jsonl", "blob": digest_of(data)}]
    attacks = [{"metric": "attack_success_rate", "count": 2, "n": 1000}]
    unknown = service.submit(results=[{"name": "x", "blob": "sha256:" + "1" * 64}])
    assert (unknown.status_code, unknown.json()["type"]) == (422, "blob-not-found")
    assert "PUT /v1/blobs/sha256:1" in unknown.json()["detail"]
    seen = {
        "candidate": {"model": "support-bot", "version": "1"},
        "stage": "limited_release",
        "results": results,
        "baseline": {"results": results},
    }
    assert service.call("POST", "/v1/evaluations/preview", json=seen).status_code == 200
    assert evidence(service).keys().isdisjoint({digest_of(data)})
    before = len(evidence(service))
    answer = service.submit(measurements=attacks, results=results)
    assert answer.status_code == 201, answer.text
    decision = answer.json()
    accuracy = decision["gates"][0]["findings"][0]
    assert (decision["verdict"], accuracy["observed"]["n"]) == ("pass", 2000)
    entry = service.call("GET", f"/v1/audit/entries/{decision['audit']['index'] - 1}").json()
    refs = (
        json.loads(entry["body"])["refs"]
        if isinstance(entry["body"], str)
        else entry["body"]["refs"]
    )
    kept = evidence(service)
    listed = json.loads(kept[refs["files"][digest_of(data)]])
    assert b"".join(kept[part] for part in listed["parts"]) == data
    assert (listed["file"], listed["size"]) == (digest_of(data), len(data))
    assert len(kept) > before
    # What was sent is removed, and the evidence stays.
    service.clock.ahead = timedelta(days=30)
    put(service, b"another")
    assert stored(service) == (1, 1)
    assert evidence(service).keys() >= kept.keys()
    replay = service.call("POST", f"/v1/decisions/{decision['id']}/replay")
    assert replay.json()["identical"] is True


def test_files_are_bounded_each_together_and_in_time(settings: Settings):
    small = replace(settings, max_blob_bytes=5000, blob_quota_bytes=8000)
    with running(small) as service:
        assert put(service, b"a" * 5001).json()["type"] == "payload-too-large"
        assert put(service, b"a" * 5000).status_code == 201
        over = put(service, b"b" * 4000)
        assert (over.status_code, over.json()["type"]) == (413, "quota-exceeded")
        assert put(service, b"b" * 3000).status_code == 201
        assert put(service, b"c").json()["type"] == "quota-exceeded"
        other = service.key("second", "submitter")
        assert put(service, b"c", other).status_code == 201
        assert stored(service) == (3, 3)
        service.clock.ahead = timedelta(hours=25)
        assert put(service, b"later").status_code == 201
        # What no evaluation used is gone with its parts.
        assert stored(service) == (1, 1)


def test_submit_sends_apart_what_the_service_does_not_take_in_one_body(
    settings: Settings, tmp_path
):
    results = tmp_path / "rows.jsonl"
    results.write_bytes(rows())
    other = tmp_path / "attacks.json"
    other.write_text('[{"metric": "attack_success_rate", "count": 2, "n": 1000}]')
    with running(replace(settings, max_body_bytes=20_000)) as service:
        service.publish()
        env = {
            "CLEARANCE_URL": str(service.client.base_url),
            "CLEARANCE_TOKEN": service.key("pipeline", "submitter"),
        }
        where = ("-m", "support-bot", "-v", "1", "-s", "limited_release")
        done = clearance("submit", results, other, *where, "-o", "json", env=env)
        assert done.returncode == 0, done.stderr
        finding = json.loads(done.stdout)["gates"][0]["findings"][0]
        assert finding["observed"]["n"] == 2000
        assert stored(service)[0] == 2


def test_what_fits_goes_into_the_body_and_the_rest_by_digest(tmp_path):
    sent: list[tuple[str, bytes, int]] = []

    class Taking:
        def send(self, path, pieces, size):
            sent.append((path, b"".join(pieces), size))

    small, binary, big = (tmp_path / name for name in ("s.json", "b.eval", "big.jsonl"))
    small.write_text("{}")
    binary.write_bytes(b"\xff\xfe")
    big.write_bytes(rows())
    paths = [Given(str(path)) for path in (small, binary, big)]
    found = files_of(Taking(), paths, "auto", 1000)
    assert [item.keys() - {"name", "format"} for item in found] == [{"text"}, {"base64"}, {"blob"}]
    assert found[2]["blob"] == digest_of(rows())
    assert sent == [(f"/blobs/{digest_of(rows())}", rows(), len(rows()))]
