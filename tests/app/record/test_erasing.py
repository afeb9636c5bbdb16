"""A person goes; the log, its proofs and everybody else stay."""

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import inspect, select, text

from app.audit.archive import snapshot
from app.audit.reading import DatabaseRecord
from app.audit.replaying import Outcome, summary
from app.auth.tables import known_as
from app.evaluations.tables import evaluation
from app.ledger import reading
from app.ledger.merkle import verify_inclusion
from app.ledger.private import opened
from app.ledger.tables import audit_entry, audit_private, evidence_blob
from app.notices.fanning import fan_out
from app.notices.tables import delivery
from app.record import erasing
from app.record.completeness import compare, compared
from app.record.erasing import NobodyFound
from app.settings import Settings
from tests.app.cli.shell import clearance
from tests.app.http.service import ESCALATES, Service, running
from tests.app.record.test_completeness import edited, tell

NAME = "Samantha Kowalczyk"
OTHER = "Ben Other"


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    with running(settings) as started:
        yield started


@pytest.fixture
def told(service: Service) -> Service:
    """Samantha signs off, is the author of one change, and owns a model; Ben does the same."""
    service.publish()
    pipeline = service.key("pipeline", "submitter")
    hook = {"name": "ci", "target": "https://203.0.113.7/hook", "types": ["*"]}
    assert service.call("POST", "/v1/subscriptions", json=hook).status_code == 201
    for number, name in enumerate((NAME, OTHER)):
        person = service.key(name, "reviewer:security", person=True)
        context = {"author": (OTHER, NAME)[number].upper(), "commit": "abc"}
        asked = service.submit(pipeline, version=f"{number}", context=context, **ESCALATES).json()
        answer = {
            "answer": "approve",
            "role": "security",
            "decision_digest": asked["digest"],
            "comment": f"I, {name}, looked at it.",
        }
        signing = f"/v1/reviews/{asked['review']['id']}/sign-offs"
        headers = {"Idempotency-Key": "once"}
        done = service.call("POST", signing, person, json=answer, headers=headers)
        assert done.status_code == 201, done.text
        owner = {"owner": name, "facts": {}}
        assert service.call("PUT", f"/v1/models/m{number}", json=owner).status_code == 200
    while fan_out(service.app.state.runtime, service.clock()):
        pass
    return service


def erase(service: Service, who: str) -> erasing.Erasure:
    runtime = service.app.state.runtime
    with runtime.engine.connect() as connection:
        found = erasing.person(connection, who, by="operator", at=datetime.now(UTC))
    for work in found.works:
        runtime.ledger.commit_sync(work)
    return found


def test_every_name_goes_with_the_person(told: Service):
    """Names by which commits call them are theirs, in contexts and by themselves."""
    body = {"name": NAME, "roles": ["viewer"], "person": True, "known_as": ["sam@example.com"]}
    assert told.call("POST", "/v1/keys", json=body).status_code == 201
    author = {"author": "S. K. <Sam@Example.com>"}
    made = told.submit(told.key("ci", "submitter"), version="9", context=author, **ESCALATES)
    assert made.status_code == 201
    erase(told, NAME)
    with told.app.state.runtime.engine.connect() as connection:
        contexts = connection.scalars(select(evaluation.c.context)).all()
        assert connection.scalars(select(known_as.c.name)).all() == []
    assert "sam@example.com" not in str(contexts).casefold()


def _unpacked(cell: bytes) -> bytes:
    try:
        return zlib.decompress(cell)
    except zlib.error:
        return cell


def everything(engine, name: str) -> list[str]:
    """The tables in which a name still stands, in whatever column."""
    found = []
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                cells = [
                    _unpacked(bytes(c)) if isinstance(c, memoryview | bytes) else c for c in row
                ]
                shown = b" ".join(
                    c if isinstance(c, bytes) else str(c).encode() for c in cells if c is not None
                )
                if name.casefold().encode() in shown.lower():
                    found.append(table)
    return sorted(set(found))


def test_nothing_of_the_person_is_left_and_every_proof_holds(told: Service) -> None:
    engine, ledger = told.app.state.runtime.engine, told.app.state.runtime.ledger
    assert {"principal", "evaluation", "sign_off", "model", "evidence_blob"} <= set(
        everything(engine, NAME)
    )
    with engine.connect() as connection:
        # What others are told of it names nobody, so nothing of it has to be found again.
        assert len(connection.execute(select(delivery)).all()) > 6
        assert "delivery" not in everything(engine, NAME)
        before = connection.execute(select(audit_entry.c.index, audit_entry.c.body)).all()
    found = erase(told, NAME.lower())
    assert (found.keys, found.evaluations) == (1, 1)
    assert found.values >= 4
    assert everything(engine, NAME) == []
    assert len(everything(engine, OTHER)) >= 5
    with engine.connect() as connection:
        after = connection.execute(
            select(audit_entry.c.index, audit_entry.c.body).order_by(audit_entry.c.index)
        ).all()
        assert after[: len(before)] == sorted(before)
        for index, _ in after:
            proven = reading.inclusion(connection, index, [ledger.verifier_key])
            head = proven.signed.checkpoint
            verify_inclusion(index, head.size, proven.leaf, proven.proof, head.root)
        kept = connection.execute(select(audit_private)).all()
        assert all(opened(connection, row.entry_id) for row in kept)
    entry = told.call("GET", "/v1/audit/entries?type=privacy.erased").json()["items"][-1]
    assert entry["subject"] == found.subject
    assert entry["subject"].startswith("per_")
    assert entry["body"]["data"]["what"] == "person"
    assert compare(engine).gaps == ()


def test_their_key_ends_and_their_decisions_stay(told: Service) -> None:
    erase(told, NAME)
    told.app.state.runtime.keys.forget()
    decisions = told.call("GET", "/v1/decisions").json()["items"]
    assert [item["status"] for item in decisions] == ["passed", "passed"]
    older = told.call("GET", f"/v1/decisions/{decisions[1]['id']}").json()
    review = told.call("GET", f"/v1/reviews/{older['review']['id']}").json()
    (given,) = review["sign_offs"]
    assert given["comment"] is None
    assert given["person"].startswith("erased per_")
    for item in decisions:
        # What the engine saw holds no person, so the decision can still be made again.
        replay = told.call("POST", f"/v1/decisions/{item['id']}/replay")
        assert replay.json()["identical"] is True
    assert told.call("GET", "/v1/keys").json()["items"][0]["name"] != NAME


def test_evidence_that_was_erased_cannot_be_replayed_and_says_so(told: Service) -> None:
    runtime = told.app.state.runtime
    decided = told.call("GET", "/v1/decisions").json()["items"][0]
    with runtime.engine.connect() as connection:
        found = erasing.evidence(
            connection, decided["evaluation"], by="operator", at=datetime.now(UTC)
        )
    for work in found.works:
        runtime.ledger.commit_sync(work)
    replay = told.call("POST", f"/v1/decisions/{decided['id']}/replay")
    assert (replay.status_code, replay.json()["type"]) == (410, "evidence-erased")
    shown = told.call("GET", f"/v1/decisions/{decided['id']}").json()
    assert shown["status"] == "passed"
    proof = f"/v1/audit/entries/{shown['audit']['index']}/proof"
    assert told.call("GET", proof).status_code == 200
    assert compare(runtime.engine).gaps == ()


def test_evidence_that_is_gone_without_an_entry_is_found(told: Service) -> None:
    engine = told.app.state.runtime.engine
    with engine.connect() as connection:
        row = connection.execute(select(evaluation)).first()
        assert connection.scalar(select(evidence_blob.c.size)) > 0
    statement = f"DELETE FROM evidence_blob WHERE digest = '{row.inputs}'"
    with edited(engine, statement) as connection:
        (gap,) = compared(connection).gaps
    assert (gap.noun, gap.name) == ("evidence", row.id)
    assert row.inputs in gap.detail


def test_somebody_who_is_not_here_is_not_erased(told: Service) -> None:
    with told.app.state.runtime.engine.connect() as connection:
        with pytest.raises(NobodyFound, match="Nothing here is about 'Nobody'"):
            erasing.person(connection, "Nobody", by="operator", at=datetime.now(UTC))
        with pytest.raises(NobodyFound, match="no evaluation 'ev_x'"):
            erasing.evidence(connection, "ev_x", by="operator", at=datetime.now(UTC))


def test_the_command_shows_asks_and_erases(tmp_path) -> None:
    env = {"CLEARANCE_DATABASE_URL": f"sqlite:///{tmp_path}/clearance.db"}
    assert clearance("migrate", env=env).returncode == 0
    create = ("key", "create", "--person", "--role", "viewer", "--name", NAME)
    assert clearance(*create, env=env).returncode == 0
    asked = clearance("privacy", "erase", "--person", NAME, env=env, stdin=b"n\n")
    assert asked.returncode == 2
    assert "1 personal values, 1 standing keys" in asked.stdout
    erased = clearance("privacy", "erase", "--person", NAME, "--yes", env=env)
    assert erased.returncode == 0, erased.stderr
    assert "Erased. The log says so, under per_" in erased.stdout
    files = [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]
    assert not any(NAME.encode() in content for content in files)
    again = clearance("privacy", "erase", "--person", NAME, "--yes", env=env)
    assert again.returncode == 2
    assert "Nothing here is about" in again.stderr
    neither = clearance("privacy", "erase", env=env)
    assert neither.returncode == 2


WRITTEN = {
    "sam": (
        *("The attack set counts one family twice.", "The output filter blocks it."),
        *("Which ones?", "on leave", "It was down indeed."),
    ),
    "oncall": ("The old version is down, customers wait.",),
    "wilma": ("Wilma saw the attacks.", "Wilma reads each answer.", "Wilma Tal"),
}
"""What people say in stories: of a waiver, a review, broken glass."""


def waived(service: Service) -> None:
    """Wilma's waiver stands, and a decision rests on it."""
    asking = service.key("wilma", "reviewer:security", person=True)
    wanted = {
        "rule": "safety/attack_success_rate",
        "model": "support-bot",
        "reason": WRITTEN["wilma"][0],
        "compensating_control": WRITTEN["wilma"][1],
        "owner": WRITTEN["wilma"][2],
        "expires_at": (service.clock() + timedelta(days=9)).isoformat(),
    }
    asked = service.call("POST", "/v1/waivers", asking, json=wanted)
    assert asked.status_code == 201, asked.text
    for name in ("approver-1", "approver-2"):
        token = service.key(name, "waiver_approver", person=True)
        path = f"/v1/waivers/{asked.json()['id']}/approve"
        assert service.call("POST", path, token, json={}).status_code == 200
    made = service.submit(service.key("ci", "submitter"), version="60", **ESCALATES).json()
    assert made["waivers"] == [asked.json()["id"]]


def test_no_sentence_of_theirs_is_left_in_any_table(service: Service) -> None:
    """Nor in what a decision was made from: a waiver covers, its reason is not for the engine."""
    tell(service)
    waived(service)
    engine = service.app.state.runtime.engine
    for name, sentences in WRITTEN.items():
        assert [said for said in sentences if not everything(engine, said)] == []
        erase(service, name)
    erase(service, WRITTEN["wilma"][2])  # an owner is somebody else
    said = [sentence for sentences in WRITTEN.values() for sentence in sentences]
    assert {one: everything(engine, one) for one in said} == {one: [] for one in said}
    assert compare(engine).gaps == ()
    with snapshot(engine) as connection:
        replayed = summary(DatabaseRecord(connection))
    assert dict(replayed.counts) == {Outcome.IDENTICAL: replayed.total}
