"""A team that registers versions, and the gate that is connected to its registry."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.evaluations.tables import decision
from app.integrations.mlflow.following import follow, sweep
from app.integrations.tables import registry_move
from app.jobs.kinds import Job
from app.jobs.running import run_due
from app.settings import Settings
from tests.app.http.service import Service, running

SECRET = "a-secret-of-this-test-run"

POLICY = """
policy: {name}
owner: risk
applies_to: {{model: "{model}", stage: limited_release}}
gates:
  quality:
    - {{metric: accuracy, min: 0.80}}
escalation:
  reviews: [{{role: security, min: 1}}]
  expires_hours: 72
valid_days: 30
"""


class Team:
    """One registered model and what its owners do with it."""

    def __init__(self, url: str, model: str) -> None:
        from mlflow import MlflowClient

        self.url, self.model = url, model
        self.client: Any = MlflowClient(url, url)

    def register(
        self, correct: float, n: int = 1000, *, run_status: str = "FINISHED", **options: Any
    ) -> str:
        """A version with this accuracy on n examples, measured as MLflow's evaluate logs it."""
        from mlflow.entities import Metric

        client = self.client
        known = client.get_experiment_by_name(self.model)
        experiment = known.experiment_id if known else client.create_experiment(self.model)
        run = client.create_run(experiment, tags={"mlflow.user": options.get("user", "tess")})
        run_id = run.info.run_id
        logged = client.create_logged_model(experiment, name="m", source_run_id=run_id)
        client.finalize_logged_model(logged.model_id, "READY")
        stamp = int(time.time() * 1000)
        values = {"accuracy": correct, "example_count": float(n)}
        data = {"dataset_name": "holdout", "dataset_digest": "d1g3st"}
        metrics = [
            Metric(k, v, stamp, 0, logged.model_id, run_id=run_id, **data)
            for k, v in values.items()
        ]
        if not options.get("measured_later"):
            client.log_batch(run_id, metrics=metrics)
        for name, content in options.get("artifacts", {}).items():
            client.log_text(run_id, content, name)
        if run_status != "RUNNING":
            client.set_terminated(run_id, run_status)
        if not client.search_registered_models(f"name='{self.model}'"):
            client.create_registered_model(self.model)
        made = client.create_model_version(
            self.model,
            options.get("source") or f"models:/{logged.model_id}",
            run_id,
            tags=options.get("tags"),
            model_id=logged.model_id,
        )
        self.last = (run_id, logged.model_id, metrics)
        return str(made.version)

    def tags(self, version: str) -> dict[str, str]:
        found = self.client.get_model_version(self.model, version).tags
        return {
            k.removeprefix("clearance."): v for k, v in found.items() if k.startswith("clearance.")
        }

    def champion(self) -> str | None:
        found = self.client.get_registered_model(self.model).aliases.get("champion")
        return None if found is None else str(found)


@dataclass
class Gate:
    """The service, and the worker's part of the work, run by hand."""

    service: Service
    team: Team

    @property
    def runtime(self):
        return self.service.app.state.runtime

    def swept(self) -> None:
        """What the worker does when it has time: the sweep, the record's news, what is due."""
        now = self.service.clock()
        sweep(self.runtime, Job("job_1", "mlflow.sweep", "mlflow.sweep", {}, now, 1), now)
        self.worked()

    def worked(self) -> None:
        """What rang, and what the record says since."""
        for _ in range(2):
            follow(self.runtime, self.service.clock())
            run_due(self.runtime, self.service.clock())

    def decisions(self) -> list[tuple[str, str, str]]:
        with self.runtime.engine.connect() as connection:
            rows = connection.execute(select(decision).order_by(decision.c.decided_at)).all()
        return [(row.version, row.verdict, row.status) for row in rows]

    def moves(self) -> list[tuple[str | None, str | None]]:
        with self.runtime.engine.connect() as connection:
            rows = connection.execute(select(registry_move).order_by(registry_move.c.id)).all()
        return [(row.previous, row.version) for row in rows]

    def publish(self, policy: str = POLICY) -> None:
        text = policy.format(name=self.team.model, model=self.team.model)
        self.service.publish(text, self.team.model)


@contextmanager
def connected(
    settings: Settings,
    team: Team,
    folder: Path,
    rule: str = "",
    head: str = "",
    policy: str = POLICY,
) -> Iterator[Gate]:
    (folder / "hook.secret").write_text(SECRET)
    (folder / "mlflow.yaml").write_text(
        f"tracking_uri: {team.url}\nwebhook_secret_file: hook.secret\n{head}models:\n"
        f'  - {{model: "{team.model}", stage: limited_release, alias: champion{rule}}}\n'
    )
    made = replace(
        settings,
        mlflow_file=folder / "mlflow.yaml",
        public_url="https://clearance.example.com",
    )
    with running(made) as service:
        gate = Gate(service, team)
        gate.publish(policy)
        # The registry is connected before the first version comes.
        follow(gate.runtime, service.clock())
        yield gate
