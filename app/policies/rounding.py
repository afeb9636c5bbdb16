"""Numbers that a person would write, on the safe side of the exact ones. Decimal throughout."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import floor, log10


def friendly(number: float, gap: float, *, up: bool) -> Decimal:
    """`number` moved to a step of 1, 2 or 5 times a power of ten, by at most half of `gap`."""
    exact = Decimal(repr(number))
    if not gap > 0:
        return exact
    power = floor(log10(gap / 2))
    lead = gap / 2 / 10**power
    step = Decimal(5 if lead >= 5 else 2 if lead >= 2 else 1).scaleb(power)
    return (exact / step).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * step


def percent(share: float, *, up: bool) -> str:
    """A share in percent with one decimal."""
    mode = ROUND_CEILING if up else ROUND_FLOOR
    return f"{(Decimal(repr(share)) * 100).quantize(Decimal('0.1'), mode)}%"


def plain(number: Decimal) -> str:
    """Without trailing zeros, and without an exponent unless it is tiny or huge."""
    short = number.normalize()
    return f"{short:f}" if -8 <= short.adjusted() <= 15 else f"{short:e}".replace("e+", "e")
