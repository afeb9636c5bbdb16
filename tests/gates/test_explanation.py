"""Numbers in sentences: short, on the right side of their limit, and without float noise."""

from math import nextafter

import pytest

from gates.rounding import number
from tests.gates.build import judge, m, only


def test_a_difference_equal_to_its_margin_is_shown_as_the_margin() -> None:
    found = only(
        judge(
            "metric: accuracy, versus_baseline: {max_drop: 0.02}",
            m("accuracy", count=465, n=500),
            baseline=[m("accuracy", value=0.95, n=500)],
        )
    )
    assert "differs from the baseline by -2.0 points (93.0% against 95.0%)" in found.message
    assert "0000" not in found.message


@pytest.mark.parametrize("against", [-0.02, 0.85, 0.999, 1e-6, 12.5])
@pytest.mark.parametrize("percent", [True, False])
def test_float_noise_is_equality_and_more_is_not(against: float, percent: bool) -> None:
    said = number(against, percent=percent, against=against)
    for noisy in (nextafter(against, 99.0), nextafter(against, -99.0), against * (1 + 1e-10)):
        assert number(noisy, percent=percent, against=against) == said
    scale = 100 if percent else 1
    for factor in (1 + 1e-6, 1 - 1e-6):
        shown = float(number(against * factor, percent=percent, against=against).rstrip("%"))
        assert (shown > against * scale) == (against * factor > against)
