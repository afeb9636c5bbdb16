"""Whether a rule can pick one series out of all that was measured, and by which of its names.

A series that it cannot name apart from another gets no rule: two values for one question are not
evidence.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

from app.policies.series import Series

MAX_NAME = 200


class Crowd:
    """All series of a set of measurements."""

    def __init__(self, all_series: Iterable[Series]) -> None:
        self._tasks: dict[object, set[str | None]] = defaultdict(set)
        self._sources: dict[object, set[str]] = defaultdict(set)
        for series in all_series:
            self._tasks[series.metric, series.dimensions].add(series.task)
            self._sources[series.metric, series.dimensions, series.task].add(series.source)

    def rivals(self, series: Series) -> set[str]:
        """Other sources that measured the same on the same task."""
        return self._sources[series.metric, series.dimensions, series.task] - {series.source}

    def hides(self, series: Series) -> str | None:
        """Why no rule can pick the series out; None where one can."""
        parts = [part for pair in series.slice for part in pair]
        names = (series.metric, series.task or "", series.source, *parts)
        if not all((series.metric, *parts)) or any(len(literal(name)) > MAX_NAME for name in names):
            return "a name in it is empty or too long for a policy"
        if not series.task and self._tasks[series.metric, series.dimensions] - {series.task}:
            return "other tasks measure it too: send it with its own `task`"
        rivals = self.rivals(series)
        if rivals and (not series.source or any(_is_part(series.source, r) for r in rivals)):
            return "other sources measure it too: send it with its own `source`"
        return None


def _is_part(source: str, rival: str) -> bool:
    """Whether a rule that names `source` would see the rival, too: it may be its tool or suite."""
    return rival.startswith(f"{source}/") or rival.endswith(f"/{source}")


def literal(text: str) -> str:
    """A glob that matches the text and nothing else."""
    return re.sub(r"([*?\[])", r"[\1]", text)
