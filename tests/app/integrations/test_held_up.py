"""What an operator sees while MLflow refuses the worker, is away, or cannot be asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from sqlalchemy import insert, select

from app.integrations.mlflow import held_up
from app.integrations.mlflow.config import configured, parse
from app.integrations.mlflow.following import sweep
from app.integrations.mlflow.registry import RegistryError, without_secrets
from app.integrations.mlflow.ringing import rows_of
from app.integrations.tables import registry_version
from app.jobs.kinds import Job
from app.jobs.running import run_due
from app.jobs.tables import job, worker
from app.ledger.work import Work
from tests.app.cli.shell import clearance
from tests.app.http.service import running
from tests.app.http.test_pages import decided, get, reviewer, signed_in

pytestmark = pytest.mark.filterwarnings("ignore")

HEAD = (
    "tracking_uri: https://u:pa/ss@mlflow.example.com:5000/x\n"
    "models: [{model: 'fraud-*', stage: evaluation}]\n"
)
USER = f"{HEAD}username: gate\npassword_file: p\nworkspace: team-a\n"
MODELS = (
    "API request to endpoint /api/2.0/mlflow/{} failed with error code {} != 200. "
    "Response body: '{}'"
)


@pytest.mark.parametrize(
    ("text", "said", "words"),
    [
        # As MLflow 3 answers under basic auth: a plain text without JSON.
        (
            USER,
            MODELS.format("model-versions/set-tag", 403, "Permission denied"),
            ["the user 'gate'", "EDIT on the registered model 'fraud-x'", "writing was refused"],
        ),
        (
            USER,
            MODELS.format("registered-models/alias", 403, "Permission denied"),
            ["EDIT on the registered model 'fraud-x' in the workspace 'team-a' (writing"],
        ),
        (
            USER,
            MODELS.format("registered-models/get", 403, "Permission denied"),
            ["EDIT on the registered model 'fraud-x'", "reading was refused"],
        ),
        (
            USER,
            MODELS.format("runs/get", 403, "Permission denied"),
            ["READ on the experiments of its runs in the workspace 'team-a'."],
        ),
        (
            USER,
            MODELS.format("logged-models/m-1", 403, "Permission denied"),
            ["READ on the experiments"],
        ),
        # As a hosted MLflow answers: a code in JSON, without the endpoint.
        (
            USER,
            "PERMISSION_DENIED: nobody may",
            ["EDIT on the registered model", "READ on the experiments"],
        ),
        (
            USER,
            MODELS.format("registered-models/get", 401, "You are not authenticated."),
            ["`username` and the content of `password_file`", "CLEARANCE_MLFLOW_FILE"],
        ),
        (
            HEAD,
            MODELS.format("registered-models/get", 401, "You are not authenticated."),
            ["set `username` and `password_file`, or `token_file`"],
        ),
        (f"{HEAD}token_file: t\n", "UNAUTHENTICATED: expired", ["the content of `token_file`"]),
        (HEAD, "403 Invalid Host header - possible DNS rebinding", ["--allowed-hosts"]),
        (HEAD, "SSLError(CERTIFICATE_VERIFY_FAILED)", ["`ca_file`"]),
        (USER, "Workspace 'team-a' not found", ["Correct `workspace`"]),
        (HEAD, "HTTPConnectionPool: Max retries exceeded", ["https://mlflow.example.com:5000/x"]),
        (HEAD, "The MLflow registry needs the package mlflow, which", ["clearance[mlflow]"]),
        (HEAD, "SettingsError: p cannot be read: Permission denied.", ["Correct what it says"]),
        (HEAD, "KeyError: 'x'", ["MLflow's own log"]),
    ],
)
def test_an_error_says_who_has_to_do_what(tmp_path, text, said, words):
    kind = "" if said.startswith("SettingsError") else "RegistryError: "
    found = held_up.advice(kind + said, parse(text, base=tmp_path), "fraud-x")
    assert [word for word in words if word not in found] == [], found
    assert "pa/ss" not in found


def test_an_address_shows_no_password():
    said = "to https://u:p/a@ss@a.example/x failed, 'https://b.example', c@d.example"
    assert (
        without_secrets(said) == "to https://a.example/x failed, 'https://b.example', c@d.example"
    )


class Refusing(BaseHTTPRequestHandler):
    status, body = 403, b"Permission denied"

    def do_GET(self):
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_):
        pass


@contextmanager
def mlflow(status: int, body: bytes) -> Iterator[str]:
    """Answers everything as MLflow answers who may not: the client and the worker are real."""
    handler = type("Handler", (Refusing,), {"status": status, "body": body})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def gate(settings, folder, address, models="fraud-*"):
    (folder / "password").write_text("secret-of-the-gate")
    (folder / "mlflow.yaml").write_text(
        f"tracking_uri: {address}\nusername: gate\npassword_file: password\n"
        f'models:\n  - {{model: "{models}", stage: limited_release, alias: champion}}\n'
    )
    with running(replace(settings, mlflow_file=folder / "mlflow.yaml")) as service:
        yield service


def status(settings, folder, *more):
    names = {
        "CLEARANCE_DATABASE_URL": settings.database_url,
        "CLEARANCE_MLFLOW_FILE": str(folder / "mlflow.yaml"),
    }
    return clearance("mlflow", "status", *more, env=names)


def looked(service, model="fraud-x"):
    """The worker's look at a model, as it ends while MLflow refuses."""
    runtime, now = service.app.state.runtime, service.clock()
    runtime.ledger.commit_sync(Work(entries=[], rows=rows_of([model], now)))
    run_due(runtime, now)
    return runtime


def shown_alive(runtime, now):
    row = {"id": "w", "queues": ["default"], "started_at": now, "beat_at": now, "stopped_at": None}
    with runtime.engine.begin() as connection:
        connection.execute(insert(worker).values(row))


NASTY = b"Permission denied \x1b[2J\x07##vso[task.complete] \xe2\x80\xae"


def test_a_refusal_is_counted_and_explained_and_makes_nothing_unready(settings, tmp_path):
    with mlflow(403, NASTY) as address, gate(settings, tmp_path, address) as service:
        runtime = looked(service)
        answer = service.client.get("/readyz")
        assert (answer.status_code, answer.json()["jobs_failing"]) == (200, 1)
        assert "Permission" not in answer.text
        done = status(settings, tmp_path)
        assert done.returncode == 1
        assert "fraud-x: the last try failed" in done.stdout
        assert "EDIT on the registered model 'fraud-x' (reading was refused)" in done.stdout
        assert "It said: RegistryError: API request to endpoint" in done.stdout
        assert "No worker runs" in done.stdout
        assert not set("\x1b\x07\u202e") & set(done.stdout)
        assert "##vso[" not in done.stdout
        assert "secret-of-the-gate" not in done.stdout
        found = json.loads(status(settings, tmp_path, "-o", "json").stdout)
        assert found["held_up"] is True
        assert found["registry"]["username"] == "gate"
        (held,) = found["jobs"]
        assert (held["kind"], held["model"], held["failures"]) == ("mlflow.look", "fraud-x", 1)
        # The rights are granted: the job goes well, and nothing is left of it.
        with runtime.engine.begin() as connection:
            connection.execute(job.update().values(error=None, failures=0, status="done"))
        assert service.client.get("/readyz").json()["jobs_failing"] == 0
    assert status(settings, tmp_path).returncode == 1, "no worker has run yet"


def test_a_decisions_page_says_that_mlflow_may_show_something_older(settings, tmp_path):
    with mlflow(403, NASTY) as address, gate(settings, tmp_path, address, "*") as service:
        service.publish()
        decision = decided(service)
        signed_in(service, reviewer(service, "Ada"))
        path, words = f"/decisions/{decision['id']}", "What MLflow shows of this model may be older"
        assert words not in get(service, path)
        looked(service, "another-bot")
        assert words not in get(service, path)
        runtime = looked(service, "support-bot")
        shown = get(service, path)
        assert words in shown
        assert "Permission denied" not in shown
        with runtime.engine.begin() as connection:
            connection.execute(job.update().values(error=None, failures=0, status="done"))
        assert words not in get(service, path)


def test_a_wrong_password_and_a_server_that_is_away(settings, tmp_path):
    denied = b"You are not authenticated. Please see https://www.mlflow.org/docs/latest/auth"
    with mlflow(401, denied) as address, gate(settings, tmp_path, address) as service:
        looked(service)
        done = status(settings, tmp_path)
        assert "does not let the user 'gate' in" in done.stdout
        assert "`password_file`" in done.stdout
        there = (tmp_path / "mlflow.yaml").read_text()
        gone = there.replace(address, "http://u:p@127.0.0.1:9")
        (tmp_path / "mlflow.yaml").write_text(gone)
        service.clock.ahead += timedelta(minutes=2)
        run_due(service.app.state.runtime, service.clock())
        away = status(settings, tmp_path)
        assert "2 times in a row" in away.stdout
        assert "Nobody answers at http://127.0.0.1:9." in away.stdout
        assert "u:p" not in away.stdout
        with service.app.state.runtime.engine.connect() as connection:
            assert "u:p" not in str(connection.execute(select(job.c.error)).scalars().all())


def test_what_only_waits_holds_nothing_up(settings, tmp_path):
    with mlflow(403, b"Permission denied") as address, gate(settings, tmp_path, address) as service:
        runtime, now = service.app.state.runtime, service.clock()
        with pytest.raises(RegistryError, match="403"):
            sweep(runtime, Job("job_1", "mlflow.sweep", "mlflow.sweep", {}, now, 1), now)
        runtime.ledger.commit_sync(Work(entries=[], rows=rows_of(["fraud-y", "other"], now)))
        with runtime.engine.connect() as connection:
            config = configured(runtime.settings)
            assert config is not None
            (held,) = held_up.jobs(connection, config)
        assert (held.about, held.is_failing, held.next_at) == ("fraud-y", False, now)
        shown_alive(runtime, now)
        done = status(settings, tmp_path)
        assert done.stdout.splitlines()[1].startswith("· fraud-y: waits; the worker looks at it ")
        assert done.stdout.splitlines()[2] == "✓ Nothing is held up."
        assert done.returncode == 0


def test_versions_that_cannot_be_judged_are_listed(settings, tmp_path):
    with gate(settings, tmp_path, "http://127.0.0.1:9") as service:
        runtime, now = service.app.state.runtime, service.clock()
        row = {
            "model": "fraud-x",
            "version": "7",
            "stage": "limited_release",
            "problem": "No policy applies.\x1b[2J",
            "checked_at": now,
            "revision": 0,
        }
        rows = [row, {**row, "version": "8", "problem": None}, {**row, "model": "not-ours"}]
        with runtime.engine.begin() as connection:
            connection.execute(insert(registry_version), rows)
        shown_alive(runtime, now)
        done = status(settings, tmp_path)
        assert done.returncode == 1
        assert len(done.stdout.splitlines()) == 2
        assert "fraud-x 7 at limited_release could not be judged: No policy applies." in done.stdout
        assert "\x1b" not in done.stdout
        (held,) = json.loads(status(settings, tmp_path, "-o", "json").stdout)["versions"]
        assert (held["version"], held["problem"]) == ("7", row["problem"])


def test_without_an_mlflow_file_it_says_which_variable_names_one(settings):
    done = clearance("mlflow", "status", env={"CLEARANCE_DATABASE_URL": settings.database_url})
    assert done.returncode == 2
    assert "CLEARANCE_MLFLOW_FILE" in done.stderr
