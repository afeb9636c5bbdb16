"""Which engine decided: the version and the tables that replay needs.

Every change of an estimator's output raises ENGINE_VERSION and stands in the changelog.
"""

from dataclasses import astuple
from functools import lru_cache

from gates.canonical import digest
from gates.metrics import CATALOGUE
from gates.rules.looks import FIRST_LOOK_SHARE
from gates.rules.measured import MIN_CLUSTERS
from gates.statistics import auc, bootstrap, calibration
from gates.statistics.sequence_pairs import STAKES
from gates.statistics.sequence_rate import TUNED
from gates.statistics.special import backend

ENGINE_VERSION = "1.4.0"


def engine() -> str:
    """`1.4.0`, or `1.4.0+light` for the pure Python functions of the command line.

    The two agree to eleven digits, not to the last: only equal engines replay byte for byte.
    """
    return ENGINE_VERSION if backend() == "scipy" else f"{ENGINE_VERSION}+{backend()}"


@lru_cache(maxsize=1)
def tables() -> str:
    """The digest of what estimators look up: the metric catalogue, constants of looks, sequences.

    A metric that changes its kind or direction changes verdicts as surely as a formula does.
    """
    catalogue = [astuple(metric) for metric in sorted(CATALOGUE, key=lambda metric: metric.id)]
    constants = [FIRST_LOOK_SHARE, MIN_CLUSTERS, TUNED, list(STAKES)]
    constants += [bootstrap.SAMPLES, bootstrap.MAX_ROWS, calibration.BINS, auc.MIN_OF_CLASS]
    return digest([catalogue, *constants])
