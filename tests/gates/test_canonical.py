from enum import IntEnum, StrEnum
from types import MappingProxyType

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gates.canonical import NotCanonical, canonical, digest, rounded

SAFE = 2**53 - 1
TEXT = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=30,
)


@given(JSON)
def test_agrees_with_the_reference_package_byte_for_byte(value):
    assert canonical(value) == rfc8785.dumps(value)
    assert canonical(value, is_plain=True) == rfc8785.dumps(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_itself(value):
    assert float(canonical(value)) == value
    assert canonical(value, is_plain=True) == canonical(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (1e-7, "1e-7"),
        (0.00001, "0.00001"),
        (1e16, "10000000000000000"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (123456789012345680.0, "123456789012345680"),
        (0.1 + 0.2, "0.30000000000000004"),
        (5e-324, "5e-324"),
        (SAFE, "9007199254740991"),
        ((1, "a"), '[1,"a"]'),
        ([], "[]"),
        ({}, "{}"),
        ('\u20ac\x1f"\\\x7f/', '"\u20ac\\u001f\\"\\\\\x7f/"'),
        # RFC 8785 section 3.2.3: UTF-16 order puts the surrogate pair before U+FB33.
        ({"\ufb33": 1, "\U0001f600": 2, "a": 3}, '{"a":3,"\U0001f600":2,"\ufb33":1}'),
        (MappingProxyType({"b": 1, "a": None}), '{"a":null,"b":1}'),
    ],
)
def test_known_forms(value, text):
    assert canonical(value) == text.encode()


def test_enumerations_are_written_as_the_values_they_carry():
    class Word(StrEnum):
        YES = "yes"

    class Count(IntEnum):
        TWO = 2

    assert canonical({Word.YES: [Word.YES, Count.TWO]}) == b'{"yes":["yes",2]}'


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        -float("inf"),
        SAFE + 1,
        -SAFE - 1,
        pytest.param(10**5000, id="huge"),
        "\ud800",
        {"\udfff": 1},
        {1: "a"},
        {None: 1},
        {"a": {True: 1}},
        {"\u00e9": 1, 2: 2},
        b"bytes",
        {1, 2},
        object(),
        1j,
    ],
)
def test_what_json_cannot_say_is_refused_wherever_it_stands(value):
    for wrapped in (value, [value], {"a": [1, (value,)]}):
        with pytest.raises(NotCanonical):
            canonical(wrapped)


def test_a_value_nested_too_deeply_is_refused():
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(NotCanonical, match="deep"):
        canonical(value)


def test_the_digest_is_that_of_the_canonical_bytes():
    # echo -n '{"a":1}' | sha256sum
    assert digest({"a": 1.0}) == (
        "sha256:015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    )


@given(JSON)
def test_rounding_twice_is_rounding_once(value):
    once = rounded(value)
    assert canonical(rounded(once)) == canonical(once)


def test_rounding_hides_the_last_bits_and_leaves_the_rest():
    assert rounded({"a": (0.1 + 0.2, 1, "x", None, True)}) == {"a": [0.3, 1, "x", None, True]}
    assert rounded(1 / 3) == 0.333333333333
