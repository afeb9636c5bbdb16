"""Which engine decided: the version that replay needs, and the backend of its special functions.

Every change of an estimator's output raises ENGINE_VERSION and stands in the changelog.
"""

from gates.statistics.special import backend

ENGINE_VERSION = "1.0.0"


def engine() -> str:
    """`1.0.0`, or `1.0.0+light` for the pure Python functions of the command line.

    The two agree to eleven digits, not to the last: only equal engines replay byte for byte.
    """
    return ENGINE_VERSION if backend() == "scipy" else f"{ENGINE_VERSION}+{backend()}"
