"""Reads the identity file: strict YAML, every mistake with its line, nothing half-loaded.

Refuses what would let in more than its author meant: rules without a stable id, wildcards in an
id, an algorithm with a shared secret, two issuers of one URL, people without a secure address.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from app.auth.identity_models import (
    GroupGrant,
    IdentityFile,
    Issuer,
    Kind,
    Link,
    People,
    Strict,
    WorkloadRule,
)
from app.settings import SettingsError
from gates.problems import Problem, field_problems, line_of, pointer_to
from gates.yaml_text import YamlError, load

STABLE: Final[Mapping[Kind, tuple[str, ...]]] = {
    "github": ("repository_id", "repository_owner_id"),
    "gitlab": ("project_id", "namespace_id"),
    "kubernetes": ("sub", "/kubernetes.io/namespace", "/kubernetes.io/serviceaccount/uid"),
    "oidc": ("sub",),
}
"""Ids that are never given to somebody else. The first is who a token's bearer is."""

ACTOR: Final[Mapping[Kind, str]] = {"github": "actor_id", "gitlab": "user_id"}
"""The claim with the id of whoever set a pipeline off. Kubernetes knows nobody behind a pod."""

_MISLEADING: Final[Mapping[Kind, Mapping[str, str]]] = {
    "github": {
        "sub": "its form differs between repositories; use `repository_id` with `environment`, "
        "`ref` or `job_workflow_ref`",
    },
    "gitlab": {"sub": "it is made of names that change; use `project_id` with `ref` and the like"},
    "kubernetes": {},
    "oidc": {},
}
ModelT = TypeVar("ModelT", bound=Strict)


class IdentityFileError(SettingsError):
    """An identity file that does not load, with everything that is wrong with it."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        shown = "\n".join(f"  line {p.line}: {p.pointer or '/'}: {p.detail}" for p in problems)
        super().__init__(f"{name} does not load:\n{shown}")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Identity:
    """What the file says, and the digest that the record names it by."""

    file: IdentityFile
    digest: str

    @property
    def people(self) -> People | None:
        """How people sign in; None where only keys do."""
        return self.file.people


@dataclass(slots=True)
class _Reading:
    lines: Mapping[str, int]
    problems: list[Problem] = field(default_factory=list)

    def say(self, pointer: str, detail: str) -> None:
        self.problems.append(Problem(pointer, line_of(pointer, self.lines), detail))

    def take(self, model: type[ModelT], raw: Any, at: str) -> ModelT | None:
        """One section as its model; its mistakes are noted."""
        if not isinstance(raw, dict):
            self.say(at, "must be a mapping of fields")
            return None
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            self.problems += field_problems(error, at, self.lines, model)
            return None

    def each(self, raw: Any, at: str) -> Iterator[tuple[str, Any]]:
        """The items of a list, each with its pointer."""
        if raw is None:
            return
        if not isinstance(raw, list):
            self.say(at, "must be a list")
            return
        for position, item in enumerate(raw):
            yield pointer_to(at, position), item


def read(path: Path) -> Identity:
    """The file's content. Raises IdentityFileError or SettingsError."""
    try:
        raw = path.read_bytes()
        text = raw.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The identity file {path} cannot be read: {error}.") from None
    return Identity(parse(text, str(path)), f"sha256:{hashlib.sha256(raw).hexdigest()}")


def parse(text: str, name: str = "The identity file") -> IdentityFile:
    """The text as an identity file. Raises IdentityFileError with all that is wrong."""
    try:
        document, lines = load(text)
    except YamlError as error:
        problem = Problem(error.pointer, error.line, error.detail)
        raise IdentityFileError(name, [problem]) from None
    reading = _Reading(lines)
    made = _file(reading, document)
    if reading.problems or made is None:
        raise IdentityFileError(name, reading.problems)
    return made


def _file(reading: _Reading, document: Any) -> IdentityFile | None:
    if not isinstance(document, dict):
        reading.say("", "must be a mapping with `issuers`, `people` or both")
        return None
    plain = {k: v for k, v in document.items() if k not in {"issuers", "people"}}
    head = reading.take(IdentityFile, plain, "")
    issuers = [
        made
        for at, raw in reading.each(document.get("issuers"), "/issuers")
        if (made := _issuer(reading, raw, at, head)) is not None
    ]
    people = _people(reading, document["people"]) if document.get("people") is not None else None
    if not document.get("issuers") and not document.get("people"):
        reading.say("", "names neither `issuers` nor `people`, so it lets nobody in")
    for what, names in (("name", [i.name for i in issuers]), ("URL", [i.issuer for i in issuers])):
        if len(set(names)) != len(names):
            reading.say("/issuers", f"two issuers have one {what}")
    if head is None or reading.problems:
        return None
    return IdentityFile(audience=head.audience, issuers=tuple(issuers), people=people)


def _issuer(reading: _Reading, raw: Any, at: str, head: IdentityFile | None) -> Issuer | None:
    plain = {k: v for k, v in raw.items() if k != "rules"} if isinstance(raw, dict) else raw
    made = reading.take(Issuer, plain, at)
    if made is None:
        return None
    if made.audience is None and (head is None or head.audience is None):
        reading.say(at, "needs an `audience`, here or at the top: what tokens are meant for")
    if made.jwks_url is not None and made.jwks_file is not None:
        reading.say(at, "gives `jwks_url` and `jwks_file`; one is enough")
    if made.stable_claims is not None and made.kind != "oidc":
        reading.say(pointer_to(at, "stable_claims"), f"is fixed for the kind {made.kind}")
    rules = [
        rule
        for place, item in reading.each(raw.get("rules"), pointer_to(at, "rules"))
        if (rule := _rule(reading, item, place, made)) is not None
    ]
    if not rules:
        reading.say(at, "has no rules, so no token of it is accepted; add one under `rules`")
    if len({rule.name for rule in rules}) != len(rules):
        reading.say(pointer_to(at, "rules"), "two rules have one name")
    return made.model_copy(update={"rules": tuple(rules)})


def _rule(reading: _Reading, raw: Any, at: str, issuer: Issuer) -> WorkloadRule | None:
    rule = reading.take(WorkloadRule, raw, at)
    if rule is None:
        return None
    if (why := rule.contradiction()) is not None:
        reading.say(pointer_to(at, "roles"), why)
    stable = stable_claims(issuer)
    if not any(name in rule.claims for name in stable):
        reading.say(
            pointer_to(at, "claims"),
            f"pins no stable id; name one of {', '.join(stable)}: names can be given to others",
        )
    for name, values in rule.claims.items():
        place = pointer_to(at, "claims", name)
        if name in stable and any("*" in value for value in values):
            reading.say(place, "is an id; write it out, without *")
        if (why := _MISLEADING[issuer.kind].get(name)) is not None:
            reading.say(place, why)
    return rule


def _people(reading: _Reading, raw: Any) -> People | None:
    at = "/people"
    nested = {"groups", "links"}
    plain = {k: v for k, v in raw.items() if k not in nested} if isinstance(raw, dict) else raw
    made = reading.take(People, plain, at)
    if made is None:
        return None
    if "openid" not in made.scopes:
        reading.say(pointer_to(at, "scopes"), "needs `openid`: without it nobody is identified")
    groups = []
    for place, item in reading.each(raw.get("groups"), pointer_to(at, "groups")):
        grant = reading.take(GroupGrant, item, place)
        if grant is not None:
            groups.append(grant)
            if (why := grant.contradiction()) is not None:
                reading.say(pointer_to(place, "roles"), why)
    if not groups:
        reading.say(at, "maps no groups, so nobody who signs in may do anything; add `groups`")
    links = [
        link
        for place, item in reading.each(raw.get("links"), pointer_to(at, "links"))
        if (link := reading.take(Link, item, place)) is not None
    ]
    if any(link.person is None and not link.accounts for link in links):
        reading.say(pointer_to(at, "links"), "a link says neither `person` nor `accounts`")
    if len({link.subject for link in links}) != len(links):
        reading.say(pointer_to(at, "links"), "a subject is linked twice")
    return made.model_copy(update={"groups": tuple(groups), "links": tuple(links)})


def stable_claims(issuer: Issuer) -> tuple[str, ...]:
    """The claims that may anchor a rule; the first says who the bearer is."""
    return issuer.stable_claims or STABLE[issuer.kind]
