"""Evidently's report on two frames: which columns can be compared, which presets fit, and the run.

Runs in the measuring process only. Evidently raises where a column is empty or of another type;
such a column is a gap here, so that the others are measured all the same.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from evidently import (
    BinaryClassification,
    DataDefinition,
    Dataset,
    MulticlassClassification,
    Regression,
    Report,
)
from evidently.core.datasets import ColumnType, infer_column_type
from evidently.descriptors import (
    NonLetterCharacterPercentage,
    SentenceCount,
    TextLength,
    WordCount,
)
from evidently.metrics import RowCount
from evidently.presets import (
    ClassificationPreset,
    DataDriftPreset,
    DataSummaryPreset,
    RegressionPreset,
)

from app.integrations.evidently.asked import Asked, Gap

_COMPARABLE: Final = {ColumnType.Numerical, ColumnType.Categorical, ColumnType.Text}
_WORDS: Final = {
    ColumnType.Datetime: "times have no drift method",
    ColumnType.List: "lists have no drift method",
}
_MOST_CLASSES: Final = 200
_EMPTY: Final = "<!doctype html><title>Nothing measured</title><p>No column could be compared.</p>"


@dataclass(frozen=True, slots=True)
class Measured:
    """The snapshot as JSON values, the report for people, and what could not be measured."""

    snapshot: dict[str, Any]
    html: str
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]


def measure(reference: pd.DataFrame, current: pd.DataFrame, asked: Asked) -> Measured:
    """Drift of every comparable column, the state of the data, the quality of predictions."""
    names = asked.columns or tuple(dict.fromkeys([*reference.columns, *current.columns]))
    types, gaps, notes = _types(reference, current, names, asked, is_named=bool(asked.columns))
    definition, quality, missing = _definition(current, reference, types, asked)
    gaps += missing
    described = [_descriptors(column) for column in asked.text if column in types]
    derived = [d.alias for group in described for d in group]
    descriptors = [d for group in described for d in group]
    judged = [name for name in (asked.target, asked.prediction) if quality and name is not None]
    kept = list(dict.fromkeys([*types, *judged]))
    if not kept:
        return Measured({"metrics": [], "tests": []}, _EMPTY, tuple(gaps), tuple(notes))
    frames = [
        Dataset.from_pandas(
            frame[kept].copy(), data_definition=definition, descriptors=descriptors or None
        )
        for frame in (current, reference)
    ]
    columns = [*types, *derived]
    parts: list[Any] = [RowCount()]
    if columns:
        method = asked.drift_method
        parts.append(DataDriftPreset(columns=columns, num_method=method, cat_method=method))
        parts.append(DataSummaryPreset(columns=columns))
    parts += quality
    snapshot = Report(parts, include_tests=False).run(*frames)
    return Measured(
        snapshot=json.loads(snapshot.json()),
        html=snapshot.get_html_str(as_iframe=False),
        gaps=tuple(gaps),
        notes=tuple(notes),
    )


def _types(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    names: Sequence[str],
    asked: Asked,
    *,
    is_named: bool,
) -> tuple[dict[str, ColumnType], list[Gap], list[str]]:
    types: dict[str, ColumnType] = {}
    gaps, notes = [], []
    for name in (*names, *(text for text in asked.text if text not in names)):
        if (why := _unfit(reference, current, name)) is not None:
            gaps.append(Gap(name, why))
            continue
        kind = ColumnType.Text if name in asked.text else infer_column_type(reference[name])
        if kind is ColumnType.Datetime and not is_named:
            notes.append(f"column {name!r} holds times and was left out")
        elif kind not in _COMPARABLE:
            gaps.append(Gap(name, _WORDS.get(kind, "it mixes kinds of values")))
        else:
            types[name] = kind
    return types, gaps, notes


def _unfit(reference: pd.DataFrame, current: pd.DataFrame, name: str) -> str | None:
    """Why a column cannot be compared at all; None where it can."""
    frames = {"reference": reference, "current": current}
    for which, frame in frames.items():
        if name not in frame:
            return f"it is absent in the {which} data"
        if frame[name].replace([np.inf, -np.inf], np.nan).dropna().empty:
            return f"it has no value in the {which} data"
    are_numbers = {which: pd.api.types.is_numeric_dtype(f[name]) for which, f in frames.items()}
    if len(set(are_numbers.values())) > 1:
        numeric = "reference" if are_numbers["reference"] else "current"
        return f"it holds numbers in the {numeric} data only"
    return None


def _descriptors(column: str) -> list[Any]:
    """What can be said of a text without a model and without the network."""
    return [
        TextLength(column, alias=f"{column}: length"),
        WordCount(column, alias=f"{column}: words"),
        SentenceCount(column, alias=f"{column}: sentences"),
        NonLetterCharacterPercentage(column, alias=f"{column}: percent no letters"),
    ]


def _definition(
    current: pd.DataFrame, reference: pd.DataFrame, types: dict[str, ColumnType], asked: Asked
) -> tuple[DataDefinition, list[Any], list[Gap]]:
    columns = {
        key: [name for name, kind in types.items() if kind is wanted]
        for key, wanted in (
            ("numerical_columns", ColumnType.Numerical),
            ("categorical_columns", ColumnType.Categorical),
            ("text_columns", ColumnType.Text),
        )
    }
    if asked.target is None or asked.prediction is None:
        return DataDefinition(**columns), [], []
    for which, frame in (("current", current), ("reference", reference)):
        for name in (asked.target, asked.prediction):
            if name not in frame:
                why = f"column {name!r} is absent in the {which} data"
                return DataDefinition(**columns), [], [Gap(None, why)]
            if (empty := int(frame[name].isna().sum())) > 0:
                why = f"column {name!r} has no value in {empty:,} rows of the {which} data"
                return DataDefinition(**columns), [], [Gap(None, why)]
    if _is_regression(current[asked.target], asked):
        task = Regression(target=asked.target, prediction=asked.prediction)
        return DataDefinition(**columns, regression=[task]), [RegressionPreset()], []
    labels = set(current[asked.target]) | set(reference[asked.target])
    if len(labels) > _MOST_CLASSES:
        why = f"column {asked.target!r} has {len(labels):,} values: say `task: regression`"
        return DataDefinition(**columns), [], [Gap(None, why)]
    task = _classification(current, labels, asked)
    return DataDefinition(**columns, classification=[task]), [ClassificationPreset()], []


def _is_regression(target: pd.Series, asked: Asked) -> bool:
    if asked.task is not None:
        return asked.task == "regression"
    return infer_column_type(target) is ColumnType.Numerical


def _classification(current: pd.DataFrame, labels: set[Any], asked: Asked) -> Any:
    target, prediction = str(asked.target), str(asked.prediction)
    positive = asked.positive
    if positive is None and labels <= {0, 1}:
        positive = 1
    if positive is None or len(labels) > 2:
        return MulticlassClassification(target=target, prediction_labels=prediction)
    # Numbers between the labels are probabilities of the positive class.
    found = current[prediction]
    is_share = pd.api.types.is_float_dtype(found) and not set(found.unique()) <= {0.0, 1.0}
    how = {"prediction_probas" if is_share else "prediction_labels": prediction}
    return BinaryClassification(target=target, pos_label=positive, **how)
