"""A team's own training code: scikit-learn models, measured, checked for drift, registered.

Nothing in here knows that there is a gate.
"""

import json
import os
import warnings
from dataclasses import dataclass
from importlib import import_module
from typing import Any

EXAMPLES = 6000


@dataclass(frozen=True)
class Trained:
    """What a version's team believes of it."""

    version: str
    accuracy: float
    tested: int


class Team:
    """Trains on synthetic payments; the same on every run."""

    def __init__(self, uri: str, model: str) -> None:
        os.environ.update(
            MLFLOW_DISABLE_TELEMETRY="true",
            MLFLOW_HTTP_REQUEST_MAX_RETRIES="2",
            GIT_PYTHON_REFRESH="quiet",
        )
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.sklearn
        from sklearn.datasets import make_classification

        import_module("evidently.presets")
        self.mlflow: Any = mlflow
        self.uri, self.model = uri, model
        self.client: Any = mlflow.MlflowClient(uri, uri)
        self.rows, self.labels = make_classification(
            EXAMPLES, 8, n_clusters_per_class=1, n_informative=6, class_sep=0.7, random_state=1
        )

    def train(
        self,
        *,
        features: int = 8,
        learnt_from: int = 2000,
        tested: int = 2000,
        drifts: bool = False,
    ) -> Trained:
        """Fit, measure on held-out rows, compare their distribution, log and register."""
        from sklearn.linear_model import LogisticRegression

        mlflow = self.mlflow
        mlflow.set_tracking_uri(self.uri)
        mlflow.set_experiment(self.model)
        classifier = LogisticRegression(max_iter=500)
        classifier.fit(self.rows[:learnt_from, :features], self.labels[:learnt_from])
        rows, labels = self.rows[-tested:, :features], self.labels[-tested:]
        accuracy = float(classifier.score(rows, labels))
        with mlflow.start_run():
            logged = mlflow.sklearn.log_model(
                classifier, name="model", pip_requirements=["scikit-learn"]
            )
            dataset = mlflow.data.from_numpy(rows, targets=labels, name="holdout")
            mlflow.log_input(dataset, context="evaluation")
            values = {"accuracy": accuracy, "example_count": tested}
            mlflow.log_metrics(values, dataset=dataset, model_id=logged.model_id)
            drift = json.loads(self._drift(shift=3.0 if drifts else 0.0))
            mlflow.log_dict(drift, "evaluation/drift.json")
        registered = mlflow.register_model(logged.model_uri, self.model)
        return Trained(str(registered.version), accuracy, tested)

    def _drift(self, shift: float) -> str:
        """Evidently's own report on the traffic since, as it saves it."""
        import pandas as pd
        from evidently import Report
        from evidently.presets import DataDriftPreset

        names = [f"f{number}" for number in range(4)]
        reference = pd.DataFrame(self.rows[:2000, :4], columns=names)
        current = pd.DataFrame(self.rows[2000:4000, :4] + shift, columns=names)
        found: str = Report([DataDriftPreset()]).run(current, reference).json()
        return found

    def champion(self) -> str | None:
        found = self.client.get_registered_model(self.model).aliases.get("champion")
        return None if found is None else str(found)

    def tags(self, version: str) -> dict[str, str]:
        tags = self.client.get_model_version(self.model, version).tags
        mine = {k: v for k, v in tags.items() if k.startswith("clearance.")}
        return {name.removeprefix("clearance."): value for name, value in mine.items()}
