"""The evidence ladder: what one measurement, or two of them, can be taken to show."""

from gates.ladder.differences import difference
from gates.ladder.screening import Unsettled, clusters_of, sample_size
from gates.ladder.single import estimate

__all__ = ["Unsettled", "clusters_of", "difference", "estimate", "sample_size"]
