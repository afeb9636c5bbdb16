"""The digest of a long series: of its examples in their order, whoever sent them first."""

import random
from hashlib import sha256
from struct import pack

import pytest

from gates.rules.packing import LONG, packed


def in_words(names, numbers):
    """The definition: rows sorted by all they hold, then column after column."""
    rows = sorted(zip(*names, *numbers, strict=True))
    columns = list(zip(*rows, strict=True))
    texts = [column for column in columns if isinstance(column[0], str)]
    values = [column for column in columns if not isinstance(column[0], str)]
    found = sha256()
    for column in texts:
        found.update("\x00".join(column).encode() + b"\x01")
    for column in values:
        found.update(pack(f"<{len(column)}d", *column))
    return found.hexdigest()


@pytest.mark.parametrize("size", [1, 2, LONG - 1, LONG, LONG + 1, 3 * LONG])
@pytest.mark.parametrize("kinds", [10**9, 50, 1])
@pytest.mark.parametrize("more", [0, 1])
def test_long_series_have_the_digest_of_their_sorted_rows(size, kinds, more):
    dice = random.Random(size * kinds + more)
    ids = [f"é{dice.randrange(kinds)}" for _ in range(size)]
    names = [ids, *([f"c{dice.randrange(9)}" for _ in range(size)] for _ in range(more))]
    numbers = [[dice.choice([0.0, 0.5, 1.0]) for _ in range(size)] for _ in range(1 + more)]
    found = packed(names, numbers)
    assert found == in_words(names, numbers)
    order = dice.sample(range(size), size)
    names = [[column[i] for i in order] for column in names]
    numbers = [[column[i] for i in order] for column in numbers]
    assert packed(names, numbers) == found


def test_without_names_the_order_counts():
    assert packed([], [[0.0, 1.0]]) != packed([], [[1.0, 0.0]])
    assert packed([], [[0.0, 1.0]]) == sha256(pack("<2d", 0.0, 1.0)).hexdigest()
