"""The whole loop in real processes: an MLflow server, the service with its worker, a team's code.

`Loop` is one walk through it; the test and `make demo-mlflow` tell the same story with it.
"""

import base64
import hmac
import json
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from app.cli.demo.walk import StepFailed, Walk, clearance_command, free_port
from tests.app.integrations.mlflow_server import MlflowServer, new_server
from tests.scenarios.mlflow_training import Team

MODEL = "payments-fraud"
PATIENCE_SECONDS = 120.0
POLICY = f"""
policy: payments-fraud-release
owner: risk
applies_to: {{model: {MODEL}, stage: limited_release}}
gates:
  quality:
    - {{metric: accuracy, min: 0.80}}
  data:
    - metric: drift_share
      max: 0.5
      mode: exact
      accepts_point_estimate: the share is of all columns, not of a sample of them
escalation:
  reviews: [{{role: security, min: 1}}]
  expires_hours: 72
"""
FILE = """
tracking_uri: {uri}
webhook_secret_file: mlflow-webhook.secret
sweep_seconds: 3600
models:
  - {{model: {model}, stage: limited_release, alias: champion}}
"""


class Loop:
    """The parts, and what a team, a pipeline and a reviewer do with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.walk = Walk(folder)
        self.port = free_port()
        self.server: MlflowServer = new_server(
            folder / "mlflow",
            # Else MLflow tries again so long that an event survives a short stop of the gate.
            environment=(("MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES", "0"),),
        )
        self.admin = ""

    @cached_property
    def team(self) -> Team:
        """Their training code; it loads MLflow, scikit-learn and Evidently."""
        return Team(self.server.url, MODEL)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """The MLflow server, which boots from here on, and the file that names it."""
        self.server.launch()
        (self.folder / "mlflow.yaml").write_text(FILE.format(uri=self.server.url, model=MODEL))
        (self.folder / "mlflow-webhook.secret").write_text("a-secret-that-only-this-demo-uses\n")
        (self.folder / "policy.yaml").write_text(POLICY)
        self.walk.environment["CLEARANCE_MLFLOW_FILE"] = str(self.folder / "mlflow.yaml")
        self.walk.environment["CLEARANCE_PUBLIC_URL"] = self.url
        self.walk.environment["CLEARANCE_LOG_ORIGIN"] = "localhost/clearance/log"

    @contextmanager
    def service(self) -> Iterator[None]:
        """The service with its worker; a second time it takes up what the first one left."""
        if not self.admin:
            with self.walk.service(self.port) as admin:
                self.admin = admin
                self.walk.act_as(admin)
                yield
            return
        with (self.folder / "service.log").open("a") as log:
            process = subprocess.Popen(
                [*clearance_command(), "serve", "--port", str(self.port)],
                cwd=self.folder,
                env=self.walk.environment,
                stdout=log,
                stderr=log,
            )
            try:
                self.until(self._is_ready, "the service is ready again")
                yield
            finally:
                process.terminate()
                process.wait(timeout=20)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def call(self, method: str, path: str, token: str = "", body: Any = None) -> Any:
        """One request to the service; StepFailed where it refuses."""
        request = urllib.request.Request(
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {token or self.admin}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read())
        except HTTPError as error:
            raise StepFailed(f"{method} {path}: {error.code} {error.read()[:500]!r}") from None

    def person(self, role: str) -> str:
        """A person's key with this role."""
        made = self.walk.run(
            *("key", "create", "--role", role, "--name", role.partition(":")[2] or role),
            *("--person", "--output", "json"),
            show=False,
        )
        return str(json.loads(made)["key"])

    def until(self, is_so: Callable[[], bool], what: str) -> float:
        """Seconds until it is so; StepFailed where it never is."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_SECONDS:
            if is_so():
                return time.monotonic() - began
            time.sleep(0.05)
        log = (self.folder / "service.log").read_text("utf-8", "replace")[-3000:]
        raise StepFailed(f"it never came to be that {what}\n{log}")

    def decided(self, version: str, status: str) -> float:
        """Seconds until MLflow shows this status on a version."""
        return self.until(
            lambda: self.team.tags(version).get("status") == status,
            f"version {version} is {status}; its tags are {self.team.tags(version)}",
        )

    def sign_off(self, decision: str, token: str) -> None:
        """A reviewer opens the question, reads it and approves."""
        self.call("POST", f"/v1/decisions/{decision}/review", token, {})
        review = self.call("GET", f"/v1/decisions/{decision}", token)["review"]["id"]
        shown = self.call("GET", f"/v1/reviews/{review}", token)
        answer = {
            "answer": "approve",
            "role": "security",
            "comment": "Twelve rows are few; good enough for a trial.",
            "decision_digest": shown["decision_digest"],
        }
        self.call("POST", f"/v1/reviews/{review}/sign-offs", token, answer)

    def deliver(self, version: str, delivery: str) -> int:
        """An event as MLflow would have sent it; the status of the answer."""
        data: dict[str, Any] = {
            "name": MODEL,
            "version": version,
            "source": "",
            "run_id": None,
            "tags": {},
        }
        body = json.dumps({"entity": "model_version", "action": "created", "data": data}).encode()
        stamp = str(int(time.time()))
        secret = (self.folder / "mlflow-webhook.secret").read_text().strip().encode()
        signed = b".".join([delivery.encode(), stamp.encode(), body])
        mac = base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
        headers = {
            "Content-Type": "application/json",
            "X-MLflow-Delivery-Id": delivery,
            "X-MLflow-Timestamp": stamp,
            "X-MLflow-Signature": f"v1,{mac}",
        }
        request = urllib.request.Request(f"{self.url}/v1/hooks/mlflow", body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)

    def decisions(self) -> list[tuple[str, str, str]]:
        """(version, verdict, status) of all decisions, oldest first."""
        items = self.call("GET", f"/v1/decisions?model={MODEL}")["items"]
        found = [(d["candidate"]["version"], d["verdict"], d["status"]) for d in items]
        return found[::-1]

    def moves(self) -> list[tuple[str | None, str | None]]:
        """Where the alias went, as the record tells it."""
        items = self.call("GET", f"/v1/audit/entries?subject={MODEL}")["items"]
        told = sorted((item["index"], item["body"]) for item in items)
        return [
            (body["data"]["was"], body["data"]["version"])
            for _, body in told
            if body["type"].startswith("alias.")
        ]

    def history(self) -> list[tuple[str | None, str | None]]:
        """The same as the table has it, also when the service is down."""
        return self._rows("SELECT previous, version FROM registry_move ORDER BY at, id")

    def heard(self) -> int:
        """How many events of new versions MLflow delivered, besides those of `deliver`."""
        query = "SELECT count(*) FROM registry_delivery WHERE event = 'model_version.created'"
        return int(self._rows(f"{query} AND id NOT LIKE 'again-%'")[0][0])

    def _rows(self, query: str) -> list[Any]:
        with sqlite3.connect(self.folder / "clearance.db") as connection:
            return connection.execute(query).fetchall()

    def tell(self) -> None:
        """The story. Raises StepFailed where a step does not do what it says."""
        walk = self.walk
        walk.say("1. An MLflow server starts, and Clearance is connected to it.")
        self.prepare()
        with self.service():
            # All three load MLflow, each in a process of its own: the server, the worker, the team.
            team = self.team
            walk.run("policy", "push", "policy.yaml")
            self.server.wait()
            walk.run("mlflow", "connect", "--url", f"{self.url}/v1/hooks/mlflow")
            walk.say("2. A model is trained and registered; the webhook fires.")
            good = self._trained(team.train())
            self._expect(good, "passed", good)
            walk.say("3. A model that sees one feature only, and one whose data drifted.")
            bad = self._trained(team.train(features=1))
            self._expect(bad, "failed", good)
            drifted = self._trained(team.train(drifts=True))
            self._expect(drifted, "failed", good)
            walk.say("4. One that was tested on twelve rows: people are asked.")
            unsure = self._trained(team.train(tested=12))
            self._expect(unsure, "pending", good)
            walk.say("5. MLflow stops; a reviewer approves meanwhile; MLflow comes back.")
            reviewer = self.person("reviewer:security")
            decision = team.tags(unsure)["decision"]
            self.server.stop()
            self.sign_off(decision, reviewer)
            self.server.start()
            self._expect(unsure, "passed", unsure)
        walk.say("6. Clearance stops; a version is registered, and its event is lost.")
        late = self._trained(team.train(learnt_from=2500))
        with self.service():
            self._expect(late, "passed", late, moved=(unsure, late))
            walk.say("7. Events come again, twice and in the wrong order: nothing changes.")
            before = (self.decisions(), self.moves())
            deliveries = [(v, f"again-{v}-{n}") for n in (1, 1, 2) for v in (late, good, bad)]
            statuses = [self.deliver(version, delivery) for version, delivery in deliveries]
            if sorted(statuses) != [200] * 3 + [202] * 6:
                raise StepFailed(f"the deliveries were answered with {statuses}")
            self.until(self._is_quiet, "the worker has looked again")
            if (self.decisions(), self.moves()) != before or team.champion() != late:
                raise StepFailed(f"something changed: {before} became {self.decisions()}")
            walk.say("8. The newest version is revoked; the alias goes back by itself.")
            decision = team.tags(late)["decision"]
            revoked = {"reason": "It was seen to fail on a new card scheme."}
            self.call("POST", f"/v1/decisions/{decision}/revoke", body=revoked)
            self._expect(late, "revoked", unsure)
        wanted = [(None, good), (good, unsure), (unsure, late), (late, unsure)]
        if (found := self.history()) != wanted:
            raise StepFailed(f"the alias moved {found} instead of {wanted}")
        if (heard := self.heard()) < 4:
            raise StepFailed(f"only {heard} events of new versions arrived")

    def _trained(self, made: Any) -> str:
        self._echo(f"version {made.version}: {made.accuracy:.1%} right of {made.tested}")
        return str(made.version)

    def _expect(
        self, version: str, status: str, champion: str, moved: tuple[str, str] | None = None
    ) -> None:
        seconds = self.decided(version, status)
        self.until(lambda: self.team.champion() == champion, f"the champion is {champion}")
        if moved is not None:
            # The record tells of a move once MLflow has made it.
            self.until(lambda: self.moves()[-1:] == [moved], "the move is recorded")
        self._echo(f"after {seconds:.1f} s version {version} is {status}; champion is {champion}")

    def _is_quiet(self) -> bool:
        """No look is waiting or under way."""
        looks = "SELECT count(*) FROM job WHERE kind = 'mlflow.look'"
        waiting, claimed = f"{looks} AND status = 'new'", f"{looks} AND claimed_by NOT NULL"
        now = "AND due_at <= strftime('%Y-%m-%dT%H:%M:%f', 'now')"
        due = f"{looks} AND status = 'set' {now}"
        return all(self._rows(query)[0][0] == 0 for query in (waiting, claimed, due))

    def _echo(self, text: str) -> None:
        sys.stdout.write(f"    {text}\n")
        sys.stdout.flush()


def main() -> int:
    """`make demo-mlflow [KEEP=folder]`."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".demo-mlflow").absolute()
    folder.mkdir(parents=True)
    loop = Loop(folder)
    began = time.monotonic()
    try:
        loop.tell()
    except StepFailed as failed:
        sys.stderr.write(f"\nThe demo failed: {failed}\n")
        return 1
    finally:
        loop.server.stop()
    loop.walk.say(f"Done in {time.monotonic() - began:.0f} seconds. Its files: {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
