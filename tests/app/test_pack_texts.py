"""Packs are found by name and version in the installed package, and nothing else is."""

import pytest

from app.policies import packs


def test_all_packs_are_named_with_their_version():
    assert "starter@1" in packs.names()
    assert packs.names() == sorted(packs.names())
    assert all(packs.text(name) for name in packs.names())


def test_without_a_version_it_is_the_newest():
    newest = max(
        (name for name in packs.names() if name.startswith("starter@")),
        key=lambda name: int(name.partition("@")[2]),
    )
    assert packs.text("starter") == packs.text(newest)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "@",
        "@1",
        "starter@",
        "starter@0",
        "starter@01",
        "starter@2.yaml",
        "starter@99",
        "Starter",
        "../packs/starter@1",
        "starter@1/../starter@1",
        "/etc/passwd",
        "__init__",
        "starter\n@1",
    ],
)
def test_anything_else_is_no_pack(name):
    assert packs.text(name) is None
