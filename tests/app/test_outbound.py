"""Calls to addresses that others chose: what is refused, and that what was checked is called."""

import http.server
import ipaddress
import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.outbound import Outbound, OutboundError
from app.settings import networks
from tests.app.certificate import certificate

LOOPBACK = networks("127.0.0.0/8, ::1/128")


class Listener(http.server.ThreadingHTTPServer):
    """A server that notes what it was asked for."""

    seen: list[tuple[str, str | None]]

    def handle_error(self, request: object, client_address: object) -> None:
        """Quiet: refused handshakes are what some tests are about."""
        del request, client_address


class Target(http.server.BaseHTTPRequestHandler):
    """Answers by path: a body, a redirect, too much, or never an end."""

    stop = threading.Event()
    server: Listener

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers["Host"]))
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
        elif self.path == "/large":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 10_000)
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            try:
                while not self.stop.wait(0.05):
                    self.wfile.write(b"x")
            except OSError:
                pass
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Quiet: tests say what went wrong."""


@contextmanager
def listening(context: ssl.SSLContext | None = None) -> Iterator[Listener]:
    server = Listener(("127.0.0.1", 0), Target)
    server.seen = []
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def target() -> Iterator[Listener]:
    with listening() as server:
        yield server


def url(server: Listener, path: str = "/", host: str = "127.0.0.1") -> str:
    return f"http://{host}:{server.server_port}{path}"


def test_loopback_is_refused_until_it_is_allowed(target: Listener):
    for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:7f00:1]"):
        with pytest.raises(OutboundError):
            Outbound(seconds=5).send("GET", url(target, host=host))
    assert target.seen == []
    answer = Outbound(networks=LOOPBACK).send("GET", url(target))
    assert (answer.status, answer.body, answer.is_cut) == (200, b"hello", False)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "127.0.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_addresses_inside_are_refused(address: str):
    assert not Outbound().allows(ipaddress.ip_address(address), "https")


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34"])
def test_public_addresses_are_allowed_over_tls_only(address: str):
    assert Outbound().allows(ipaddress.ip_address(address), "https")
    assert not Outbound().allows(ipaddress.ip_address(address), "http")


@pytest.mark.parametrize(
    "wrong",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "https://user:secret@example.com/",
        "https:///nothing",
        "//example.com",
        "http://[::1",
        "https://example.com:99999/",
        "",
    ],
)
def test_urls_that_are_no_web_addresses_are_refused_without_telling_secrets(wrong: str):
    with pytest.raises(OutboundError) as refused:
        Outbound(networks=LOOPBACK).send("GET", wrong)
    assert "secret" not in str(refused.value)


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    def both(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    with (
        httpx.Client(transport=Outbound().transport(both)) as client,
        pytest.raises(httpx.ConnectError, match="private"),
    ):
        client.get("https://rebound.example/")


def test_the_name_is_resolved_once_and_that_address_is_called(
    target: Listener,
):
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    with httpx.Client(transport=Outbound(networks=LOOPBACK).transport(rebinding)) as client:
        answer = client.get(url(target, "/pinned", host="hook.example"))
    assert answer.text == "hello"
    assert asked == ["hook.example"]
    assert target.seen == [("/pinned", f"hook.example:{target.server_port}")]


def test_redirects_are_not_followed(target: Listener):
    answer = Outbound(networks=LOOPBACK).send("GET", url(target, "/redirect"))
    assert answer.status == 302
    assert [path for path, _ in target.seen] == ["/redirect"]


def test_answers_are_cut_and_calls_end(target: Listener):
    cut = Outbound(networks=LOOPBACK, max_bytes=100).send("GET", url(target, "/large"))
    assert (len(cut.body), cut.is_cut) == (100, True)
    with pytest.raises(OutboundError, match="too long"):
        Outbound(networks=LOOPBACK, seconds=0.5).send("GET", url(target, "/drip"))


def test_nobody_listening_is_an_error_in_words():
    with listening() as server:
        address = url(server)
    with pytest.raises(OutboundError, match=r"127\.0\.0\.1"):
        Outbound(networks=LOOPBACK, seconds=5).send("GET", address)


def test_authorities_are_read_once_and_again_when_their_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    read: list[str | None] = []
    reading = ssl.create_default_context

    def counted(cafile: str | None = None) -> ssl.SSLContext:
        read.append(cafile)
        return reading(cafile=cafile)

    monkeypatch.setattr(ssl, "create_default_context", counted)
    pem = certificate(tmp_path, "hook.example")
    policy = Outbound(networks=LOOPBACK, ca_file=str(pem))
    for _ in range(3):
        policy.transport().close()
    assert read == [str(pem)]
    certificate(tmp_path, "hook.example")
    os.utime(pem, ns=(1, 1))
    policy.transport().close()
    assert read == [str(pem)] * 2


def test_tls_is_checked_against_the_name_not_the_address(tmp_path: Path):
    pem = certificate(tmp_path, "hook.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def here(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    policy = Outbound(networks=LOOPBACK, ca_file=str(pem))
    with listening(context) as server, httpx.Client(transport=policy.transport(here)) as client:
        port = server.server_port
        assert client.get(f"https://hook.example:{port}/").text == "hello"
        with pytest.raises(httpx.ConnectError):
            client.get(f"https://other.example:{port}/")
