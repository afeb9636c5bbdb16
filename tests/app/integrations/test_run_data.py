"""Data of MLflow's runs: the version's own by the MLflow file, named ones by a submission."""

import json
import subprocess
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from app.evaluations.data_deciding import run
from app.evaluations.data_tables import data_evaluation
from app.integrations.evidently.process import measuring
from app.integrations.mlflow import fetching
from app.integrations.mlflow.config import parse
from app.integrations.mlflow.registry import RegistryError, opened
from app.jobs.kinds import Job
from app.jobs.tables import job
from app.record.completeness import compare
from tests.app.cli.shell import COMMAND, environment
from tests.app.integrations.evidently.frames import csv, frame, outcomes
from tests.app.integrations.team import Gate, Team, connected
from tests.app.jobs.test_worker import until

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

POLICY = """
policy: {name}
owner: risk
applies_to: {{model: "{model}", stage: limited_release}}
gates:
  quality:
    - {{metric: accuracy, min: 0.80}}
  data:
    - {{metric: drift_share, max: 0.3, mode: exact}}
"""
RULE = (
    ", data: {reference: data/reference.csv, current: 'data/current*', columns: [age, city]}"
    ", data_from: ['{model}*']"
)
LIKE, OTHER = csv(frame(seed=4)).decode(), csv(frame(seed=4, shift=30)).decode()
REFERENCE = csv(frame()).decode()


@pytest.fixture(scope="module", autouse=True)
def one_process():
    yield
    measuring.end()


@pytest.fixture
def gate(settings, registry: Team, tmp_path):
    rule = RULE.replace("{model}", registry.model)
    with connected(settings, registry, tmp_path, rule=rule, policy=POLICY) as started:
        yield started


def files(current: str) -> dict[str, str]:
    return {"data/reference.csv": REFERENCE, "data/current.csv": current}


def decision_of(gate: Gate, version: str):
    path = f"/v1/decisions/{gate.team.tags(version)['decision']}"
    return gate.service.call("GET", path).json()


def test_drift_of_a_runs_own_data_moves_the_alias_or_not(gate: Gate, registry: Team):
    good = registry.register(0.9, artifacts=files(LIKE))
    drifted = registry.register(0.9, artifacts=files(OTHER))
    gate.swept()
    # The worker measures the first; the second waits, because it is compared with what stood then.
    gate.worked()
    gate.worked()
    assert gate.decisions() == [(good, "pass", "passed"), (drifted, "fail", "failed")]
    assert registry.champion() == good
    assert outcomes(decision_of(gate, good)) == {"accuracy": "pass", "drift_share": "pass"}
    told = decision_of(gate, drifted)
    assert outcomes(told) == {"accuracy": "pass", "drift_share": "fail"}
    run_id = registry.last[0]
    notes = " ".join(told["notes"])
    assert f"runs:/{run_id}/data/current.csv, have the digest sha256:" in notes
    assert "data_report" in told["links"]
    assert compare(gate.runtime.engine).is_complete
    # Looking again measures nothing again.
    gate.swept()
    assert len(gate.decisions()) == 2


def test_what_was_not_read_of_a_run_is_a_note_beside_its_measured_data(
    settings, registry: Team, tmp_path
):
    rule = RULE.replace("{model}", registry.model) + ", artifacts: [eval_results_table.json]"
    with connected(settings, registry, tmp_path, rule=rule, policy=POLICY) as gate:
        unread = {"eval_results_table.json": '{"columns":["inputs"],"data":[["q"]]}'}
        registry.register(0.9, artifacts={**files(LIKE), **unread})
        gate.swept()
        gate.worked()
        told = decision_of(gate, "1")
        assert outcomes(told)["drift_share"] == "pass"
        (note,) = [note for note in told["notes"] if note.startswith("MLflow: ")]
        assert "eval_results_table.json was not read" in note
        assert "to_json(orient='records')" in note
        # Anybody may write a context: only the registry's own is taken at its word.
        sent = submission(registry, registry.last[0])
        context = {"notes": "eval_results_table.json was fine"}
        found = submitted(gate, {**sent, "context": context})
        shown = gate.service.call("GET", f"/v1/decisions/{found['decision']}").json()
        assert not any("MLflow: " in note for note in shown["notes"])


def test_a_run_without_the_data_has_no_evidence_of_drift(gate: Gate, registry: Team):
    registry.register(0.9, artifacts={"data/reference.csv": REFERENCE})
    gate.swept()
    assert gate.decisions()[0][1:] == ("fail", "failed")
    assert outcomes(decision_of(gate, "1")) == {"accuracy": "pass", "drift_share": "missing"}
    # They come later, and are noticed as metrics are.
    registry.client.log_text(registry.last[0], LIKE, "data/current-1.csv")
    gate.service.clock.ahead = timedelta(minutes=1)
    gate.swept()
    gate.worked()
    assert gate.decisions()[1:] == [("1", "pass", "passed")]


def test_data_that_cannot_be_measured_are_a_problem_until_somebody_asks_again(
    gate: Gate, registry: Team
):
    registry.register(0.9, artifacts=files("\x00\x01"))
    gate.swept()
    gate.worked()
    assert gate.decisions() == []
    assert "neither Parquet nor text" in registry.tags("1")["problem"]
    assert registry.champion() is None

    def measured() -> int:
        with gate.runtime.engine.connect() as connection:
            return len(connection.execute(select(data_evaluation.c.id)).all())

    gate.service.clock.ahead = timedelta(minutes=2)
    gate.swept()
    assert measured() == 1
    registry.client.log_text(registry.last[0], LIKE, "data/current.csv")
    registry.client.set_model_version_tag(registry.model, "1", "repaired", "yes")
    gate.swept()
    gate.worked()
    assert measured() == 2
    assert gate.decisions() == [("1", "pass", "passed")]
    assert "problem" not in registry.tags("1")


def submission(registry: Team, run_id: str, **data: str):
    named = {"reference": f"runs:/{run_id}/data/reference.csv"}
    named |= {"current": f"runs:/{run_id}/data/current.csv", **data}
    return {
        "candidate": {"model": registry.model, "version": "7"},
        "stage": "limited_release",
        "measurements": [{"metric": "accuracy", "count": 950, "n": 1000}],
        "data": named,
    }


def submitted(gate: Gate, body):
    answer = gate.service.call("POST", "/v1/evaluations", json=body)
    if answer.status_code != 202:
        return answer.json()
    gate.worked()
    return gate.service.call("GET", answer.headers["location"]).json()


def test_a_submission_may_name_files_of_allowed_experiments(gate: Gate, registry: Team):
    registry.register(0.9, artifacts=files(LIKE), run_status="RUNNING")
    run_id = registry.last[0]
    found = submitted(gate, submission(registry, run_id))
    assert found["status"] == "done", found
    assert found["data"]["reference"] == f"runs:/{run_id}/data/reference.csv"
    shown = gate.service.call("GET", f"/v1/decisions/{found['decision']}").json()
    assert shown["verdict"] == "pass"
    assert compare(gate.runtime.engine).is_complete


def test_the_command_names_files_of_runs_as_it_names_files(gate: Gate, registry: Team, tmp_path):
    registry.register(0.9, artifacts=files(LIKE), run_status="RUNNING")
    run_id = registry.last[0]
    (tmp_path / "r.json").write_text('[{"metric":"accuracy","count":950,"n":1000}]')
    named = [f"{which}=runs:/{run_id}/data/{which}.csv" for which in ("reference", "current")]
    asked = ["-m", registry.model, "-v", "8", "-s", "limited_release", "--output", "json"]
    command = [*COMMAND, "submit", str(tmp_path / "r.json"), *asked, "--data", *named]
    env = environment(
        CLEARANCE_URL=str(gate.service.client.base_url), CLEARANCE_TOKEN=gate.service.admin
    )
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:

        def is_over() -> bool:
            gate.worked()
            return process.poll() is not None

        until(is_over, patience=300)
        assert process.stdout is not None
        decision = json.loads(process.stdout.read())
    assert process.returncode == 0
    assert outcomes(decision) == {"accuracy": "pass", "drift_share": "pass"}


def test_what_may_not_be_read_or_is_not_there_is_said(gate: Gate, registry: Team, mlflow_server):
    registry.register(0.9, artifacts=files(LIKE), run_status="RUNNING")
    run_id = registry.last[0]
    stranger = Team(mlflow_server.url, f"other-{registry.model}")
    stranger.register(0.9, artifacts=files(LIKE))
    for other in (stranger.last[0], "0" * 32):
        found = submitted(gate, submission(registry, other))
        assert found["status"] == "failed"
        assert "in an experiment that" in found["problem"]["detail"]
    found = submitted(
        gate, submission(registry, run_id, current=f"runs:/{run_id}/data/nothing.csv")
    )
    assert "no file 'data/nothing.csv'" in found["problem"]["detail"]
    for path in ("../secret", "data//x", "./x", ""):
        answer = submitted(gate, submission(registry, run_id, current=f"runs:/{run_id}/{path}"))
        assert answer["type"] == "invalid-request"
        assert answer["errors"][0]["pointer"] == "/data/current"
    # Without the operator's leave, no file of any run.
    path = gate.runtime.settings.mlflow_file
    assert path is not None
    path.write_text(path.read_text().replace("data_from", "datasets"))
    answer = submitted(gate, submission(registry, run_id))
    assert "`data_from`" in answer["detail"]
    assert answer["errors"][0]["pointer"] == "/data/reference"


def test_a_registry_that_does_not_answer_is_asked_again_for_a_day(
    gate: Gate, registry: Team, monkeypatch
):
    # MLflow's client itself tries again for seconds.
    monkeypatch.setattr(fetching, "opened", partial(opened, retries=0))
    registry.register(0.9, artifacts=files(LIKE), run_status="RUNNING")
    path = gate.runtime.settings.mlflow_file
    assert path is not None
    text = path.read_text()
    path.write_text(text.replace(registry.url, "http://127.0.0.1:9"))
    answer = gate.service.call(
        "POST", "/v1/evaluations", json=submission(registry, registry.last[0])
    )
    with gate.runtime.engine.connect() as connection:
        row = connection.execute(select(job).where(job.c.kind == "evaluation.measure")).one()
    waiting = Job(row.id, row.kind, row.key, row.payload, row.due_at, 1)
    for _ in range(6):
        with pytest.raises(RegistryError):
            run(gate.runtime, waiting, gate.service.clock())
    shown = gate.service.call("GET", answer.headers["location"]).json()
    assert shown["status"] == "queued"
    assert shown["step"].startswith("waiting for MLflow: ")
    path.write_text(text)
    assert run(gate.runtime, waiting, gate.service.clock()) is None
    shown = gate.service.call("GET", answer.headers["location"]).json()
    assert shown["status"] == "done", shown


def test_without_a_registry_files_of_runs_are_refused(service, registry: Team):
    service.publish(POLICY.format(name="p", model=registry.model), "p")
    answer = service.call("POST", "/v1/evaluations", json=submission(registry, "abc"))
    assert (answer.status_code, answer.json()["type"]) == (422, "invalid-request")


def test_a_rule_takes_fixed_data_or_data_of_the_run():
    text = (
        "tracking_uri: x\nmodels:\n  - model: a\n    stage: monitoring\n"
        "    data: {reference: runs:/abc/train.csv, current: data/now.csv}\n"
    )
    (rule,) = parse(text).models
    assert rule.data is not None
    assert (rule.wants("evaluation/a.json"), rule.wants("data/now.csv")) == (True, False)
