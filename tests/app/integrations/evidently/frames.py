"""Small data sets for tests, and the ways to send and measure them."""

import io
from datetime import timedelta

import numpy as np
import pandas as pd

from app.jobs.running import run_due

POLICY = """
policy: churn-data
owner: risk
applies_to: {model: "churn*", stage: [monitoring]}
gates:
  data:
    - {metric: drift_share, max: 0.3, mode: exact}
    - metric: drift_p_value
      min: 0.01
      where: {column: age}
      mode: exact
      direction: higher
      kind: point
    - {metric: missing_value_share, max: 0.2, where: {column: age}}
  quality:
    - {metric: accuracy, min: 0.7}
valid_days: 30
"""


def frame(n=300, *, shift=0.0, right=0.95, seed=1):
    """Ages, cities, a target and predictions of it."""
    dice = np.random.default_rng(seed)
    target = dice.integers(0, 2, n)
    prediction = np.where(dice.random(n) < right, target, 1 - target)
    return pd.DataFrame(
        {
            "age": dice.normal(40 + shift, 5, n),
            "city": dice.choice(["Bern", "Linz", "Graz"], n),
            "target": target,
            "prediction": prediction,
        }
    )


def parquet(data):
    body = io.BytesIO()
    data.to_parquet(body)
    return body.getvalue()


def jsonl(data):
    return data.to_json(orient="records", lines=True).encode()


def csv(data):
    return data.to_csv(index=False).encode()


def sent(service, body, kind="application/vnd.apache.parquet"):
    answer = service.call("POST", "/v1/datasets", content=body, headers={"Content-Type": kind})
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()["digest"]


def asking(reference, current, *, version="7", **data):
    fields = {"reference": reference, "current": current}
    fields |= {"target": "target", "prediction": "prediction"}
    return {
        "candidate": {"model": "churn", "version": version},
        "stage": "monitoring",
        "data": {k: v for k, v in {**fields, **data}.items() if v is not None},
    }


def queued(service, body, **options):
    """The 202 of an evaluation."""
    answer = service.call("POST", "/v1/evaluations", json=body, **options)
    assert answer.status_code == 202, answer.text
    return answer


def worked(service):
    """All that is due is done, here and now."""
    runtime = service.app.state.runtime
    return run_due(runtime, runtime.clock() + timedelta(seconds=1))


def standing(service, answer):
    return service.call("GET", answer.headers["location"]).json()


def decided(service, body):
    """(the evaluation when it has ended, its decision)."""
    answer = queued(service, body)
    worked(service)
    found = standing(service, answer)
    assert found["status"] == "done", found
    return found, service.call("GET", f"/v1/decisions/{found['decision']}").json()


def outcomes(decision):
    return {
        finding["rule"]: finding["outcome"]
        for gate in decision["gates"]
        for finding in gate["findings"]
    }
