"""A running service with an MLflow file, on both databases."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.settings import Settings
from tests.app.http.service import Service, running

SECRET = "topsecret-please-rotate"
"""The throw-away secret that the captures in `data` were signed with."""


@pytest.fixture
def mlflow_settings(settings: Settings, tmp_path) -> Settings:
    (tmp_path / "hook.secret").write_text(f"a-newer-secret-of-ours\n{SECRET}\n")
    (tmp_path / "mlflow.yaml").write_text(
        "tracking_uri: http://127.0.0.1:9\n"
        "webhook_secret_file: hook.secret\n"
        "models:\n"
        '  - {model: "fraud-*", stage: limited_release, alias: champion}\n'
    )
    return replace(settings, mlflow_file=tmp_path / "mlflow.yaml")


@pytest.fixture
def service(mlflow_settings: Settings) -> Iterator[Service]:
    with running(mlflow_settings) as started:
        yield started
