"""A running service with an MLflow file, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from app.settings import Settings
from tests.app.http.service import Service, running
from tests.app.integrations.mlflow_server import MlflowServer, of_run, shared
from tests.app.integrations.team import Gate, Team, connected

SECRET = "topsecret-please-rotate"
"""The throw-away secret that the captures in `data` were signed with."""


@pytest.fixture
def mlflow_settings(settings: Settings, tmp_path: Path) -> Settings:
    return _with_mlflow(settings, tmp_path)


def _with_mlflow(settings: Settings, folder: Path) -> Settings:
    (folder / "hook.secret").write_text(f"a-newer-secret-of-ours\n{SECRET}\n")
    (folder / "mlflow.yaml").write_text(
        "tracking_uri: http://127.0.0.1:9\n"
        "webhook_secret_file: hook.secret\n"
        "models:\n"
        '  - {model: "fraud-*", stage: limited_release, alias: champion}\n'
    )
    return replace(settings, mlflow_file=folder / "mlflow.yaml")


@pytest.fixture
def service(mlflow_settings: Settings) -> Iterator[Service]:
    with running(mlflow_settings) as started:
        yield started


@pytest.fixture(scope="module")
def standing(
    standing_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """One service for all tests of a file whose calls leave nothing, as in `tests/app/http`."""
    folder = tmp_path_factory.mktemp("mlflow-file")
    with running(_with_mlflow(standing_settings, folder)) as started:
        yield started


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A real server, shared with the other processes of this run."""
    with shared(of_run(tmp_path_factory)) as server:
        yield server


@pytest.fixture
def registry(mlflow_server: MlflowServer) -> Team:
    """A team's own model on the shared server."""
    return Team(mlflow_server.url, f"fraud-{uuid4().hex[:8]}")


@pytest.fixture
def gate(settings: Settings, registry: Team, tmp_path) -> Iterator[Gate]:
    """A service that is connected to the server, with a policy for the team's model."""
    with connected(settings, registry, tmp_path) as started:
        yield started
