"""Scores that come example by example, gathered into one measurement per metric and slice.

An example without a score is an errored one: it is counted and never left out of sight. Repeats of
an example keep their own ids and share a cluster, so that they are not taken for new examples.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
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


_Key = tuple[str, str | None, SliceKey]
"""Metric, task, slice."""

_Place = tuple[SliceKey, dict[str, _Series]]
"""Slice, and the series found there so far by metric."""


class Scored:
    """Collects (metric, score, example, slices) and gives the measurements in order."""

    def __init__(self) -> None:
        self._series: dict[_Key, _Series] = {}
        self._whole: _Place = ((), {})
        self._places: dict[SliceKey, _Place] = {}
        self._values: dict[str, set[str]] = {}
        self._crowded: set[str] = set()

    def add(
        self, metric: str, score: float | None, example: str, slices: Iterable[SliceKey] = ()
    ) -> None:
        """One score of one example, over all and in each of the slices; None where it errored."""
        self.add_all(((metric, score),), example, slices)

    def add_all(
        self,
        scores: Iterable[tuple[str, float | None]],
        example: str,
        slices: Iterable[SliceKey] = (),
    ) -> None:
        """The same for the scores of several metrics."""
        # Called for every example of a file. The slices, whose hash is slow, are looked up once.
        places = [self._whole]
        places += [self._places.get(slice_) or self._place(slice_) for slice_ in slices]
        for metric, score in scores:
            for place in places:
                series = place[1].get(metric) or self._in(place, metric)
                if score is None:
                    series.errored += 1
                else:
                    series.scores.append(score)
                    series.examples.append(example)

    def add_column(
        self,
        metric: str,
        scores: list[float | None],
        examples: list[str],
        slices: Sequence[Iterable[SliceKey]] | None = None,
        task: str | None = None,
    ) -> None:
        """The same for all examples of one metric, in their order."""
        series = self._of((metric, task, ()))
        present = [score for score in scores if score is not None]
        series.errored += len(scores) - len(present)
        series.scores += present
        series.examples += (
            examples
            if len(present) == len(scores)
            else [e for e, score in zip(examples, scores, strict=True) if score is not None]
        )
        for row, of_row in enumerate(slices or ()):
            for slice_ in of_row:
                self._add((metric, task, slice_), scores[row], examples[row])

    def _is_crowded(self, slice_: SliceKey) -> bool:
        return bool(self._crowded) and any(name in self._crowded for name, _ in slice_)

    def add_only(self, metric: str, score: float | None, example: str, slice_: SliceKey) -> None:
        """One score that belongs to a slice and not to the whole, such as of a perturbed input."""
        self._add((metric, None, slice_), score, example)

    def _place(self, slice_: SliceKey) -> _Place:
        place: _Place = (slice_, {})
        if not self._is_crowded(slice_):  # else there may be one for each example
            self._places[slice_] = place
        return place

    def _in(self, place: _Place, metric: str) -> _Series:
        slice_, known = place
        known[metric] = series = self._of((metric, None, slice_))
        return series

    def _of(self, key: _Key) -> _Series:
        series = self._series.get(key)
        if series is None:
            for name, value in key[2]:
                values = self._values.setdefault(name, set())
                values.add(value)
                if len(values) > MAX_VALUES:
                    self._crowded.add(name)
            series = _Series()
            if not self._is_crowded(key[2]):
                self._series[key] = series
        return series

    def _add(self, key: _Key, score: float | None, example: str) -> None:
        # Called for every score of a file.
        series = self._series.get(key) or self._of(key)
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
            for name in self._values
            if name in self._crowded
        ]

    def measurements(
        self, per_metric: Mapping[str, Mapping[str, Any]] | None = None, **common: Any
    ) -> Iterator[Measurement]:
        """All series; `per_metric` and `common` give further fields of the measurements."""
        before: list[str] | None = None
        for (metric, task, slice_), series in self._series.items():
            if self._is_crowded(slice_):
                continue
            more = {**common, **((per_metric or {}).get(metric) or {})}
            if series.examples != before:  # most metrics score the same examples
                before = series.examples
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
    if len(set(examples)) == len(examples):
        return tuple(examples), None
    times = Counter(examples)
    seen: dict[str, int] = {}
    ids = []
    for example in examples:
        if times[example] == 1:
            ids.append(example)
        else:
            seen[example] = repeat = seen.get(example, 0) + 1
            ids.append(f"{example}#{repeat}")
    return tuple(ids), tuple(examples)
