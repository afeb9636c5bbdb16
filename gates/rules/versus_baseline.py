"""versus baseline: the candidate is not worse than a baseline by more than a margin, or better.

Judges the difference candidate - baseline, on the same examples wherever their ids match. A
relative margin is a difference too, candidate - (1 + share) baseline, and needs no division.

The comparison itself is `gates.rules.comparison`, which an experiment's parts share.
"""

from typing import ClassVar

from gates.rules.comparison import Comparison


class VersusBaseline(Comparison):
    """`{metric: f1, versus_baseline: {max_drop: 0.01}}`."""

    KIND: ClassVar[str] = "versus_baseline"
