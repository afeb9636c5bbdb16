"""Export, verify, replay and sample, on both databases, as an operator and an auditor would."""

import csv
import io
import json
import random
import shutil
import threading
import tracemalloc
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update

from app import verifier
from app.audit import routes
from app.audit.archive import members, snapshot, tar
from app.audit.reading import ArchiveRecord, DatabaseRecord
from app.audit.replaying import Outcome, Replayer, summary
from app.audit.sample import rank, sample
from app.evaluations.inputs import digest_of
from app.evaluations.presentation import decision_json
from app.evaluations.tables import decision
from app.ledger.merkle import leaf_hash, verify_inclusion
from app.ledger.tables import audit_checkpoint, audit_cosignature, evidence_blob
from app.settings import Settings
from app.verifier import Note
from tests.app.audit.keys import Cosigner
from tests.app.audit.records import FILLED, judged, parts, sealed, together
from tests.app.audit.shell import clearance
from tests.app.http.service import ESCALATES, Service, running


@pytest.fixture
def env(service: Service, settings: Settings) -> dict[str, str]:
    """What an operator's shell and an auditor's shell know."""
    return {
        "CLEARANCE_DATABASE_URL": settings.database_url,
        "CLEARANCE_ANCHOR_FILE": "none",
        "CLEARANCE_URL": str(service.client.base_url).rstrip("/"),
        "CLEARANCE_TOKEN": service.key("vera", "auditor", person=True),
    }


def test_the_same_record_gives_the_same_bytes_from_shell_and_service(service, env, tmp_path):
    target = tmp_path / "record.tar"
    done = clearance("audit", "export", "--to", target, env=env)
    assert done.returncode == 0, done.stderr
    served = service.call("GET", "/v1/audit/export", env["CLEARANCE_TOKEN"])
    assert served.headers["content-type"] == "application/x-tar"
    assert served.content == target.read_bytes() == sealed(service)
    assert list(tmp_path.glob(".record*")) == []


def test_only_auditors_and_admins_export(service):
    assert service.call("GET", "/v1/audit/export", service.key("v", "viewer")).status_code == 403
    assert service.client.get("/v1/audit/export").status_code == 401


def test_nothing_private_is_in_the_archive(service):
    """The archive has commitments; the values and salts behind them stay in the database."""
    with service.app.state.runtime.engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM audit_private")).all()
    hidden = [
        bytes(value) for row in rows for value in row if isinstance(value, bytes | memoryview)
    ]
    assert hidden
    record = sealed(service)
    assert not any(value in record for value in hidden)


def test_everything_is_verified_replayed_and_complete(env):
    done = clearance("audit", "verify", "--database", "--replay", "-o", "json", env=env)
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (3, "unanchored")
    assert found["replay"]["outcomes"] == {"identical": FILLED}
    assert found["completeness"]["complete"]


def test_an_auditor_verifies_the_archive_and_the_service(service, env, tmp_path):
    kept, target = tmp_path / "kept.txt", tmp_path / "record.tar"
    kept.write_text(clearance("audit", "checkpoint", env=env).stdout, "utf-8")
    service.submit(version="later", **ESCALATES)
    clearance("audit", "export", "--to", target, env=env)
    for record in (str(target), env["CLEARANCE_URL"]):
        done = clearance("audit", "verify", record, "--since", kept, "--replay", env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.startswith("VERIFIED")
        assert f"{FILLED + 1} of {FILLED + 1} decisions are identical" in done.stdout
    live = clearance("audit", "verify", env["CLEARANCE_URL"], "-o", "json", env=env)
    assert json.loads(live.stdout)["verdict"] == "unanchored"
    anonymous = clearance(
        "audit", "verify", env["CLEARANCE_URL"], env=env | {"CLEARANCE_TOKEN": ""}
    )
    assert anonymous.returncode == 2
    assert "CLEARANCE_TOKEN" in anonymous.stderr


def test_a_decision_that_a_pipeline_kept_is_an_outside_copy(service, env, tmp_path):
    kept = tmp_path / "decision.json"
    kept.write_text(service.submit(version="kept").text, "utf-8")
    done = clearance("audit", "verify", "--database", "--since", kept, env=env)
    assert done.returncode == 0, done.stdout
    assert "extends the checkpoint of" in done.stdout
    assert "What was answered in decision.json is entry" in done.stdout
    answer = json.loads(kept.read_text("utf-8"))
    answer["audit"]["leaf"] = "00" * 32
    kept.write_text(json.dumps(answer), "utf-8")
    forged = clearance("audit", "verify", "--database", "--since", kept, env=env)
    assert forged.returncode == 1
    assert f"the first bad one is entry {answer['audit']['index']}" in forged.stdout


def test_wrong_usage_says_what_to_write(env, tmp_path):
    for arguments in ([], ["x.tar", "--database"], [tmp_path / "none.tar"], [tmp_path]):
        assert clearance("audit", "verify", *arguments, env=env).returncode == 2
    for age in ("nan", "-1", "1e300"):
        assert clearance("audit", "verify", "--database", "--max-age", age, env=env).returncode == 2
    broken = tmp_path / "kept.txt"
    broken.write_text("no checkpoint", "utf-8")
    done = clearance("audit", "verify", "--database", "--since", broken, env=env)
    assert done.returncode == 2
    assert "holds no checkpoint" in done.stderr


def test_a_decision_without_its_entry_and_an_entry_without_its_decision(service, env):
    """The log itself stays valid; only counting both sides shows it."""
    with service.app.state.runtime.engine.begin() as connection:
        names = connection.execute(text("SELECT id FROM decision ORDER BY id")).scalars().all()
        copied = ", ".join(
            column.name if column.name not in {"id", "entry"} else f"'forged_{column.name}'"
            for column in decision.c
        )
        into = ", ".join(column.name for column in decision.c)
        forged = f"INSERT INTO decision ({into}) SELECT {copied} FROM decision WHERE id = :name"
        connection.execute(text(forged), {"name": names[2]})
    done = clearance("audit", "verify", "--database", env=env)
    assert done.returncode == 1
    assert "VALID, BUT UNANCHORED" in done.stdout
    assert "forged_id has no decision.recorded entry" in done.stdout
    assert _without(service, names[4])
    done = clearance("audit", "verify", "--database", env=env)
    assert done.returncode == 1
    assert f"{names[4]}) has no decision in the tables" in done.stdout


def _without(service: Service, name: str) -> bool:
    """A decision's row removed, as by an administrator whom no foreign key stops."""
    with service.app.state.runtime.engine.begin() as connection:
        for statement in (
            "DELETE FROM sign_off WHERE review IN (SELECT id FROM review WHERE decision = :name)",
            "DELETE FROM attestation WHERE decision = :name",
            "DELETE FROM look WHERE decision = :name",
            "DELETE FROM review WHERE decision = :name",
            "DELETE FROM decision WHERE id = :name",
        ):
            removed = connection.execute(text(statement), {"name": name}).rowcount
    return bool(removed == 1)


def test_replay_finds_a_decision_that_does_not_follow(service, env, monkeypatch):
    """What was answered and what the engine makes of the same evidence differ: that is named."""
    with snapshot(service.app.state.runtime.engine) as connection:
        record = DatabaseRecord(connection)
        assert {item.outcome for item in Replayer(record).all()} == {Outcome.IDENTICAL}
        real = record.document

        def forged(digest: str, name: str) -> bytes | None:
            found = real(digest, name)
            return found and found.replace(b'"verdict":"fail"', b'"verdict":"pass"', 1)

        monkeypatch.setattr(record, "document", forged)
        found = summary(record)
        assert found.exit_code == 1
        assert found.counts[Outcome.DIFFERENT] == FILLED // 3
        assert any('/verdict: "pass" is now "fail"' in line for line in found.words)
        monkeypatch.setattr("app.audit.replaying.engine", lambda: "9.9.9")
        other = summary(record)
        assert other.exit_code == 3
        assert any("were decided by engine" in line for line in other.words)


def test_a_newer_engine_must_give_every_value_that_the_older_one_wrote(service, monkeypatch):
    """Fields that were added later are no difference under another version, and are under this."""
    from app.audit import replaying

    monkeypatch.setattr(
        replaying, "decision_json", lambda *a, **k: {**decision_json(*a, **k), "new": 1}
    )
    with snapshot(service.app.state.runtime.engine) as connection:
        same = summary(DatabaseRecord(connection))
        code = same.exit_code
        monkeypatch.setattr("app.audit.replaying.engine", lambda: "9.9.9")
        newer = summary(DatabaseRecord(connection))
    assert (code, dict(same.counts)) == (1, {Outcome.DIFFERENT: FILLED})
    assert (newer.exit_code, dict(newer.counts)) == (0, {Outcome.SAME_VALUES: FILLED})
    assert f"{FILLED} in every value that their own engine wrote" in newer.words[0]
    assert any("were decided by engine" in line for line in newer.words)


def test_replay_without_its_evidence_says_erased(service, monkeypatch):
    with snapshot(service.app.state.runtime.engine) as connection:
        record = DatabaseRecord(connection)
        monkeypatch.setattr(record, "evidence", lambda digest: None)
        found = summary(record)
    assert (found.exit_code, dict(found.counts)) == (0, {Outcome.ERASED: FILLED})


def test_the_population_has_one_line_an_event(env, tmp_path):
    target = tmp_path / "population.csv"
    assert clearance("audit", "export", "--csv", "--to", target, env=env).returncode == 0
    rows = list(csv.DictReader(io.StringIO(target.read_text("utf-8"))))
    kinds = [row["type"] for row in rows]
    assert kinds.count("decision.recorded") == FILLED
    assert kinds.count("review.opened") == FILLED // 3
    assert (kinds.count("review.signed_off"), kinds.count("decision.revoked")) == (1, 1)
    first = next(row for row in rows if row["type"] == "decision.recorded")
    assert (first["verdict"], first["model"]) == ("pass", "support-bot")
    assert all(row["decision"].startswith("dec_") for row in rows)


def test_a_formula_is_a_text_in_the_population(service):
    from app.audit.population import lines

    service.publish(
        "policy: any\nowner: o\napplies_to: {model: '=*', stage: evaluation}\n"
        "gates:\n  g:\n    - {metric: accuracy, min: 0.5}\n",
        "any",
    )
    made = service.submit(
        candidate={"model": "=cmd|x", "version": "1"}, stage="evaluation", policy="any"
    )
    if made.status_code == 422:
        # Such a name is refused already at the door.
        assert "model" in made.text
        return
    with snapshot(service.app.state.runtime.engine) as connection:
        found = list(csv.DictReader(lines(DatabaseRecord(connection))))
    assert "'=cmd|x" in {row["model"] for row in found}


def test_a_sample_can_be_drawn_again_from_either_source(service, env, tmp_path):
    path = tmp_path / "record.tar"
    path.write_bytes(sealed(service))
    with snapshot(service.app.state.runtime.engine) as connection:
        here = sample(DatabaseRecord(connection), "2026-Q4", 3)
    with path.open("rb") as first, path.open("rb") as second:
        there = sample(ArchiveRecord(first, second), "2026-Q4", 3)
    assert here == there
    assert len(here["items"]) == 3
    assert here["population"] == FILLED
    with path.open("rb") as first, path.open("rb") as second:
        everyone = sample(ArchiveRecord(first, second), "x", 100)["items"]
    ranked = sorted((item["decision"] for item in everyone), key=lambda d: rank("2026-Q4", d))
    assert {item["decision"] for item in here["items"]} == set(ranked[:3])


def test_a_sampled_decision_comes_with_everything_and_its_proof(service, env, tmp_path):
    folder = tmp_path / "sample"
    done = clearance(
        "audit", "sample", "--seed", "1", "--size", str(FILLED), "--to", folder, env=env
    )
    assert done.returncode == 0, done.stderr
    listed = json.loads((folder / "sample.json").read_text("utf-8"))
    signed = Note.parse(listed["checkpoint"], "it")
    items = [json.loads(p.read_text("utf-8")) for p in folder.glob("*-dec_*.json")]
    assert len(items) == FILLED
    for item in items:
        proof = [bytes.fromhex(node) for node in item["proof"]]
        leaf = bytes.fromhex(item["leaf"])
        verify_inclusion(item["index"], signed.size, leaf, proof, signed.root)
        own = next(entry for entry in item["entries"] if entry["index"] == item["index"])
        assert leaf_hash(own["bytes"].encode()) == leaf
        assert item["document"]["id"] == item["decision"]
        assert item["policy"]["policy"] == "support-bot-release"
        assert item["submitted"]["candidate"]["model"] == "support-bot"
        assert item["inputs"]["submission"]
    kinds: dict[str, Any] = {i["decision"]: _kinds(i) for i in items}
    settled = [k for k in kinds.values() if "review.signed_off" in k]
    revoked = [k for k in kinds.values() if "decision.revoked" in k]
    assert (len(settled), len(revoked)) == (1, 1)
    assert {"evaluation.received", "review.opened"} <= set(settled[0])
    assert any(item["statements"] for item in items)


def _kinds(item: dict[str, Any]) -> list[str]:
    return [entry["body"].get("type", "leaf") for entry in item["entries"]]


def test_a_record_that_does_not_hold_is_not_exported(service, env, tmp_path):
    with service.app.state.runtime.engine.begin() as connection:
        for name in _triggers(connection):
            connection.execute(text(name))
        connection.execute(text("DELETE FROM audit_entry WHERE index = 5".replace("index", QUOTED)))
    done = clearance("audit", "export", "--to", tmp_path / "record.tar", env=env)
    assert done.returncode == 1
    assert "entry 5 is missing" in done.stderr
    assert list(tmp_path.glob("*.tar")) == []
    verified = clearance("audit", "verify", "--database", env=env)
    assert verified.returncode == 1
    assert "the first bad one is entry 5" in verified.stdout


QUOTED = '"index"'


def _triggers(connection: Any) -> list[str]:
    """The statements by which a database administrator removes what guards the log."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        return [f"DROP TRIGGER {row.name}" for row in rows]
    rows = connection.execute(
        text(
            "SELECT tgname, tgrelid::regclass::text AS place FROM pg_trigger WHERE NOT tgisinternal"
        )
    )
    return [f"DROP TRIGGER {row.tgname} ON {row.place}" for row in rows]


def test_an_empty_database_has_nothing_to_export(settings, tmp_path):
    env = {"CLEARANCE_DATABASE_URL": settings.database_url}
    done = clearance("audit", "export", "--to", tmp_path / "x.tar", env=env)
    assert done.returncode == 2
    assert "no record to export" in done.stderr
    assert clearance("audit", "verify", "--database", env=env).returncode == 2


def test_a_rotated_key_is_followed(settings, tmp_path, sqlite_template):
    """The old key endorses the new one on the record; who trusts either can verify."""
    path = tmp_path / "rotated.db"
    shutil.copy(sqlite_template, path)
    env = {"CLEARANCE_DATABASE_URL": f"sqlite:///{path}", "CLEARANCE_LOG_ORIGIN": "r.test/log"}
    made = ("key", "create", "--role", "viewer", "--name")
    clearance(*made, "before", env=env)
    target = tmp_path / "rotated.tar"
    assert clearance("audit", "export", "--to", target, env=env).returncode == 0
    old = json.loads(parts(target.read_bytes())["keys.json"])["log"][0]
    kept = tmp_path / "kept.txt"
    kept.write_bytes(parts(target.read_bytes())["checkpoint"])
    for name in ("one", "two"):
        assert clearance("key", "rotate", "--log", env=env).returncode == 0
        clearance(*made, name, env=env)
    assert clearance("audit", "export", "--to", target, env=env).returncode == 0
    record = target.read_bytes()
    keys = json.loads(parts(record)["keys.json"])["log"]
    assert len(keys) == 3
    for key in keys:
        trust = verifier.trust_of([key], [str(kept)], [])
        report = judged(record, trust)
        assert report.verdict == "verified", report.claims
    assert any("rotated 2 times" in claim for claim in report.claims)
    assert keys[0] == old


def test_a_sample_is_not_larger_than_asked_for(env):
    assert clearance("audit", "sample", "--seed", "1", "--size", "0", env=env).returncode == 2
    shown = clearance("audit", "sample", "--seed", "1", "--size", "2", env=env).stdout
    assert shown.startswith(f"2 of {FILLED} decisions, seed '1'")


def test_two_samples_do_not_mix_in_one_folder(env, tmp_path):
    """A file of another draw would count as drawn."""
    to = tmp_path / "sample"
    for _ in range(2):
        drawn = clearance("audit", "sample", "--seed", "a", "--size", "2", "--to", to, env=env)
        assert drawn.returncode == 0, drawn.stderr
    before = sorted(to.iterdir())
    other = clearance("audit", "sample", "--seed", "b", "--size", "1", "--to", to, env=env)
    (to / "notes.txt").write_text("mine")
    noted = clearance("audit", "sample", "--seed", "a", "--size", "2", "--to", to, env=env)
    assert (other.returncode, noted.returncode) == (2, 2)
    assert "is not of this sample; give it a folder of its own" in noted.stderr
    assert sorted(to.iterdir()) == sorted([*before, to / "notes.txt"])


def test_no_file_appears_where_none_can_be_written(env, tmp_path):
    target = Path(tmp_path / "nowhere" / "record.tar")
    done = clearance("audit", "export", "--to", target, env=env)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def test_what_a_witness_cosigned_is_in_the_archive(service, env, tmp_path):
    witness, engine = Cosigner("witness.test/w"), service.app.state.runtime.engine
    with engine.begin() as connection:
        newest = select(audit_checkpoint).order_by(audit_checkpoint.c.size.desc()).limit(1)
        row = connection.execute(newest).one()
        now = datetime.now(UTC)
        connection.execute(
            insert(audit_cosignature),
            {
                "size": row.size,
                "witness": str(witness.key),
                "line": witness.line(row.note, now),
                "signed_at": now,
            },
        )
    target = tmp_path / "record.tar"
    clearance("audit", "export", "--to", target, env=env)
    trusted = ("--witness-key", str(witness.key))
    for record in (target, "--database", env["CLEARANCE_URL"]):
        done = clearance("audit", "verify", record, *trusted, env=env)
        assert done.returncode == 0, done.stdout
        assert f"witness.test/w cosigned {row.size} entries" in done.stdout
    plain = clearance("audit", "verify", target, env=env)
    assert plain.returncode == 3
    assert "witness.test/w was ignored" in plain.stdout
    service.submit(version="after the witness", **ESCALATES)
    grown = clearance("audit", "verify", env["CLEARANCE_URL"], *trusted, env=env)
    assert grown.returncode == 0, grown.stdout
    assert f"Entries {row.size} to" in grown.stdout
    assert "they are in an archive only" in grown.stdout
    stale = ("--max-age", "0")
    assert clearance("audit", "verify", env["CLEARANCE_URL"], *trusted, *stale, env=env).returncode
    _proof_of_the_service(service, env, tmp_path, trusted, row.size)
    with engine.begin() as connection:
        for name in _triggers(connection):
            connection.execute(text(name))
        line = witness.line(f"x{row.note}", now)
        connection.execute(update(audit_cosignature).values(line=line))
    false = clearance("audit", "verify", env["CLEARANCE_URL"], *trusted, env=env)
    assert false.returncode == 1
    assert "the cosignature of witness.test/w" in false.stdout


def _proof_of_the_service(
    service: Service, env: dict[str, str], folder: Path, trusted: tuple[str, str], size: int
) -> None:
    """Its proof file, of a cosigned entry and of a newer one, checked without it."""
    key = service.client.get("/v1/audit/keys").json()["items"][0]["verifier_key"]
    proof, entry = folder / "x.tlog-proof", folder / "entry.json"
    alone = {"PATH": "", "CLEARANCE_URL": "http://127.0.0.1:9", "CLEARANCE_TOKEN": ""}
    for index, code in ((size - 1, 0), (size, 3)):
        proof.write_bytes(service.call("GET", f"/v1/audit/entries/{index}.tlog-proof").content)
        entry.write_bytes(service.call("GET", f"/v1/audit/entries/{index}").content)
        command = ("audit", "verify", proof, "--entry", entry, *trusted)
        done = clearance(*command, "--key", key, env=alone)
        assert done.returncode == code, done.stdout + done.stderr
        assert f"What is in entry.json is entry {index} of" in done.stdout
    assert clearance(*command, env=alone).returncode == 2
    assert clearance(*command, "--key", key, "--replay", env=alone).returncode == 2
    whole = clearance("audit", "verify", folder / "record.tar", "--entry", entry, env=alone)
    assert whole.returncode == 2


def test_a_service_that_shrinks_while_it_is_read_is_named(service, monkeypatch):
    live = verifier.Live(str(service.client.base_url), service.admin)
    notes = [service.client.get("/v1/audit/checkpoint").text]
    service.submit(version="more")
    notes.insert(0, service.client.get("/v1/audit/checkpoint").text)
    real = live.get

    def shrinking(path: str, limit: int) -> bytes:
        return notes.pop(0).encode() if "checkpoint" in path else real(path, limit)

    monkeypatch.setattr(live, "get", shrinking)
    report = verifier.verify(live, verifier.Trust())
    assert report.verdict == "tampered"
    assert "the service showed a checkpoint of" in report.claims[-1]


@pytest.mark.parametrize("purpose", ["log", "attestation"])
def test_a_rotation_while_a_service_is_read_is_no_tampering(
    tmp_path, sqlite_template, purpose, monkeypatch
):
    shutil.copy(sqlite_template, tmp_path / "clearance.db")
    url = f"sqlite:///{tmp_path}/clearance.db"
    env = {"CLEARANCE_DATABASE_URL": url, "CLEARANCE_LOG_ORIGIN": "r.test/log"}
    with running(Settings(database_url=url, log_origin="r.test/log")) as started:
        live = verifier.Live(str(started.client.base_url), started.admin)
        real, times = live.get, list[int]()

        def rotating(path: str, limit: int) -> bytes:
            found = real(path, limit)
            if path == "audit/checkpoint?cosigned=true" and not times:
                times.append(clearance("key", "rotate", f"--{purpose}", env=env).returncode)
            return found

        monkeypatch.setattr(live, "get", rotating)
        report = verifier.verify(live, verifier.Trust())
    assert times == [0]
    assert report.verdict == "unanchored", report.claims


def test_the_archive_names_the_attestation_keys_as_the_log_does(tmp_path, sqlite_template):
    """With rotations; a key or a time that the log does not say is tampering."""
    shutil.copy(sqlite_template, tmp_path / "clearance.db")
    url = f"sqlite:///{tmp_path}/clearance.db"
    given = Settings(database_url=url, log_origin="r.test/log")
    env = {"CLEARANCE_DATABASE_URL": url, "CLEARANCE_LOG_ORIGIN": "r.test/log"}
    for _ in range(2):
        with running(given):
            pass
        done = clearance("key", "rotate", "--attestation", env=env)
        assert done.returncode == 0, done.stderr
    with running(given) as started:
        record = sealed(started)
        served = started.client.get("/v1/attestations/keys").json()["items"]
        live = verifier.verify(
            verifier.Live(str(started.client.base_url), started.admin), verifier.Trust()
        )
    keys = json.loads(parts(record)["keys.json"])
    assert keys["attestation"] == served[::-1]
    assert len(served) == 3
    for report in (judged(record), live):
        assert report.verdict == "unanchored", report
        assert any(claim.startswith("3 attestation keys") for claim in report.claims)
    first, second, third = keys["attestation"]
    late = {"valid_until": "2099-01-01T00:00:00.000000Z"}
    for listed in (
        [],
        None,
        [second, third],
        [second, first, third],
        [first | late, second, third],
        [first | {"public_key": second["public_key"]}, second, third],
        [first, second, third, third],
        [first, second, {}],
    ):
        forged = json.dumps(keys | {"attestation": listed}).encode()
        report = judged(together(parts(record) | {"keys.json": forged}))
        assert report.verdict == "tampered", listed
        assert "attestation key" in report.claims[-1]


def test_the_anchor_file_is_the_operators_own_copy(service, env, tmp_path):
    anchor = tmp_path / "anchor.jsonl"
    note = parts(sealed(service))["checkpoint"].decode()
    lines = [json.dumps({"at": "…", "note": text}) for text in ("torn", note)]
    anchor.write_text("\n".join([*lines, '{"at": "2026-']), "utf-8")
    anchored = env | {"CLEARANCE_ANCHOR_FILE": str(anchor)}
    done = clearance("audit", "verify", "--database", env=anchored)
    assert done.returncode == 3
    assert done.stdout.startswith("VALID, BUT SELF-ANCHORED")
    assert "extends the checkpoint of" in done.stdout
    by_name = clearance("audit", "verify", "--database", "--own", anchor, env=env)
    assert by_name.stdout == done.stdout
    outside = clearance("audit", "verify", "--database", "--since", anchor, env=env)
    assert outside.returncode == 0
    size = int(note.split("\n")[1])
    ahead = note.replace(f"\n{size}\n", f"\n{size + 9}\n", 1)
    anchor.write_text(json.dumps({"at": "…", "note": ahead}) + "\n", "utf-8")
    behind = clearance("audit", "verify", "--database", env=anchored)
    assert behind.returncode == 1
    assert f"covers {size + 9} entries, but only {size} are left" in behind.stdout


def test_what_was_erased_on_the_record_is_no_tampering(service, settings, env):
    name = service.submit(version="gone", **ESCALATES).json()["evaluation"]
    keys = {
        "CLEARANCE_LOG_KEY_FILE": str(settings.log_key_file),
        "CLEARANCE_LOG_ORIGIN": settings.log_origin,
    }
    for what in (("--person", "Ada"), ("--evaluation", name)):
        done = clearance("privacy", "erase", *what, "--yes", env=env | keys)
        assert done.returncode == 0, done.stderr
    done = clearance("audit", "verify", "--database", "--replay", "-o", "json", env=env)
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (3, "unanchored"), found
    assert any("were erased, on the record" in claim for claim in found["claims"])
    assert found["replay"]["outcomes"] == {"identical": FILLED, "evidence_erased": 1}
    record = sealed(service)
    assert b"Ada" not in b"".join(
        content for name, content in parts(record).items() if name.startswith("evidence/")
    )
    drawn = clearance("audit", "sample", "--seed", "1", "--size", "50", "-o", "json", env=env)
    items = json.loads(drawn.stdout)["items"]
    gone = {"outcome": "evidence_erased"}
    assert [item["inputs"] for item in items].count(gone) == 1
    assert all(item["submitted"] == gone for item in items)


def test_an_export_never_holds_more_than_one_piece_of_evidence(service):
    """Twenty pieces of a mebibyte: the whole archive is there, and memory is that of a few."""
    mebibyte, engine = 1024 * 1024, service.app.state.runtime.engine
    blobs = [random.Random(seed).randbytes(mebibyte) for seed in range(20)]
    rows = [
        {"digest": digest_of(b), "encoding": "identity", "body": b, "size": mebibyte} for b in blobs
    ]
    with engine.begin() as connection:
        connection.execute(insert(evidence_blob), rows)
    blobs.clear()
    rows.clear()
    hashed, size = sha256(), 0
    tracemalloc.start()
    try:
        with snapshot(engine) as connection:
            for chunk in tar(members(connection)):
                hashed.update(chunk)
                size += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 20 * mebibyte
    assert peak < 8 * mebibyte
    assert sha256(sealed(service)).digest() == hashed.digest()


def test_few_exports_run_at_a_time(service, env, monkeypatch):
    monkeypatch.setattr(routes, "_exports", threading.BoundedSemaphore(1))
    with routes._exports:
        busy = service.call("GET", "/v1/audit/export", env["CLEARANCE_TOKEN"])
    assert (busy.status_code, busy.json()["type"]) == (503, "export-busy")
    assert int(busy.headers["retry-after"]) > 0
    assert service.call("GET", "/v1/audit/export", env["CLEARANCE_TOKEN"]).status_code == 200


@pytest.mark.parametrize("purpose", ["log", "attestation"])
def test_no_key_is_rotated_on_a_database_behind_its_anchor(tmp_path, sqlite_template, purpose):
    """Whoever trusts the old key would trust the new one, on a history that the anchor refutes."""
    file = tmp_path / "clearance.db"
    shutil.copy(sqlite_template, file)
    env = {"CLEARANCE_DATABASE_URL": f"sqlite:///{file}", "CLEARANCE_LOG_ORIGIN": "r.test/log"}
    made = ("key", "create", "--role", "viewer", "--name")
    assert clearance(*made, "first", env=env).returncode == 0
    backup = file.read_bytes()
    settings = Settings(database_url=f"sqlite:///{file}", log_origin="r.test/log")
    with running(settings) as started:
        started.publish()
    for beside in tmp_path.glob("clearance.db-*"):
        beside.unlink()
    file.write_bytes(backup)
    keys = {path.name: path.read_bytes() for path in tmp_path.glob("*key*.pem")}
    refused = clearance("key", "rotate", f"--{purpose}", env=env)
    assert refused.returncode != 0
    assert "anchor" in refused.stderr.lower()
    now = {path.name: path.read_bytes() for path in tmp_path.glob("*key*.pem")}
    assert {name: now[name] for name in keys} == keys
