import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.tile_paths import TilePath, parse


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        # The example of C2SP tlog-tiles.
        ("0/x001/x234/067", TilePath(0, 1234067)),
        ("0/000", TilePath(0, 0)),
        ("63/999", TilePath(63, 999)),
        ("0/273.p/112", TilePath(0, 273, 112)),
        ("1/x001/000.p/1", TilePath(1, 1000, 1)),
        ("entries/x001/000.p/255", TilePath(None, 1000, 255)),
        ("entries/000", TilePath(None, 0)),
    ],
)
def test_a_path_names_one_resource(path, expected):
    assert parse(path) == expected
    assert str(expected) == path


@given(st.one_of(st.none(), st.integers(0, 63)), st.integers(0, 10**18 - 1), st.integers(1, 256))
def test_every_resource_has_one_path(level, number, width):
    assert parse(str(TilePath(level, number, width))) == TilePath(level, number, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/",
        "0/0",
        "0/00",
        "0/0000",
        "0/x000/001",
        "0/x001",
        "0/001/002",
        "0/x01/002",
        "00/000",
        "64/000",
        "-1/000",
        "x/000",
        "0/000.p",
        "0/000.p/",
        "0/000.p/0",
        "0/000.p/01",
        "0/000.p/256",
        "0/000.p/999",
        "0/000.p/1/",
        "0/000/",
        "/0/000",
        "0/+01",
        "0/\u0661\u0661\u0661",
        "data/000",
        "Entries/000",
        "0/" + "x001/" * 6 + "001",
        "0/000\n",
    ],
)
def test_every_other_spelling_is_refused(path):
    assert parse(path) is None
