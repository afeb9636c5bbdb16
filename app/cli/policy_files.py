"""Policies from the user's disk or the built-in packs, loaded with every problem and its line.

Parents are packs, or files beside the child; nothing else is read.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from app.cli.exits import CliError
from app.cli.files import content
from app.policies import packs
from gates.policy import Policy, load
from gates.problems import PolicyError
from gates.resolution import Resolver
from gates.yaml_text import YamlError
from gates.yaml_text import load as load_yaml

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(@[0-9]+)?")
_MAX_POLICY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy with the text that it was loaded from."""

    policy: Policy
    text: str
    place: str


def policy(named: str) -> NamedPolicy:
    """A policy from a file, or a built-in pack by name or name@version."""
    text = local_text(named)
    if text is None:
        raise CliError(f"There is no policy file and no pack {named!r}. {_hint(named)}")
    near = Path(named).parent if Path(named).is_file() else None
    try:
        return NamedPolicy(load(text, resolver(near)), text, named)
    except PolicyError as error:
        raise CliError(f"{named} does not load.", *_problems(named, error)) from None


def local_text(named: str) -> str | None:
    """The text of a file or a pack; None where there is neither."""
    return text_of(named) if named == "-" or Path(named).is_file() else packs.text(named)


def name_in(path: str, text: str) -> str:
    """The name that a policy gives itself."""
    try:
        value, _ = load_yaml(text)
    except YamlError as error:
        raise CliError(f"{path}:{error.line}: {error.detail}.") from None
    name = value.get("policy") if isinstance(value, dict) else None
    if not isinstance(name, str) or not name:
        raise CliError(f"{path} does not say `policy: <its name>`, so it cannot be published.")
    return name


def resolver(folder: Path | None) -> Resolver:
    """Parents are packs, else files beside the child: `name@version.yaml` or `name.yaml`."""

    def resolve(name: str) -> str | None:
        found = packs.text(name)
        if found is not None or folder is None or not _NAME.fullmatch(name):
            return found
        for candidate in (folder / f"{name}.yaml", folder / f"{name.partition('@')[0]}.yaml"):
            if candidate.is_file():
                return text_of(str(candidate))
        return None

    return resolve


def text_of(path: str) -> str:
    """The text of a policy file."""
    try:
        return content(path, _MAX_POLICY_BYTES).decode()
    except UnicodeDecodeError:
        raise CliError(f"{path} is not UTF-8 text, so it is no policy.") from None


def _hint(named: str) -> str:
    known: Sequence[str] = [*packs.names(), *(name.partition("@")[0] for name in packs.names())]
    near = get_close_matches(named, known, n=1)
    return f"Did you mean {near[0]}?" if near else f"Packs are {', '.join(packs.names())}."


def _problems(place: str, error: PolicyError) -> list[str]:
    return [
        f"{place}:{item.line}: {item.pointer or '/'}: {item.detail}"
        if item.line
        else f"{place}: {item.pointer or '/'}: {item.detail}"
        for item in error.errors
    ]
