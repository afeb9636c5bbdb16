"""Evaluations that bring data: queued, measured by the real Evidently, decided or failed."""

import os
import re
import signal
from datetime import timedelta

import pandas as pd
import pytest
from sqlalchemy import select

from app.blobs.tables import evidence_file
from app.evaluations.data_deciding import MOST_TRIES
from app.evaluations.data_tables import data_evaluation
from app.integrations.evidently.process import measuring
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
