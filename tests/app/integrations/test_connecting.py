"""`clearance mlflow connect` against a real server, and its words for what MLflow says."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from app.cli.demo.walk import free_port
from app.integrations.mlflow import connecting
from app.integrations.mlflow.config import configured, parse
from app.integrations.mlflow.registry import RegistryError, opened
from tests.app.http.service import running
from tests.app.integrations.mlflow_server import MlflowServer, of_run, shared
from tests.app.integrations.team import Gate, Team

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("Invalid webhook URL scheme: 'http'. Allowed schemes are: https.", "ALLOWED_SCHEMES"),
        ("Invalid Host header - possible DNS rebinding attack detected", "--allowed-hosts"),
        ('{"type":"hook-refused"}', "another secret"),
        ('{"type":"not-configured"}', "CLEARANCE_MLFLOW_FILE"),
        ("SSLError(CERTIFICATE_VERIFY_FAILED)", "ca_file"),
        ("403 Permission denied", "administrator"),
        ("HTTPConnectionPool: Max retries exceeded", "Nobody answers"),
        ("something new", "something new"),
    ],
)
def test_traps_are_named(said, advice):
    assert advice in connecting.diagnosed(said)


def test_private_addresses_are_explained_by_mlflows_own_words(monkeypatch):
    from mlflow.exceptions import MlflowException
    from mlflow.utils.validation import _validate_webhook_url

    monkeypatch.delenv("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", raising=False)
    for url, advice in (("https://127.0.0.1/", "PRIVATE_IPS"), ("http://a.example/", "SCHEMES")):
        with pytest.raises(MlflowException) as refused:
            _validate_webhook_url(url)
        assert advice in connecting.diagnosed(str(refused.value))


@pytest.fixture(scope="module")
def untended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A server as it is installed: nothing set for webhooks, and more than one worker."""
    unset = ("SECRET_ENCRYPTION_KEY", "ALLOWED_SCHEMES", "ALLOW_PRIVATE_IPS", "CACHE_TTL")
    nothing = tuple((f"MLFLOW_WEBHOOK_{name}", "") for name in unset)
    folder = of_run(tmp_path_factory)
    with shared(folder, "untended", workers=2, environment=nothing) as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("http://8.8.8.8/v1/hooks/mlflow", "MLFLOW_WEBHOOK_ALLOWED_SCHEMES=http,https"),
        ("https://127.0.0.1/v1/hooks/mlflow", "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true"),
        ("https://10.1.2.3/v1/hooks/mlflow", "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true"),
        # Last, for what it created is not to be read by the other worker, nor after a restart.
        ("https://8.8.8.8/v1/hooks/mlflow", "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"),
    ],
)
def test_each_trap_of_a_server_as_it_is_installed_is_named(
    untended: MlflowServer, tmp_path, url, advice
):
    config = parse(
        f"tracking_uri: {untended.url}\nwebhook_secret_file: s\n"
        "models: [{model: a, stage: evaluation}]\n",
        base=tmp_path,
    )
    with (
        opened(config, retries=0) as found,
        pytest.raises(connecting.ConnectError, match=advice),
    ):
        list(connecting.connect(found, config, url, "gate"))


def steps(gate: Gate, url: str | None = None, name: str = "gate") -> list[str]:
    config = configured(gate.runtime.settings)
    assert config is not None
    hook = url or f"{gate.service.client.base_url}/v1/hooks/mlflow"
    with opened(config, retries=0) as registry:
        try:
            return [step.words for step in connecting.connect(registry, config, hook, name)]
        finally:
            for item in registry.webhooks():
                if item.name == name:
                    registry._client.delete_webhook(item.webhook_id)


def test_a_webhook_is_created_and_tested(gate: Gate, registry: Team):
    words = steps(gate, name=registry.model)
    assert words[1:4] == [
        f"the webhook {registry.model!r} hears all 15 events",
        "a test delivery of model_version.created arrived and was believed",
        "a test delivery of model_version_alias.created arrived and was believed",
    ]
    clear, cached = words[4:]
    assert "travels in the clear" in clear
    # The list's cache: what comes in between is found by the sweep, and so it is said.
    assert "keeps its list of webhooks for 60 s" in cached
    assert "The sweep finds" in cached


def test_nobody_there_is_said(gate: Gate, registry: Team):
    with pytest.raises(connecting.ConnectError, match="Nobody answers"):
        steps(gate, f"http://127.0.0.1:{free_port()}/v1/hooks/mlflow", registry.model)


def test_another_page_at_the_address_is_no_success(gate: Gate, registry: Team):
    class Welcome(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"welcome")

    with HTTPServer(("127.0.0.1", 0), Welcome) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            with pytest.raises(connecting.ConnectError, match="not by Clearance"):
                steps(gate, f"http://127.0.0.1:{server.server_port}/", registry.model)
        finally:
            server.shutdown()


def test_a_gate_without_the_file_is_said(gate: Gate, registry: Team, settings, tmp_path):
    (tmp_path / "bare").mkdir()
    bare = replace(settings, anchor_file=tmp_path / "bare/anchor.jsonl")
    with running(bare) as other, pytest.raises(connecting.ConnectError, match="MLFLOW_FILE"):
        steps(gate, f"{other.client.base_url}/v1/hooks/mlflow", registry.model)


def test_a_different_secret_is_said(gate: Gate, registry: Team, tmp_path):
    config = configured(gate.runtime.settings)
    assert config is not None
    (tmp_path / "other.secret").write_text("another-secret-than-the-gate-has")
    config = config.model_copy(update={"webhook_secret_file": tmp_path / "other.secret"})
    hook = f"{gate.service.client.base_url}/v1/hooks/mlflow"
    with opened(config) as found:
        with pytest.raises(connecting.ConnectError, match="another secret"):
            list(connecting.connect(found, config, hook, registry.model))
        for item in found.webhooks():
            if item.name == registry.model:
                found._client.delete_webhook(item.webhook_id)


def test_without_the_package_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    config = parse("tracking_uri: http://127.0.0.1:9\nmodels: [{model: a, stage: evaluation}]\n")
    with pytest.raises(RegistryError, match=r"clearance\[mlflow\]"), opened(config):
        raise AssertionError("it must not open")


def test_a_secret_is_made_once_for_its_owner_only(tmp_path):
    text = "tracking_uri: x\nwebhook_secret_file: s\nmodels: [{model: a, stage: evaluation}]\n"
    config = parse(text, base=tmp_path)
    assert connecting.new_secret(config) == tmp_path / "s"
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600
    first = config.secrets()
    assert connecting.new_secret(config) is None
    assert config.secrets() == first


def test_the_web_server_never_loads_mlflow():
    names = "('mlflow', 'dbos', 'pandas')"
    code = (
        "import json, sys, app.main\n"
        f"print(json.dumps([m for m in sys.modules if m.partition('.')[0] in {names}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
