"""Scores as arrays, for estimators that sort, rank or resample them.

numpy is imported at first use, so that a plain rate never waits for it. It refuses nothing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
else:
    Array = Any

LARGE = 4096
"""From here on arrays are worth their import; below, plain Python is as fast and exact."""


def array(values: Sequence[float]) -> Array:
    """The values as 64-bit floats."""
    import numpy as np  # noqa: PLC0415 - an eighth of a second that a plain rate need not wait for

    return np.asarray(values, dtype=np.float64)


def numpy() -> Any:
    """The module itself, where more than one function of it is needed."""
    import numpy as np  # noqa: PLC0415 - as above

    return np


def minus(one: Sequence[float], two: Sequence[float], factor: float) -> Sequence[float]:
    """One - factor * two, value by value."""
    if len(one) < LARGE:
        return [a - factor * b for a, b in zip(one, two, strict=True)]
    found: list[float] = (array(one) - factor * array(two)).tolist()
    return found


def ordered(values: Sequence[float]) -> tuple[float, ...]:
    """The values in ascending order."""
    if len(values) < LARGE:
        return tuple(sorted(values))
    found = array(values).copy()
    found.sort()
    return tuple(found.tolist())
