"""The client of the service against a server that misbehaves in every way that servers do."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.cli.exits import CliError
from app.cli.service import Service
from app.cli.submit import waited

Answer = tuple[int, dict[str, str], bytes]


class Scripted(ThreadingHTTPServer):
    """Gives the scripted answers in turn, the last one for ever, and remembers who asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []


class Handler(BaseHTTPRequestHandler):
    def answered(self) -> None:
        server = self.server
        assert isinstance(server, Scripted)
        self.rfile.read(int(self.headers.get("content-length", 0)))
        server.asked.append((self.command, self.path, dict(self.headers)))
        status, headers, body = (
            server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
        )
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Tests print nothing."""


for method in ("GET", "POST", "PUT"):
    setattr(Handler, f"do_{method}", Handler.answered)


@pytest.fixture
def server(monkeypatch) -> Iterator[Scripted]:
    scripted = Scripted()
    thread = threading.Thread(target=scripted.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("CLEARANCE_URL", f"http://127.0.0.1:{scripted.server_port}/")
    monkeypatch.setenv("CLEARANCE_TOKEN", "clr_secret")
    yield scripted
    scripted.shutdown()
    thread.join()
    scripted.server_close()


def answer(status: int, value: object = None, **headers: str) -> Answer:
    return status, headers, b"" if value is None else json.dumps(value).encode()


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, 2),
        (401, 4),
        (403, 4),
        (404, 2),
        (409, 2),
        (413, 2),
        (422, 2),
        (429, 4),
        (500, 4),
        (503, 4),
        (307, 4),
    ],
)
def test_each_answer_has_its_exit_code(server, status, code):
    said = {"title": "t", "detail": "Said so.", "errors": [{"pointer": "/a", "detail": "bad"}]}
    server.answers = [answer(status, said, Location="http://elsewhere/")]
    with pytest.raises(CliError) as caught:
        Service(pause=lambda _: None).get("/clearance")
    assert caught.value.code == code
    assert "clr_secret" not in caught.value.message
    if code == 2:
        assert caught.value.message == "Said so."
        assert caught.value.details == ("/a: bad",)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1", b"\xff"])
def test_what_is_not_json_is_no_answer(server, body):
    server.answers = [(200, {}, body)]
    with pytest.raises(CliError) as caught:
        Service().get("/x")
    assert caught.value.code == 4


def test_a_submission_is_repeated_under_one_key(server):
    server.answers = [answer(503, {"detail": "busy"}), answer(502), answer(201, {"id": "dec_1"})]
    pauses: list[float] = []
    found = Service(pause=pauses.append).post("/evaluations", {"a": 1}, key="k1")
    assert found == {"id": "dec_1"}
    assert [headers["Idempotency-Key"] for _, _, headers in server.asked] == ["k1"] * 3
    assert pauses == sorted(pauses)


def test_what_might_be_done_twice_is_not_repeated(server):
    server.answers = [answer(503, {"detail": "busy"})]
    with pytest.raises(CliError):
        Service(pause=lambda _: None).post("/decisions/d/replay")
    assert len(server.asked) == 1


def test_names_stay_in_their_segment_of_the_path(server):
    server.answers = [answer(200, {})]
    from app.cli.service import segment

    Service().get(f"/decisions/{segment('../keys?x=1#y')}")
    assert server.asked[0][1] == "/v1/decisions/..%2Fkeys%3Fx%3D1%23y"


def test_nobody_there_is_4(monkeypatch):
    monkeypatch.setenv("CLEARANCE_URL", "http://127.0.0.1:1")
    with pytest.raises(CliError) as caught:
        Service(pause=lambda _: None).get("/x")
    assert caught.value.code == 4
    assert "clearance serve" in caught.value.details[0]


@pytest.mark.parametrize("url", ["ftp://x", "localhost:8000", "http://", "nonsense"])
def test_a_wrong_url_is_wrong_usage(monkeypatch, url):
    monkeypatch.setenv("CLEARANCE_URL", url)
    with pytest.raises(CliError) as caught:
        Service()
    assert caught.value.code == 2


def test_a_broken_token_is_wrong_usage_and_is_not_shown(monkeypatch):
    monkeypatch.setenv("CLEARANCE_TOKEN", "clr_secret\nX-Evil: 1")
    with pytest.raises(CliError) as caught:
        Service()
    assert "secret" not in caught.value.message


def test_waiting_backs_off_and_ends_in_time(server):
    pending = {"id": "dec_1", "status": "pending"}
    server.answers = [answer(200, pending)]
    now = [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds

    found = waited(Service(), pending, 120.0, pause=pause, clock=lambda: now[0])
    assert found["status"] == "pending"
    assert now[0] == 120.0
    assert 5 <= len(server.asked) <= 12


def test_waiting_ends_with_the_answer(server):
    server.answers = [
        answer(200, {"id": "dec_1", "status": "pending"}),
        answer(200, {"id": "dec_1", "status": "passed"}),
    ]
    found = waited(Service(), {"id": "dec_1", "status": "pending"}, 60.0, pause=lambda _: None)
    assert found["status"] == "passed"
