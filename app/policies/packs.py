"""The built-in policies by name and version, read from the installed package.

It hands out text only; whether it loads is for `gates.policy` to say.
"""

import re
from functools import cache
from importlib.resources import files

_FILE = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)@(?P<version>[1-9][0-9]*)\.yaml")


@cache
def _versions() -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for entry in files("gates.packs").iterdir():
        if match := _FILE.fullmatch(entry.name):
            versions = found.setdefault(match["name"], {})
            versions[int(match["version"])] = entry.name
    return found


def names() -> list[str]:
    """Every pack as `name@version`, by name, newest version last."""
    return [
        f"{name}@{version}"
        for name, all_ in sorted(_versions().items())
        for version in sorted(all_)
    ]


def text(name_at_version: str) -> str | None:
    """The YAML of a pack; of its newest version where none is given; None where there is none."""
    name, at, version = name_at_version.partition("@")
    versions = _versions().get(name)
    if versions is None:
        return None
    wanted = version if at else str(max(versions))
    file = next((file for number, file in versions.items() if str(number) == wanted), None)
    return None if file is None else files("gates.packs").joinpath(file).read_text("utf-8")
