"""The evidence ladder: what one measurement, or two of them, can be taken to show."""

from gates.ladder.differences import Compared, compare, difference
from gates.ladder.screening import Unsettled, clusters_of, sample_size
from gates.ladder.single import estimate
from gates.ladder.strict import guaranteed

__all__ = [
    "Compared",
    "Unsettled",
    "clusters_of",
    "compare",
    "difference",
    "estimate",
    "guaranteed",
    "sample_size",
]
