"""Which versions a waiver's scope names."""

import pytest

from gates.waivers import is_version_in, range_problem


@pytest.mark.parametrize(
    ("version", "scope"),
    [
        ("42", "42"),
        ("42", "4?"),
        ("41", "41..45"),
        ("45", "41..45"),
        ("1.10", "1.9..1.11"),
        ("1.2.0", "1.2..1.2"),
        ("v7", "v1.."),
        ("3", "..3"),
        ("release-7", "release-1..release-9"),
    ],
)
def test_is_in(version, scope):
    assert is_version_in(version, scope)
    assert range_problem(scope) is None


@pytest.mark.parametrize(
    ("version", "scope"),
    [
        ("46", "41..45"),
        ("40", "41..45"),
        ("1.2", "1.10..1.20"),
        ("release-42", "41..45"),
        ("42-rc1", "41..45"),
        ("latest", "1.."),
        ("42", ".."),
        ("42", "4"),
        ("", "1.."),
    ],
)
def test_is_not_in(version, scope):
    assert not is_version_in(version, scope)


@pytest.mark.parametrize("scope", ["..", "a..b", "45..41", "v1..2", "a.."])
def test_a_range_of_nothing_is_named(scope):
    assert range_problem(scope)
