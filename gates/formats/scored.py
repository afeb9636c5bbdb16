"""Scores that come example by example, gathered into one measurement per metric and slice.

An example without a score is an errored one: it is counted and never left out of sight. Repeats of
an example keep their own ids and share a cluster, so that they are not taken for new examples.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gates.evidence import Measurement, SliceKey

MAX_VALUES = 1_000
"""Values of one dimension. What has more names single examples, not groups of them."""


@dataclass
class _Series:
    scores: list[float] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    errored: int = 0


class Scored:
    """Collects (metric, score, example, slices) and gives the measurements in order."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str | None, SliceKey], _Series] = {}
        self._values: dict[str, set[str]] = {}

    def add(
        self,
        metric: str,
        score: float | None,
        example: str,
        slices: Iterable[SliceKey] = (),
        task: str | None = None,
    ) -> None:
        """One score of one example, over all and in each of the slices; None where it errored."""
        self._add((metric, task, ()), score, example)
        for slice_ in slices:
            for name, value in slice_:
                self._values.setdefault(name, set()).add(value)
            if not self._is_crowded(slice_):
                self._add((metric, task, slice_), score, example)

    def _is_crowded(self, slice_: SliceKey) -> bool:
        return any(len(self._values[name]) > MAX_VALUES for name, _ in slice_)

    def add_only(self, metric: str, score: float | None, example: str, slice_: SliceKey) -> None:
        """One score that belongs to a slice and not to the whole, such as of a perturbed input."""
        for name, value in slice_:
            self._values.setdefault(name, set()).add(value)
        if not self._is_crowded(slice_):
            self._add((metric, None, slice_), score, example)

    def _add(
        self, key: tuple[str, str | None, SliceKey], score: float | None, example: str
    ) -> None:
        series = self._series.setdefault(key, _Series())
        if score is None:
            series.errored += 1
        else:
            series.scores.append(score)
            series.examples.append(example)

    def __bool__(self) -> bool:
        """Whether anything was added."""
        return bool(self._series)

    @property
    def dropped(self) -> list[str]:
        """Notes on dimensions that had too many values to be slices."""
        return [
            f"{name[:40]!r} has more than {MAX_VALUES:,} different values and is no slice"
            for name, values in self._values.items()
            if len(values) > MAX_VALUES
        ]

    def measurements(
        self, per_metric: Mapping[str, Mapping[str, Any]] | None = None, **common: Any
    ) -> Iterator[Measurement]:
        """All series; `per_metric` and `common` give further fields of the measurements."""
        for (metric, task, slice_), series in self._series.items():
            if self._is_crowded(slice_):
                continue
            more = {**common, **((per_metric or {}).get(metric) or {})}
            ids, clusters = named(series.examples)
            yield Measurement(
                metric=metric,
                scores=tuple(series.scores),
                ids=ids,
                clusters=clusters,
                n_errored=series.errored,
                errors_stated=True,
                task=task if task is not None else more.pop("task", None),
                slice=slice_,
                **{name: value for name, value in more.items() if name != "task"},
            )


def named(examples: list[str]) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """Unique ids in order, and the clusters where an example stands more than once."""
    times = Counter(examples)
    if len(times) == len(examples):
        return tuple(examples), None
    seen: Counter[str] = Counter()
    ids = []
    for example in examples:
        seen[example] += 1
        ids.append(f"{example}#{seen[example]}" if times[example] > 1 else example)
    return tuple(ids), tuple(examples)
