"""The MLflow file: strict, with the line of each mistake, and secrets elsewhere."""

from pathlib import Path

import pytest

from app.integrations.mlflow.config import MlflowFileError, configured, parse
from app.settings import Settings, SettingsError

FILE = """
tracking_uri: https://mlflow.example.com
models:
  - {model: "fraud-*", stage: limited_release, alias: champion}
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (FILE.replace("alias", "alais"), "`alias`"),
        (FILE.replace("champion", "latest"), "alias"),
        (FILE.replace("champion", "v12"), "alias"),
        (FILE.replace("limited_release", "production"), "stage"),
        (FILE + "username: me\n", "belong together"),
        (FILE + "sweep_seconds: 0\n", "sweep_seconds"),
        (FILE + '  - {model: "fraud-*", stage: broad_rollout, alias: champion}\n', "two rules"),
        ("[]", "mapping"),
    ],
)
def test_mistakes_are_named(text, words):
    with pytest.raises(MlflowFileError, match=words):
        parse(text)


def test_a_changed_file_is_read_again(tmp_path):
    path = tmp_path / "mlflow.yaml"
    path.write_text(FILE)
    settings = Settings(database_url=f"sqlite:///{tmp_path}/c.db", mlflow_file=path)
    first = configured(settings)
    assert first is not None
    assert first.rules_for("fraud-x")[0].metrics == "logged_model"
    assert first.rules_for("other") == []
    path.write_text(FILE + "sweep_seconds: 7\n")
    second = configured(settings)
    assert second is not None
    assert second.sweep_seconds == 7


def test_secrets_are_long_and_in_files(tmp_path):
    config = parse(FILE + "webhook_secret_file: hook\n", base=tmp_path)
    with pytest.raises(SettingsError, match="cannot be read"):
        config.secrets()
    (tmp_path / "hook").write_text("short")
    with pytest.raises(SettingsError, match="at least 16"):
        config.secrets()


def test_one_alias_is_moved_by_one_rule():
    config = parse(FILE + '  - {model: "fraud-card", stage: broad_rollout, alias: champion}\n')
    assert [rule.alias for rule in config.rules_for("fraud-card")] == ["champion", None]


def test_the_deployment_example_loads():
    path = Path(__file__).parents[3] / "deploy/mlflow/clearance.yaml"
    config = parse(path.read_text("utf-8"), base=path.parent)
    assert config.rules_for("fraud-card")[0].alias == "champion"
