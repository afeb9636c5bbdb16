"""Evaluations that bring data: queued, measured by the real Evidently, decided or failed."""

import hashlib
import json
import os
import re
import signal
import zlib
from datetime import timedelta

import pandas as pd
import pytest
from sqlalchemy import select

from app.blobs.tables import evidence_file
from app.evaluations.data_deciding import MOST_TRIES, run
from app.evaluations.data_tables import data_evaluation
from app.integrations.evidently.process import measuring
from app.jobs.kinds import Job
from app.jobs.tables import job
from app.ledger.tables import evidence_blob
from app.notices.fanning import fan_out
from app.notices.tables import delivery, subscription
from app.notices.wording import sentence
from app.record import erasing
from app.record.completeness import compare
from tests.app.integrations.evidently.frames import (
    POLICY,
    asking,
    csv,
    decided,
    frame,
    jsonl,
    outcomes,
    parquet,
    queued,
    sent,
    standing,
    worked,
)

pytestmark = pytest.mark.slow
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def two(service):
    """A published policy, and the digests of two like data sets."""
    service.publish(POLICY, "churn-data")
    return sent(service, parquet(frame())), sent(service, parquet(frame(seed=2)))


def entries(service):
    found = service.call("GET", "/v1/audit/entries?limit=200").json()["items"]
    return [item["type"] for item in found]


def test_drift_and_quality_are_judged_and_all_of_it_is_in_the_record(service, two):
    reference, current = two
    answer = queued(service, asking(reference, current))
    assert answer.json()["status"] == "queued"
    assert answer.json()["decision"] is None
    assert worked(service) >= 1
    found = standing(service, answer)
    assert found["status"] == "done", found
    decision = service.call("GET", f"/v1/decisions/{found['decision']}").json()
    assert (decision["verdict"], decision["status"]) == ("pass", "passed"), decision["summary"]
    assert set(outcomes(decision).values()) == {"pass"}
    observed = {f["rule"]: f["observed"] for g in decision["gates"] for f in g["findings"]}
    assert observed["accuracy"]["n"] == 300
    assert decision["evaluation"] == found["id"]
    # Drifted data and worse predictions fail, under another version.
    drifted = sent(service, parquet(frame(shift=20, right=0.5, seed=3)))
    _, worse = decided(service, asking(reference, drifted, version="8"))
    assert worse["verdict"] == "fail"
    assert {k for k, v in outcomes(worse).items() if v == "fail"} >= {"accuracy"}
    # The record has both entries of each, nothing contradicts it, and it can be replayed.
    types = entries(service)
    assert types.count("evaluation.queued") == types.count("evaluation.received") == 2
    assert compare(service.app.state.runtime.engine).gaps == ()
    replayed = service.call("POST", f"/v1/decisions/{decision['id']}/replay").json()
    assert replayed["identical"], replayed
    # A second run of a finished job changes nothing.
    assert worked(service) == 0


def test_the_report_opens_in_a_sandbox(service, two):
    found, decision = decided(service, asking(*two))
    path = decision["links"]["data_report"]
    assert path == found["links"]["data_report"]
    answer = service.call("GET", path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in policy
    assert "connect-src 'none'" in policy
    assert "age" in answer.text
    page = service.call("GET", f"/decisions/{decision['id']}").text
    assert re.search(rf'href="{re.escape(path)}"', page)
    stranger = service.key("other", "submitter", models=("other*",))
    assert service.call("GET", path, stranger).status_code == 404
    assert service.call("GET", f"/v1/evaluations/{found['id']}", stranger).status_code == 404


@SQLITE
def test_a_column_that_is_absent_is_missing_evidence(service, two):
    reference, _ = two
    current = sent(service, csv(frame(seed=2).drop(columns="age")), "text/csv")
    found, decision = decided(service, asking(reference, current))
    assert decision["verdict"] != "pass"
    rules = outcomes(decision)
    assert rules["accuracy"] == "pass"
    assert {k for k, v in rules.items() if v == "missing"} == set(rules) - {"accuracy"}
    assert any("'age' was not measured" in note for note in decision["notes"])
    del found


@SQLITE
def test_what_cannot_be_compared_leaves_the_rest_measured(service, two):
    reference, _ = two
    changed = frame(seed=2).assign(city=None, age="unknown", prediction=None)
    current = sent(service, jsonl(changed), "application/jsonl")
    _, decision = decided(service, asking(reference, current))
    notes = " ".join(decision["notes"])
    assert "'city' was not measured: it has no value in the current data" in notes
    assert "'age' was not measured: it holds numbers in the reference data only" in notes
    assert "the quality of the predictions was not measured: column 'prediction'" in notes
    assert outcomes(decision)["accuracy"] == "missing"
    assert decision["verdict"] != "pass"


@SQLITE
def test_texts_are_described_without_the_network_and_one_method_covers_all(service):
    service.publish(POLICY, "churn-data")
    words = ["the answer is yes", "no, it is not 42", "see the manual on page 7"]
    texts = [
        pd.DataFrame({"answer": [f"{words[i % 3]} {i % times}" * times for i in range(120)]})
        for times in (1, 4)
    ]
    reference, current = (sent(service, parquet(t)) for t in texts)
    body = asking(
        reference, current, text=["answer"], drift_method="psi", target=None, prediction=None
    )
    _, decision = decided(service, body)
    evidence = service.call("GET", f"/decisions/{decision['id']}").text
    assert "answer: length" in evidence
    assert "answer: words" in evidence
    assert "psi" in evidence


@SQLITE
def test_regression_is_measured_where_the_target_is_a_quantity(service):
    service.publish(
        POLICY.replace("{metric: accuracy, min: 0.7}", "{metric: mae, max: 1.0}"),
        "churn-data",
    )

    def numbers(seed):
        data = frame(seed=seed)
        return data.assign(target=data["age"] * 2.0, prediction=data["age"] * 2.0 + data.index % 2)

    digests = [sent(service, parquet(numbers(seed))) for seed in (1, 2)]
    _, decision = decided(service, asking(*digests))
    assert outcomes(decision)["mae"] == "pass"


def test_what_is_no_data_ends_as_a_failure_and_never_as_a_pass(service, two):
    reference, _ = two
    broken = sent(service, b"PAR1 this is no parquet")
    answer = queued(service, asking(reference, broken))
    worked(service)
    found = standing(service, answer)
    assert (found["status"], found["decision"]) == ("failed", None)
    assert found["problem"]["type"] == "unreadable-data"
    assert "The current data" in found["problem"]["detail"]
    asked = "/v1/clearance?model=churn&version=7&stage=monitoring"
    assert service.call("GET", asked).json()["cleared"] is False
    assert "evaluation.failed" in entries(service)
    assert compare(service.app.state.runtime.engine).gaps == ()


@SQLITE
def test_a_measuring_process_that_dies_is_started_again_and_at_last_it_is_a_failure(
    service, two, monkeypatch
):
    reference, current = two
    measuring.end()
    real = measuring._running

    def killed():
        child = real()
        os.kill(child.pid, signal.SIGKILL)
        return child

    answer = queued(service, asking(reference, current))
    monkeypatch.setattr(measuring, "_running", killed)
    worked(service)
    assert standing(service, answer)["status"] == "running"
    runtime = service.app.state.runtime
    for _ in range(MOST_TRIES + 1):
        service.clock.ahead += timedelta(hours=2)
        worked(service)
    found = standing(service, answer)
    assert (found["status"], found["decision"]) == ("failed", None)
    assert found["problem"]["type"] == "measuring-failed"
    with runtime.engine.connect() as connection:
        assert connection.scalar(select(data_evaluation.c.tries)) == MOST_TRIES + 1


@SQLITE
def test_data_that_are_awaited_are_not_removed(service, two):
    reference, current = two
    queued(service, asking(reference, current))
    service.clock.ahead += timedelta(hours=48)
    sent(service, parquet(frame(seed=9)))
    with service.app.state.runtime.engine.connect() as connection:
        kept = set(connection.scalars(select(evidence_file.c.digest)))
    assert {reference, current} < kept
    assert worked(service) >= 1
    service.clock.ahead += timedelta(hours=48)
    sent(service, parquet(frame(seed=10)))
    with service.app.state.runtime.engine.connect() as connection:
        kept = set(connection.scalars(select(evidence_file.c.digest)))
    assert not {reference, current} & kept


def test_result_files_sent_beside_data_are_not_removed_either(service, two):
    """Nor those of the baseline: the worker reads them again when the data are measured."""
    texts = (b'[{"metric":"recall","count":95,"n":100}]', b'[{"metric":"recall","count":9,"n":10}]')
    blobs = [f"sha256:{hashlib.sha256(text).hexdigest()}" for text in texts]
    for digest, text in zip(blobs, texts, strict=True):
        assert service.call("PUT", f"/v1/blobs/{digest}", content=text).status_code == 201
    results = [[{"name": "r.json", "blob": digest}] for digest in blobs]
    body = {**asking(*two), "results": results[0], "baseline": {"results": results[1]}}
    answer = queued(service, body)

    def kept():
        service.clock.ahead += timedelta(hours=48)
        sent(service, parquet(frame(seed=int(service.clock.ahead.total_seconds()))))
        with service.app.state.runtime.engine.connect() as connection:
            return set(connection.scalars(select(evidence_file.c.digest)))

    assert {*two, *blobs} < kept()
    worked(service)
    found = standing(service, answer)
    assert found["status"] == "done", found
    page = service.call("GET", f"/decisions/{found['decision']}").text
    assert "recall" in page
    assert not {*two, *blobs} & kept()


def test_subscribers_of_a_model_hear_that_its_data_wait_and_that_they_failed(service, two):
    for name, models in (("ours", ["churn*"]), ("theirs", ["other*"])):
        hook = {"name": name, "target": "https://203.0.113.7/hook", "types": ["evaluation.*"]}
        made = service.call("POST", "/v1/subscriptions", json={**hook, "models": models})
        assert made.status_code == 201, made.text
    broken = sent(service, b"PAR1 this is no parquet")
    answer = queued(service, asking(two[0], broken))
    runtime = service.app.state.runtime
    run(runtime, job_of(service), service.clock())
    while fan_out(runtime, service.clock()):
        pass
    with runtime.engine.connect() as connection:
        query = select(delivery.c.body, subscription.c.name).join_from(
            delivery, subscription, delivery.c.subscription == subscription.c.id
        )
        rows = connection.execute(query.order_by(delivery.c.entry)).all()
    assert [row.name for row in rows] == ["ours", "ours"]
    queued_event, failed_event = (json.loads(row.body) for row in rows)
    name = answer.json()["id"]
    about = {"evaluation": name, "model": "churn", "version": "7", "stage": "monitoring"}
    assert queued_event["type"] == "evaluation.queued"
    assert about.items() <= queued_event["data"].items()
    assert failed_event["data"]["reason"] == "unreadable-data"
    assert failed_event["data"]["api"].endswith(f"/v1/evaluations/{name}")
    assert sentence(failed_event) == (
        "churn 7 monitoring: its data could not be measured (unreadable-data); nothing was decided."
    )


def job_of(service):
    """The one job that measures."""
    with service.app.state.runtime.engine.connect() as connection:
        row = connection.execute(select(job).where(job.c.kind == "evaluation.measure")).one()
    return Job(row.id, row.kind, row.key, row.payload, row.due_at, 1)


def test_erasing_an_evaluation_takes_its_snapshot_and_report(service, two):
    found, decision = decided(service, asking(*two))
    runtime = service.app.state.runtime
    with runtime.engine.connect() as connection:
        row = connection.execute(select(data_evaluation)).one()
        named = {row.raw, row.snapshot, row.report}
        query = select(evidence_blob.c.digest).where(evidence_blob.c.digest.in_(named))
        assert set(connection.scalars(query)) == named
        erasure = erasing.evidence(connection, found["id"], by="operator", at=service.clock())
    for work in erasure.works:
        runtime.ledger.commit_sync(work)
    with runtime.engine.connect() as connection:
        assert connection.execute(query).all() == []
        assert b"Graz" not in b" ".join(contents(connection))
    report = service.call("GET", found["links"]["data_report"])
    assert (report.status_code, report.json()["type"]) == (410, "evidence-erased")
    replayed = service.call("POST", f"/v1/decisions/{decision['id']}/replay")
    assert (replayed.status_code, replayed.json()["type"]) == (410, "evidence-erased")
    # What was decided stays, its page says why nothing more is to be seen, and nothing is missing.
    page = service.call("GET", f"/decisions/{decision['id']}")
    assert page.status_code == 200
    assert compare(runtime.engine).gaps == ()


def contents(connection):
    """All evidence that is kept, unpacked."""
    rows = connection.execute(select(evidence_blob.c.encoding, evidence_blob.c.body)).all()
    return [zlib.decompress(r.body) if r.encoding == "zlib" else bytes(r.body) for r in rows]


def test_erasing_an_evaluation_that_failed_takes_what_came_in(service, two):
    answer = queued(service, asking(two[0], sent(service, b"PAR1 this is no parquet")))
    worked(service)
    name = answer.json()["id"]
    runtime = service.app.state.runtime
    with runtime.engine.connect() as connection:
        raw = connection.scalar(select(data_evaluation.c.raw))
        erasure = erasing.evidence(connection, name, by="operator", at=service.clock())
    for work in erasure.works:
        runtime.ledger.commit_sync(work)
    with runtime.engine.connect() as connection:
        query = select(evidence_blob.c.digest).where(evidence_blob.c.digest == raw)
        assert connection.execute(query).first() is None
    assert standing(service, answer)["status"] == "failed"
    assert compare(runtime.engine).gaps == ()


@SQLITE
def test_what_can_be_refused_at_once_is(service, two):
    reference, current = two
    nowhere = "sha256:" + "0" * 64

    def refused(body, path="/v1/evaluations"):
        answer = service.call("POST", path, json=body)
        return answer.status_code, answer.json()["type"]

    assert refused(asking(reference, nowhere)) == (422, "blob-not-found")
    assert refused(asking(reference, current, prediction=None)) == (422, "invalid-request")
    assert refused(asking(reference, current, columns=[])) == (422, "invalid-request")
    other = asking(reference, current)
    other["candidate"]["model"] = "unknown"
    assert refused(other) == (422, "no-policy")
    assert refused(asking(reference, current), "/v1/evaluations/preview")[0] == 422
    kind = {"Content-Type": "application/zip"}
    answer = service.call("POST", "/v1/datasets", content=b"x", headers=kind)
    assert answer.status_code == 415
    assert service.call("GET", "/v1/evaluations/ev_0").status_code == 404


@SQLITE
def test_an_evaluation_is_queued_once_for_one_key(service, two):
    body, key = asking(*two), {"Idempotency-Key": "k"}
    first = queued(service, body, headers=key)
    again = service.call("POST", "/v1/evaluations", json=body, headers=key)
    assert (again.status_code, again.json()) == (200, first.json())
    assert entries(service).count("evaluation.queued") == 1


@SQLITE
def test_an_evaluation_without_data_is_done_at_once(service):
    service.publish()
    decision = service.submit().json()
    found = service.call("GET", f"/v1/evaluations/{decision['evaluation']}").json()
    assert (found["status"], found["decision"], found["data"]) == ("done", decision["id"], None)
