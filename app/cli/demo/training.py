"""Real models for the demo: digit readers of scikit-learn, trained on more and less data.

Writes what an evaluation script would write: one row per test picture, with its slice.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.cli.exits import CliError


@dataclass(frozen=True, slots=True)
class Reader:
    """One candidate: its version, how many pictures it learnt from, and its result file."""

    version: str
    learnt_from: int
    results: Path
    right: int
    tested: int


CANDIDATES = {"1": 100, "2": 300, "3": 898}
"""Version -> pictures to learn from: clearly too few, nearly enough, all there are."""


def train(folder: Path) -> list[Reader]:
    """Train each candidate and write its per-example results; the same on every run."""
    try:
        from sklearn.datasets import load_digits  # noqa: PLC0415 - only the demo needs it
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - as above
        from sklearn.model_selection import train_test_split  # noqa: PLC0415 - as above
    except ImportError:
        raise CliError(
            "The demo trains a real model and needs scikit-learn.",
            "Install it with `pip install 'clearance[all]'` or `pip install scikit-learn`.",
        ) from None
    pictures, digits = load_digits(return_X_y=True)
    learn, test, learn_digits, test_digits = train_test_split(
        pictures / 16, digits, test_size=0.5, random_state=0, stratify=digits
    )
    found = []
    for version, size in CANDIDATES.items():
        model = LogisticRegression(max_iter=2000)
        model.fit(learn[:size], learn_digits[:size])
        right = (model.predict(test) == test_digits).tolist()
        path = folder / f"results-v{version}.json"
        path.write_text(json.dumps(_rows(right, test_digits.tolist())), encoding="utf-8")
        found.append(Reader(version, size, path, sum(right), len(right)))
    return found


def _rows(right: list[bool], digits: list[int]) -> list[dict[str, Any]]:
    """One row per picture: `accuracy` is whether it was read right."""
    return [
        {"id": f"picture-{number}", "accuracy": int(is_right), "slice.digit": str(digit)}
        for number, (is_right, digit) in enumerate(zip(right, digits, strict=True))
    ]
