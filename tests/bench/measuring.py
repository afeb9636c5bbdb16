"""Two data sets measured through our worker's way beside Evidently called directly.

Both are warm: Evidently is loaded once on either side. Ours takes the data from the database, hands
them to the measuring process and reads the snapshot into measurements; both make the report.
"""

import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from app.blobs.sending import Sending
from app.database import make_engine, migrate
from app.integrations.evidently.asked import Asked
from app.integrations.evidently.measuring import measured, stored
from app.integrations.evidently.process import measuring
from app.runtime import Runtime, start, utc_now
from app.settings import Settings
from app.telemetry import Telemetry
from tests.bench.table import Row, Spread

ROWS = 50_000
TARGET = 1.15
DIRECT = """
import json, os, sys, time
import pandas as pd
from evidently import BinaryClassification, DataDefinition, Dataset, Report
from evidently.metrics import RowCount
from evidently.presets import ClassificationPreset, DataDriftPreset, DataSummaryPreset
columns = ["age", "income", "city", "target", "prediction"]
definition = DataDefinition(
    numerical_columns=["age", "income"], categorical_columns=["city", "target", "prediction"],
    classification=[BinaryClassification(target="target", prediction_labels="prediction")])
for line in sys.stdin:
    begun = time.perf_counter()
    frames = [Dataset.from_pandas(pd.read_parquet(f"{line.strip()}/{name}"), definition)
              for name in ("current", "reference")]
    parts = [RowCount(), DataDriftPreset(columns=columns), DataSummaryPreset(columns=columns),
             ClassificationPreset()]
    snapshot = Report(parts, include_tests=False).run(*frames)
    snapshot.save_json(f"{line.strip()}/direct.json")
    snapshot.save_html(f"{line.strip()}/direct.html")
    print(time.perf_counter() - begun, flush=True)
"""
FRAMES = """
import sys
import numpy as np, pandas as pd
for name, seed in (("reference", 1), ("current", 2)):
    dice, n = np.random.default_rng(seed), int(sys.argv[2])
    target = dice.integers(0, 2, n)
    pd.DataFrame({
        "age": dice.normal(40, 5, n), "income": dice.lognormal(10, 1, n),
        "city": dice.choice(["Bern", "Linz", "Graz"], n), "target": target,
        "prediction": np.where(dice.random(n) < 0.9, target, 1 - target),
    }).to_parquet(f"{sys.argv[1]}/{name}")
"""


def rows(rounds: int) -> list[Row]:
    """Seconds of both, in turn, and how many times Evidently's own time ours is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-c", FRAMES, name, str(ROWS)], check=True)
        settings = Settings(database_url=f"sqlite:///{folder / 'bench.db'}", data_dir=folder)
        engine = make_engine(settings)
        migrate(engine)
        runtime = start(settings, engine, Telemetry(), utc_now)
        digests = [_sent(runtime, folder / which) for which in ("reference", "current")]
        direct = subprocess.Popen(
            [sys.executable, "-c", DIRECT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={"DO_NOT_TRACK": "1", "PATH": ""},
        )
        try:
            theirs, ours = _both(runtime, direct, name, digests, max(3, rounds))
        finally:
            direct.kill()
            direct.wait()
            measuring.end()
            runtime.ledger.stop()
            engine.dispose()
    ratio = [a / b for a, b in zip(ours, theirs, strict=True)]
    note = f"{Spread.of(ratio).median:.2f} times (target: at most {TARGET})"
    task = f"drift and quality of 2 x {ROWS:,} rows"
    return [
        Row(task, "Evidently directly", {"s": Spread.of(theirs)}),
        Row(task, "through Clearance", {"s": Spread.of(ours), "x": Spread.of(ratio)}, note),
    ]


def _both(
    runtime: Runtime, direct: "subprocess.Popen[str]", folder: str, digests: list[str], rounds: int
) -> tuple[list[float], list[float]]:
    asked = Asked(
        columns=("age", "income", "city", "target", "prediction"),
        target="target",
        prediction="prediction",
    )
    theirs, ours = [], []
    assert direct.stdin is not None
    assert direct.stdout is not None
    for _ in range(rounds + 1):
        direct.stdin.write(f"{folder}\n")
        direct.stdin.flush()
        theirs.append(float(direct.stdout.readline()))
        begun = time.perf_counter()
        found = measured(digests[0], digests[1], asked, partial(stored, runtime))
        ours.append(time.perf_counter() - begun)
        assert found.measurements
    # Both have measured the same values.
    same = [json.loads(Path(folder, "direct.json").read_bytes()), json.loads(found.snapshot)]
    values = [
        sorted(json.dumps(metric["value"], sort_keys=True) for metric in each["metrics"])
        for each in same
    ]
    assert statistics.fmean(len(v) for v in values) > 10
    assert values[0] == values[1], sorted(set(values[0]) ^ set(values[1]))
    # The first round loads.
    return theirs[1:], ours[1:]


def _sent(runtime: Runtime, path: Path) -> str:
    content = path.read_bytes()
    sending = Sending(runtime, None, "bench")
    sending.start()
    sending.add(content)
    sending.finished()
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
