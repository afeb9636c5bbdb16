"""A real MLflow behind basic auth, https of a private authority, workspaces and several workers."""

import base64
import json
import ssl
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from uuid import uuid4

import pytest

from app.integrations.mlflow import connecting
from app.integrations.mlflow.config import configured, parse
from app.integrations.mlflow.registry import RegistryError, opened
from app.integrations.tables import registry_delivery
from tests.app.certificate import certificate
from tests.app.cli.shell import clearance
from tests.app.integrations.mlflow_server import MlflowServer, of_run, shared
from tests.app.integrations.team import Gate, Team, connected
from tests.app.jobs.test_worker import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
]
ADMIN, GATE = ("admin", "a-password-for-tests"), ("gate", "another-password-for-tests")


@dataclass
class Guarded:
    """The server, and what its administrator does."""

    server: MlflowServer
    authority: Path

    def asked(self, path: str, body: dict[str, Any], workspace: str = "team-a") -> None:
        """One request of the administrator; the answer must be good."""
        request = urllib.request.Request(
            self.server.url + path,
            json.dumps(body).encode(),
            {
                "Content-Type": "application/json",
                "Authorization": f"Basic {base64.b64encode(':'.join(ADMIN).encode()).decode()}",
                "X-MLFLOW-WORKSPACE": workspace,
            },
        )
        context = ssl.create_default_context(cafile=self.authority)
        try:
            with urllib.request.urlopen(request, timeout=60, context=context):
                return
        except HTTPError as error:
            raise AssertionError(error.read()) from None

    def granted(self, team: Team, *kinds: str, permission: str | None = None) -> None:
        """What the gate's user may do: EDIT on the model, READ on the experiment, or another."""
        for kind in kinds:
            usual = {"registered_model": "EDIT", "experiment": "READ"}[kind]
            self._change("grant", team, kind, permission or usual)

    def revoked(self, team: Team, kind: str, permission: str) -> None:
        """Take a permission back: MLflow keeps one for each user and thing."""
        self._change("revoke", team, kind, permission)

    def _change(self, what: str, team: Team, kind: str, permission: str) -> None:
        experiment = team.client.get_experiment_by_name(team.model).experiment_id
        name = {"registered_model": team.model, "experiment": experiment}[kind]
        body = {"username": GATE[0], "resource_type": kind, "resource_id": name}
        path = f"/api/3.0/mlflow/users/permissions/{what}"
        self.asked(path, {**body, "permission": permission})


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = of_run(tmp_path_factory)
    # Of the first process that comes; the others find it.
    authority = folder / "guarded-authority" / "server.pem"
    if not authority.exists():
        authority.parent.mkdir(exist_ok=True)
        # Checking a password takes a tenth of a second on purpose; once per user is enough here.
        authority.with_name("auth.ini").write_text(
            "[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///basic_auth.db\n"
            "admin_username = admin\nauth_cache_ttl_seconds = 600\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        )
        certificate(authority.parent, "127.0.0.1")

    def prepare(server: MlflowServer) -> None:
        found = Guarded(server, authority)
        user = {"username": GATE[0], "password": GATE[1]}
        found.asked("/api/2.0/mlflow/users/create", user, "default")
        for name in ("team-a", "team-b"):
            found.asked("/api/3.0/mlflow/workspaces", {"name": name}, "default")

    options: dict[str, Any] = {
        "certificate": authority,
        "workers": 2,
        "options": ("--app-name", "basic-auth", "--enable-workspaces"),
        "environment": (
            ("MLFLOW_AUTH_ADMIN_PASSWORD", ADMIN[1]),
            ("MLFLOW_FLASK_SERVER_SECRET_KEY", "a-key-for-tests"),
            ("MLFLOW_AUTH_CONFIG_PATH", str(authority.with_name("auth.ini"))),
        ),
    }
    with shared(folder, "guarded", prepare, **options) as server:
        yield Guarded(server, authority)


@pytest.fixture
def team(guarded: Guarded, monkeypatch) -> Team:
    """The administrator as a team of workspace team-a."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", ADMIN[0])
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", ADMIN[1])
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(guarded.authority))
    monkeypatch.setenv("MLFLOW_WORKSPACE", "team-a")
    return Team(guarded.server.url, f"fraud-{uuid4().hex[:8]}")


def head(guarded: Guarded, folder: Path, who: tuple[str, str]) -> str:
    (folder / f"{who[0]}.password").write_text(who[1])
    return (
        f"ca_file: {guarded.authority}\nusername: {who[0]}\npassword_file: {who[0]}.password\n"
        "workspace: team-a\n"
    )


@pytest.fixture
def gate(settings, guarded: Guarded, team: Team, tmp_path) -> Iterator[Gate]:
    """The worker's file names a user who may only read experiments and edit the model."""
    with connected(settings, team, tmp_path, head=head(guarded, tmp_path, GATE)) as started:
        yield started


def test_events_arrive_and_versions_are_judged_by_a_user_of_small_rights(
    gate: Gate, guarded: Guarded, team: Team, tmp_path, monkeypatch
):
    config = configured(gate.runtime.settings)
    assert config is not None
    admin = parse(
        f"tracking_uri: {team.url}\nwebhook_secret_file: hook.secret\n"
        f"{head(guarded, tmp_path, ADMIN)}models: [{{model: a, stage: evaluation}}]\n",
        base=tmp_path,
    )
    hook = f"{gate.service.client.base_url}/v1/hooks/mlflow"
    # Webhooks are for administrators, and the words say so.
    with (
        opened(config, retries=0) as registry,
        pytest.raises(connecting.ConnectError, match="administrator"),
    ):
        list(connecting.connect(registry, config, hook, team.model))
    with opened(admin, retries=0) as registry:
        words = [step.words for step in connecting.connect(registry, admin, hook, team.model)]
    assert words[1] == f"the webhook {team.model!r} hears all 15 events"
    good = team.register(0.9)
    guarded.granted(team, "registered_model", "experiment")

    def heard() -> list[str]:
        with gate.runtime.engine.connect() as connection:
            rows = connection.execute(registry_delivery.select()).all()
        return [row.event for row in rows if row.model == team.model]

    until(lambda: "model_version.created" in heard(), patience=120)
    gate.worked()
    assert team.champion() == good
    tags = team.tags(good)
    assert (tags["verdict"], tags["status"]) == ("pass", "passed")
    shown = gate.service.call("GET", f"/v1/decisions/{tags['decision']}").json()
    assert shown["verdict"] == "pass"
    # A model of the same name in another workspace is nobody's business here.
    monkeypatch.setenv("MLFLOW_WORKSPACE", "team-b")
    other = Team(team.url, team.model)
    other.register(0.95)
    gate.swept()
    assert other.tags("1") == {}
    assert gate.decisions() == [(good, "pass", "passed")]


def held_up_by(gate: Gate) -> str:
    """What `clearance mlflow status` prints."""
    settings = gate.runtime.settings
    names = {
        "CLEARANCE_DATABASE_URL": settings.database_url,
        "CLEARANCE_MLFLOW_FILE": str(settings.mlflow_file),
    }
    return clearance("mlflow", "status", env=names).stdout


def test_what_the_user_may_not_read_is_said_and_done_once_he_may(
    gate: Gate, guarded: Guarded, team: Team
):
    team.register(0.9)
    config = configured(gate.runtime.settings)
    assert config is not None
    gate.swept()
    with opened(config, retries=0) as registry:
        assert list(registry.names()).count(team.model) == 0
    guarded.granted(team, "registered_model")
    gate.swept()
    assert gate.decisions() == []
    # Nobody but the operator hears of it: on the service's health, and by the command.
    assert gate.service.client.get("/readyz").json()["jobs_failing"] == 1
    said = held_up_by(gate)
    assert "READ on the experiments of its runs in the workspace 'team-a'" in said
    assert "Permission denied" in said
    guarded.granted(team, "experiment")
    gate.swept()
    # Longer than the worker waits after a refusal.
    gate.service.clock.ahead += timedelta(minutes=5)
    gate.worked()
    assert [row[1] for row in gate.decisions()] == ["pass"]
    assert team.champion() == "1"
    assert gate.service.client.get("/readyz").json()["jobs_failing"] == 0
    assert "the last try failed" not in held_up_by(gate)


def test_who_may_read_but_not_write_is_told_to_be_granted_edit(
    gate: Gate, guarded: Guarded, team: Team
):
    version = team.register(0.9)
    guarded.granted(team, "experiment")
    guarded.granted(team, "registered_model", permission="READ")
    gate.swept()
    # It is decided here, and the registry does not know.
    assert [row[1] for row in gate.decisions()] == ["pass"]
    assert team.tags(version) == {}
    said = held_up_by(gate)
    assert (
        f"EDIT on the registered model {team.model!r} in the workspace 'team-a' (writing was "
        "refused)" in said
    )
    guarded.revoked(team, "registered_model", "READ")
    guarded.granted(team, "registered_model")
    gate.service.clock.ahead += timedelta(minutes=5)
    gate.worked()
    assert team.tags(version)["verdict"] == "pass"
    assert "the last try failed" not in held_up_by(gate)


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ("ca_file", "name the authority in ca_file"),
        ("password", "MLflow refuses the credentials"),
        ("workspace", "no workspace of that name"),
    ],
)
def test_what_is_wrong_with_the_way_in_is_said(guarded: Guarded, tmp_path, change, advice):
    text = head(guarded, tmp_path, ADMIN)
    if change == "ca_file":
        text = text.partition("\n")[2]
    elif change == "password":
        (tmp_path / "admin.password").write_text("a-guess-of-the-password")
    else:
        text = text.replace("team-a", "team-nowhere")
    config = parse(
        f"tracking_uri: {guarded.server.url}\nwebhook_secret_file: s\n{text}"
        "models: [{model: a, stage: evaluation}]\n",
        base=tmp_path,
    )
    with opened(config, retries=0) as registry:
        with pytest.raises(connecting.ConnectError, match=advice):
            list(connecting.connect(registry, config, "https://gate.example.com/", "gate"))
        with pytest.raises(RegistryError):
            registry.webhooks()
