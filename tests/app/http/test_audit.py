"""The record over HTTP, checked as a stranger would: from the bytes alone."""

import hashlib
import time
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.ledger.merkle import verify_consistency, verify_inclusion
from app.ledger.note import Checkpoint, VerifierKey, open_checkpoint
from app.ledger.work import Work
from app.settings import networks
from tests.app.cli.shell import clearance
from tests.app.http.service import Service, running
from tests.app.ledger.test_writer import tamper
from tests.app.ledger.works import entry

SIZE = 700


@pytest.fixture
def filled(service: Service) -> Service:
    """At least 700 entries: two full tiles and a partial one."""
    ledger = service.app.state.runtime.ledger
    for _ in range(7):
        ledger.commit_sync(Work(entries=[entry() for _ in range(100)]))
    return service


def newest(service: Service) -> Checkpoint:
    note = service.client.get("/v1/audit/checkpoint").text
    item = service.client.get("/v1/audit/keys").json()["items"][0]
    return open_checkpoint(note, [VerifierKey.parse(item["verifier_key"])])


def pair(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: list[bytes]) -> bytes:
    """RFC 6962 as it is written down, slowly."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return pair(root(leaves[:split]), root(leaves[split:]))


def split(hashes: bytes) -> list[bytes]:
    return [hashes[i : i + 32] for i in range(0, len(hashes), 32)]


def test_tiles_and_bundles_give_the_signed_root_to_anyone_who_computes_it(filled: Service) -> None:
    signed = newest(filled)
    last = signed.size - 512
    paths = ["0/000", "0/001", f"0/002.p/{last}"]
    answers = [filled.client.get(f"/v1/audit/tile/{path}") for path in paths]
    assert [answer.status_code for answer in answers] == [200] * 3
    leaves = [leaf for answer in answers for leaf in split(answer.content)]
    assert len(leaves) == signed.size
    assert root(leaves) == signed.root
    above = filled.client.get("/v1/audit/tile/1/000.p/2")
    assert split(above.content) == [root(leaves[:256]), root(leaves[256:512])]
    kept = [answer.headers["cache-control"] for answer in [*answers, above]]
    assert kept == [
        "public, max-age=31536000, immutable",
        "public, max-age=31536000, immutable",
        "public, max-age=3600",
        "public, max-age=3600",
    ]
    assert {answer.headers["content-type"] for answer in answers} == {"application/octet-stream"}
    bodies = []
    for path in ("entries/000", "entries/001", f"entries/002.p/{last}"):
        answer = filled.call("GET", f"/v1/audit/tile/{path}")
        assert answer.headers["cache-control"].startswith("private, max-age=")
        assert answer.headers["content-encoding"] == "gzip"
        content = answer.content
        while content:
            length = int.from_bytes(content[:2], "big")
            bodies.append(content[2 : 2 + length])
            content = content[2 + length :]
    assert [hashlib.sha256(b"\x00" + body).digest() for body in bodies] == leaves
    plain = filled.call(
        "GET", "/v1/audit/tile/entries/000", headers={"Accept-Encoding": "identity"}
    )
    assert "content-encoding" not in plain.headers
    assert plain.content[2 : 2 + len(bodies[0])] == bodies[0]


@pytest.mark.parametrize(
    "path",
    [
        "0/003",
        "0/002",
        "0/002.p/255",
        "1/000",
        "2/000.p/1",
        "63/000.p/1",
        "0/x001/000",
        "0/7",
        "a/b",
    ],
)
def test_a_tile_that_is_not_there_is_not_found_and_said_why(filled: Service, path: str) -> None:
    answer = filled.client.get(f"/v1/audit/tile/{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "tile-not-found")
    assert "cache-control" not in answer.headers


def test_entries_need_a_key_where_hashes_do_not(filled: Service) -> None:
    assert filled.client.get("/v1/audit/tile/0/000").status_code == 200
    assert filled.client.get("/v1/audit/tile/entries/000").status_code == 401
    pipeline = filled.key("pipeline", "submitter")
    assert filled.call("GET", "/v1/audit/tile/entries/000", pipeline).status_code == 403


def test_a_proof_file_is_checked_without_the_service(filled: Service) -> None:
    answer = filled.call("GET", "/v1/audit/entries/600.tlog-proof")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="600.tlog-proof"'
    head, _, note = answer.text.partition("\n\n")
    first, index, *path = head.split("\n")
    assert (first, index) == ("c2sp.org/tlog-proof@v1", "index 600")
    key = VerifierKey.parse(filled.client.get("/v1/audit/keys").json()["items"][0]["verifier_key"])
    signed = open_checkpoint(note, [key])
    body = filled.call("GET", "/v1/audit/entries/600").json()["bytes"].encode()
    leaf = hashlib.sha256(b"\x00" + body).digest()
    verify_inclusion(600, signed.size, leaf, [b64decode(line) for line in path], signed.root)
    for index in ("99999", "-1", "x"):
        missing = filled.call("GET", f"/v1/audit/entries/{index}.tlog-proof")
        assert missing.status_code in {404, 422}


def test_growth_is_proven_between_two_answers(filled: Service) -> None:
    old = newest(filled)
    filled.app.state.runtime.ledger.commit_sync(Work(entries=[entry()]))
    new = newest(filled)
    sizes = f"from={old.size}&to={new.size}"
    answer = filled.call("GET", f"/v1/audit/consistency?{sizes}").json()
    proof = [bytes.fromhex(node) for node in answer["proof"]]
    verify_consistency(old.size, new.size, old.root, new.root, proof)
    for sizes in (f"from={new.size}&to={old.size}", f"from=1&to={new.size + 1}"):
        refused = filled.call("GET", f"/v1/audit/consistency?{sizes}")
        assert (refused.status_code, refused.json()["type"]) == (404, "entry-not-found")
        assert str(new.size) in refused.json()["detail"]


def test_a_log_that_contradicts_its_signature_is_not_served(filled: Service) -> None:
    engine = filled.app.state.runtime.engine
    tamper(engine, 'UPDATE audit_entry SET leaf_hash = body WHERE "index" = 600')
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit_entry")) >= SIZE
    last = newest(filled).size - 512
    for path in (f"/v1/audit/tile/0/002.p/{last}", "/v1/audit/entries/601/proof"):
        answer = filled.call("GET", path)
        assert (answer.status_code, answer.json()["type"]) == (503, "record-inconsistent")


def test_readiness_shows_what_is_anchored_and_minds_only_past_an_age(settings) -> None:
    settings = replace(
        settings,
        anchor_seconds=1,
        anchor_url="http://127.0.0.1:9/anchor",
        anchor_max_age_seconds=600,
        outbound_allow=networks("127.0.0.0/8"),
    )
    with running(settings) as service:
        size = newest(service).size
        end = time.monotonic() + 60
        while True:
            answer = service.client.get("/readyz")
            file, put = answer.json()["anchors"]
            if file["size"] == size or time.monotonic() > end:
                break
            time.sleep(0.05)
        assert answer.status_code == 200
        assert (file["name"], file["size"], file["behind_seconds"]) == ("file", size, 0.0)
        assert file["problem"] is None
        assert file["age_seconds"] >= 0
        assert (put["name"], put["size"], put["age_seconds"]) == ("put", None, None)
        assert "127.0.0.1" in put["problem"]
        metrics = service.client.get("/metrics").text
        assert f'clearance_anchored_size{{anchor="file"}} {size}' in metrics
        service.clock.ahead = timedelta(minutes=11)
        late = service.client.get("/readyz")
        assert late.status_code == 503
        assert late.json()["ledger"] == "writing"
        assert late.json()["anchors"][1]["behind_seconds"] > 600


def test_serve_refuses_a_database_behind_its_anchor_in_words(tmp_path) -> None:
    env = {"CLEARANCE_DATABASE_URL": f"sqlite:///{tmp_path}/clearance.db"}
    assert clearance("migrate", env=env).returncode == 0
    create = ("key", "create", "--role", "viewer", "--name")
    assert clearance(*create, "one", env=env).returncode == 0
    assert clearance(*create, "two", env=env).returncode == 0
    (tmp_path / "clearance.db").rename(tmp_path / "lost.db")
    for left in ("-wal", "-shm"):
        (tmp_path / f"clearance.db{left}").unlink(missing_ok=True)
    assert clearance("migrate", env=env).returncode == 0
    for command in (("serve", "--port", "0"), (*create, "three"), ("key", "rotate", "--log")):
        refused = clearance(*command, env=env)
        assert refused.returncode == 2
        assert "behind its anchor" in refused.stderr
        assert "docs/anchors.md" in refused.stderr
