"""Published policies, by NAME or NAME@VERSION, as the service holds them."""

from collections.abc import Mapping
from typing import Any

from app.cli.exits import CliError
from app.cli.service import Service, segment


def published_text(name: str) -> str:
    """The text as it was published."""
    return Service().text(_path(name), "application/yaml")


def published_document(name: str) -> Mapping[str, Any]:
    """The policy after `extends`."""
    found: Mapping[str, Any] = Service().get(_path(name))["document"]
    return found


def _path(named: str) -> str:
    name, at, version = named.partition("@")
    if at and not (version.isascii() and version.isdigit()):
        raise CliError(f"{named!r}: a version is a number, as in {name}@3.")
    return f"/policies/{segment(name)}" + (f"/versions/{version}" if at else "")
