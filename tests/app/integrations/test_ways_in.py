"""Basic auth, a token, a private authority and a workspace reach MLflow; nothing stays behind."""

import base64
import json
import os
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.integrations.mlflow.config import parse
from app.integrations.mlflow.registry import RegistryError, opened

pytestmark = pytest.mark.filterwarnings("ignore")

RULES = "models: [{model: a, stage: evaluation}]\n"


class Guarded(BaseHTTPRequestHandler):
    """Answers like MLflow and remembers how it was asked."""

    seen: list[dict[str, str]] = []  # noqa: RUF012 - one server per test

    def do_GET(self):
        self.answer({"workspaces_enabled": True} if "server-info" in self.path else {})

    def do_POST(self):
        self.answer({})

    def answer(self, body: dict[str, object]) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        assert self.seen, "whatever is asked is remembered"


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody but its own file vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return tmp_path / "ca.pem"


@pytest.fixture
def server(authority: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, authority.with_name("key.pem"))
    Guarded.seen.clear()
    with HTTPServer(("127.0.0.1", 0), Guarded) as found:
        found.socket = context.wrap_socket(found.socket, server_side=True)
        Thread(target=found.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{found.server_port}"
        found.shutdown()


def asked(text: str, folder: Path) -> dict[str, str]:
    with opened(parse(text + RULES, base=folder)) as registry:
        assert list(registry.names()) == []
    return Guarded.seen[-1]


def test_a_user_with_a_password_over_a_private_authority(server: str, tmp_path: Path):
    (tmp_path / "password").write_text("s3cret\n")
    before = dict(os.environ)
    text = f"tracking_uri: {server}\nca_file: ca.pem\nusername: gate\npassword_file: password\n"
    headers = asked(text, tmp_path)
    assert base64.b64decode(headers["authorization"].partition(" ")[2]) == b"gate:s3cret"
    assert dict(os.environ) == before


def test_a_token(server: str, tmp_path: Path):
    (tmp_path / "token").write_text("t0ken\n")
    headers = asked(f"tracking_uri: {server}\nca_file: ca.pem\ntoken_file: token\n", tmp_path)
    assert headers["authorization"] == "Bearer t0ken"


def test_a_workspace(server: str, tmp_path: Path):
    headers = asked(f"tracking_uri: {server}\nca_file: ca.pem\nworkspace: team-a\n", tmp_path)
    assert headers["x-mlflow-workspace"] == "team-a"


def test_an_unknown_authority_is_refused_in_words(server: str, tmp_path: Path):
    with pytest.raises(RegistryError, match=r"(?i)certificate"):
        asked(f"tracking_uri: {server}\n", tmp_path)


def test_a_secret_never_stands_in_an_error(server: str, tmp_path: Path):
    (tmp_path / "password").write_text("s3cret\n")
    text = "tracking_uri: https://127.0.0.1:9\nusername: gate\npassword_file: password\n"
    with pytest.raises(RegistryError) as refused:
        asked(text, tmp_path)
    assert "s3cret" not in str(refused.value)
    assert server
