import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.formats.cells import NotANumber, number, numbers, whole
from gates.formats.objects import column, mapping, mark, marks, marks_of, quantities, quantity, size

CELLS = st.one_of(
    st.floats(),
    st.integers(),
    st.booleans(),
    st.none(),
    st.sampled_from(["", "nan", "N/A", "0.5", "1", "1_0", "٣", "1e999", "inf", " 2 ", "x"]),
)


def one_by_one(cells):
    try:
        return [number(cell) for cell in cells]
    except NotANumber:
        return None


@given(st.lists(CELLS, max_size=12) | st.lists(CELLS, max_size=2).map(lambda few: few * 6))
def test_a_column_says_what_its_cells_say(cells):
    try:
        found = numbers(cells)
    except NotANumber:
        found = None
    assert found == one_by_one(cells)


def test_a_number_of_too_many_digits_is_none_of_a_column_either():
    cells = ["1" + "0" * 500, "2"]
    with pytest.raises(NotANumber):
        numbers(cells)
    assert numbers([10**400, 1.0]) == [None, 1.0]


TEXTS = st.text() | st.sampled_from(['"\\\b\x1f\x7f', "\u2028é😀", "\ud800"]) | st.none()


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=4))
def test_the_name_of_an_example_is_that_of_its_json(rows):
    """Names of stored examples must not change: they pair candidate and baseline."""
    expected = [
        hashlib.sha256(
            json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode(
                "utf-8", "surrogatepass"
            )
        ).hexdigest()[:16]
        for row in rows
    ]
    columns = list(zip(*rows, strict=True)) or [(), ()]
    assert marks(*columns) == expected
    assert marks_of(columns[0]) == [mark(value) for value in columns[0]]
    assert [mark(row) for row in rows] == expected


VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers() | st.floats() | st.sampled_from([1e16, 2**64, -0.0]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(bool), inner),
    max_leaves=6,
)


@given(VALUES)
def test_the_name_of_any_value_is_that_of_its_json(value):
    encoded = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    expected = hashlib.sha256(encoded.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    assert mark(value) == expected


def slowly(read, value):
    try:
        return None if isinstance(value, bool) else read(value)
    except NotANumber:
        return None


@given(st.lists(CELLS | st.sampled_from([1e300, -1e300, 10**300, 2**53, 2**53 + 1, -1])))
def test_quantities_and_sizes_are_what_a_cell_says_or_nothing(cells):
    assert list(map(quantity, cells)) == [slowly(number, cell) for cell in cells]
    assert quantities(cells) == [slowly(number, cell) for cell in cells]
    assert list(map(size, cells)) == [slowly(whole, cell) for cell in cells]


@given(st.lists(st.dictionaries(st.sampled_from("ab"), VALUES)))
def test_a_column_is_what_stands_under_the_path_in_each_row(rows):
    assert column(rows, "a") == [row.get("a") for row in rows]
    assert column(rows, "a", "b") == [mapping(row, "a").get("b") for row in rows]
