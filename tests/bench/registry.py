"""From a version's registration in MLflow to the alias: seconds on loopback, and whose they are.

Real processes: an MLflow server, the service, its worker. The calls that the worker makes are made
once more by hand; what is left of the time from the event's receipt is ours.
"""

import sqlite3
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from tests.app.integrations.team import Team
from tests.bench.table import Row, Spread
from tests.scenarios.mlflow_loop import MODEL, Loop

VERSIONS = 10


def rows() -> list[Row]:
    """Seconds per version; the first two, which load MLflow's client, do not count."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as directory:
        loop = Loop(Path(directory))
        try:
            return _measured(loop)
        finally:
            loop.server.stop()


def _measured(loop: Loop) -> list[Row]:
    loop.prepare()
    loop.server.wait()
    # Drift is the demo's part; here one rule is judged.
    policy = loop.folder / "policy.yaml"
    policy.write_text("\n".join(_without_drift(policy.read_text().splitlines())))
    team = Team(loop.server.url, MODEL)
    total: list[float] = []
    to_receipt: list[float] = []
    calls: list[float] = []
    with loop.service():
        loop.walk.run("policy", "push", "policy.yaml", show=False)
        loop.walk.run("mlflow", "connect", "--url", f"{loop.url}/v1/hooks/mlflow", show=False)
        for number in range(VERSIONS + 2):
            version = team.register(0.9)
            began = time.time()
            while team.champion() != version:
                if time.time() - began > 60:
                    raise RuntimeError(f"version {version} never became the champion")
                time.sleep(0.02)
            if number < 2:
                continue
            total.append(time.time() - began)
            to_receipt.append(max(0.0, _received(loop) - began))
            calls.append(_timed(partial(_same_calls, team, version)))
    ours = [t - r - c for t, r, c in zip(total, to_receipt, calls, strict=True)]
    whole, mine = Spread.of(total), Spread.of(ours)
    share = f"{mine.median / whole.median:.0%} of the whole is ours: mostly waiting for its turn"
    task = "registered in MLflow -> alias"
    return [
        Row(task, "the whole", {"s": whole}),
        Row(task, "MLflow: until its event arrives", {"s": Spread.of(to_receipt)}),
        Row(task, "MLflow: answering the worker's calls", {"s": Spread.of(calls)}),
        Row(task, "Clearance: queue, decision, record", {"s": mine}, share),
    ]


def _without_drift(lines: list[str]) -> list[str]:
    start = next(i for i, line in enumerate(lines) if line.strip() == "data:")
    return [*lines[:start], *lines[start + 5 :]]


def _received(loop: Loop) -> float:
    """When the last event of a new version was stored, in seconds since 1970."""
    query = "SELECT max(received_at) FROM registry_delivery WHERE event = 'model_version.created'"
    with sqlite3.connect(loop.folder / "clearance.db") as connection:
        text = str(connection.execute(query).fetchone()[0])
    return datetime.fromisoformat(text).timestamp()


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _same_calls(team: Team, version: str) -> None:
    """What one look asks and writes when a version passes."""
    client, model = team.client, team.model
    client.get_registered_model(model)
    found = client.search_model_versions(f"name='{model}'", order_by=["version_number DESC"])
    logged = client.get_logged_model(found[0].source.removeprefix("models:/"))
    client.get_run(logged.source_run_id)
    client.list_artifacts(logged.source_run_id)
    for number in range(6):
        client.set_model_version_tag(model, version, f"bench.{number}", "value")
    client.set_registered_model_alias(model, "bench", version)
    client.get_registered_model(model)
    client.search_model_versions(f"name='{model}'", order_by=["version_number DESC"])
