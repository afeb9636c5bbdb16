"""Every estimator of the registry over every bad input: an answer each time, and no more than that.

Nothing here names an estimator: a new one is asked as soon as it is listed. It may refuse, by
ValueError, or answer with bounds that are numbers, hold its own value and claim nothing above it.
What is not finite never comes so far; tests/gates/test_bad_evidence.py asks that of the ladder.
"""

from collections.abc import Callable
from math import inf, isnan
from typing import Any

import pytest

from gates.statistics.binomial import Rate
from gates.statistics.registry import ESTIMATORS
from tests.gates.statistics.test_registry import INSTEAD, MADE

Spoil = Callable[[Any], Any]
BEYOND = 2**53 + 1
SIZE = 100
SETTINGS = frozenset({"low", "high", "q", "factor", "metric"})
"""What a rule or the catalogue says; bad data leave it as it is."""
SEPARATE = frozenset({"mean_difference"})
"""What compares samples of any two sizes."""


def _numbers(change: Callable[[float], float]) -> Spoil:
    """Each number of a series, or a single one that is no count."""

    def spoil(value: Any) -> Any:
        match value:
            case (float(), *_):
                return tuple(map(change, value))
            case float():
                return change(value)
            case _:
                return value

    return spoil


def _counts(change: Callable[[int], int]) -> Spoil:
    """Each count, of tables and of estimates that rest on one as well."""

    def spoil(value: Any) -> Any:
        match value:
            case int():
                return change(value)
            case tuple() if not any(isinstance(part, (float, str)) for part in value):
                return tuple(map(spoil, value))
            case Rate():
                return Rate(change(value.count_low), change(value.count_high), change(value.n))
            case _:
                return value

    return spoil


def _series(change: Callable[[Any], Any]) -> Spoil:
    """Each series as a whole."""
    return lambda value: change(value) if _is_series(value) else value


def _is_series(value: Any) -> bool:
    return isinstance(value, tuple) and isinstance(value[0], (float, str))


def _without(count: int) -> int:
    """No successes, events or agreement in samples of the same size; samples of none are refused
    before they come to an estimator."""
    return count if count == SIZE else 0


BAD: dict[str, Spoil] = {
    "ties": _numbers(lambda x: round(2 * x) / 2),
    "constant": _numbers(lambda _: 0.5),
    "constant at the top": _numbers(lambda _: 1.0),
    "one cluster": _series(lambda s: ("one",) * len(s) if isinstance(s[0], str) else s),
    "all zero": lambda value: _counts(_without)(_numbers(lambda _: 0.0)(value)),
    "no successes": _counts(_without),
    "huge": _numbers(lambda x: 1e300 * x),
    "tiny": _numbers(lambda x: 1e-300 * x),
    "least": _numbers(lambda x: 5e-324 if x > 0.5 else 0.0),
    "one example": lambda value: _counts(lambda _: 1)(_series(lambda s: s[:1])(value)),
    "negative": _series(lambda s: s if isinstance(s[0], str) else tuple(-x for x in s)),
    "counts beyond 2^53": _counts(lambda k: BEYOND * k),
    "counts by a hair beyond 2^53": _counts(lambda k: BEYOND + k),
}


def _asked(name: str) -> dict[str, Any]:
    made = {**MADE, **INSTEAD.get(name, {})}
    return {what: made[what] for what in ESTIMATORS[name].takes}


def _spoilt(given: dict[str, Any], spoil: Spoil, only: str | None = None) -> dict[str, Any]:
    """The data, or `only` one of them, spoilt; settings stay."""
    kept = SETTINGS if only is None else {*given} - {only}
    return {what: value if what in kept else spoil(value) for what, value in given.items()}


def _seen(given: dict[str, Any]) -> list[float]:
    """The scores that must lie in the range."""
    return [x for value in given.values() if _is_series(value) for x in value if type(x) is float]


def _answers(name: str, given: dict[str, Any]) -> None:
    """It refuses, or every answer is a number that claims no more than was seen."""
    low, high = given.get("low", -inf), given.get("high", inf)
    if any(not low <= x <= high for x in _seen(given)):
        return  # refused before: gates.ladder.screening.refuse_impossible
    try:
        known = ESTIMATORS[name].build(*given.values())
    except ValueError:
        return
    value = known.value
    assert not isnan(value)
    for errors in (False, True):
        for alpha in (0.05, 0.01, 1e-9):
            low, high = known.lower(alpha, errors=errors), known.upper(alpha, errors=errors)
            assert low <= value <= high
    for limit in (value, 0.0, 1.0, -1.0, 1e300, -1e300):
        above, below = known.p_above(limit), known.p_below(limit)
        assert 0.0 <= above <= 1.0
        assert 0.0 <= below <= 1.0
        assert above > 0.05 or below > 0.05, "shown to lie on both sides"
        for side in ("lower", "upper"):
            asked = known.samples_to_settle(limit, side, 0.05)
            assert asked is None or asked >= 1
    assert known.p_above(value) > 0.05
    assert known.p_below(value) > 0.05


@pytest.mark.parametrize("how", BAD)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_bad_input_has_an_answer(name: str, how: str) -> None:
    spoil = BAD[how]
    _answers(name, _spoilt(_asked(name), spoil))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_one_bad_series_among_sound_ones_has_an_answer(name: str) -> None:
    given = _asked(name)
    for how, spoil in BAD.items():
        for what in given:
            if how != "one example" and _is_series(given[what]):
                _answers(name, _spoilt(given, spoil, what))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_series_of_unequal_length_are_refused(name: str) -> None:
    given = _asked(name)
    series = [what for what, value in given.items() if _is_series(value)]
    for what in series if len(series) > 1 and name not in SEPARATE else ():
        with pytest.raises(ValueError, match=r"."):
            ESTIMATORS[name].build(*{**given, what: given[what][:-1]}.values())
