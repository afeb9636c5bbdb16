"""The MLflow file: where the registry is, and which of its models ask for what.

Strict YAML, every mistake with its line. Secrets stand in files of their own, never in this one.
"""

import os
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from app import errors
from app.evaluations.schemas import ComparedIn, DataSet, Name, Stage
from app.settings import Settings, SettingsError
from gates.problems import Problem, field_problems, pointer_to
from gates.yaml_text import YamlError, load

RESERVED: Final = "clearance."
"""Tags that begin like this are ours: written by us, and never a reason to look again."""

_LEAST_SECRET: Final = 16


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


ModelT = TypeVar("ModelT", bound=_Strict)


def _alias(alias: str | None) -> str | None:
    """MLflow's own limits; `latest` and `v3` mean versions there."""
    if alias is None:
        return None
    if re.fullmatch(r"[A-Za-z0-9_-]{1,255}", alias) is None:
        raise ValueError("an alias has letters, digits, _ and - only")
    if re.fullmatch(r"latest|v\d+", alias, re.IGNORECASE):
        raise ValueError(f"{alias!r} is a name that MLflow keeps for itself")
    return alias


class RunData(ComparedIn):
    """Two data sets that Evidently compares: files of the version's run, by path or pattern."""

    reference: DataSet | Name
    current: DataSet | Name

    def names(self, path: str) -> bool:
        """Whether a file of the run is one of the two."""
        return any(fnmatchcase(path, pattern) for pattern in (self.reference, self.current))


class Rule(_Strict):
    """What a new version of these models asks for, and where its evidence lies."""

    model: Name
    stage: Stage
    policy: Name | None = None
    alias: Annotated[str | None, AfterValidator(_alias)] = None
    metrics: Literal["logged_model", "run"] = "logged_model"
    datasets: tuple[Name, ...] = ("*",)
    artifacts: tuple[Name, ...] = ("evaluation/*", "eval_results_table.json")
    tags: dict[Name, str] = Field(default_factory=dict)
    data: RunData | None = None
    data_from: tuple[Name, ...] = ()
    digest_tag: Name | None = None

    def concerns(self, model: str) -> bool:
        """Whether the pattern names the model."""
        return fnmatchcase(model, self.model)

    def asked_by(self, tags: dict[str, str]) -> bool:
        """Whether a version with these tags asks; without `tags` each one does."""
        return all(tags.get(name) == value for name, value in self.tags.items())

    def wants(self, path: str) -> bool:
        """Whether an artifact is named as evidence; data to compare are none themselves."""
        if self.data is not None and self.data.names(path):
            return False
        return any(fnmatchcase(path, pattern) for pattern in self.artifacts)


class MlflowFile(_Strict):
    """The whole file, but for the rules."""

    tracking_uri: Annotated[str, Field(min_length=1, max_length=2000)]
    registry_uri: Annotated[str | None, Field(max_length=2000)] = None
    username: Name | None = None
    password_file: Path | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    workspace: Name | None = None
    webhook_secret_file: Path | None = None
    sweep_seconds: Annotated[int, Field(ge=5, le=86_400)] = 60
    watch_hours: Annotated[int, Field(ge=1, le=24 * 90)] = 24
    models: Annotated[tuple[Rule, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def one_way_in(self) -> Self:
        """A user with a password, a token, or neither."""
        if (self.username is None) != (self.password_file is None):
            raise ValueError("`username` and `password_file` belong together")
        if self.username is not None and self.token_file is not None:
            raise ValueError("give a user with a password, or a token, not both")
        return self

    @model_validator(mode="after")
    def one_owner_each(self) -> Self:
        """Two rules that move one alias would fight over it."""
        seen: set[tuple[str, str]] = set()
        for rule in self.models:
            if rule.alias is None:
                continue
            if (rule.model, rule.alias) in seen:
                raise ValueError(f"two rules for {rule.model!r} move the alias {rule.alias!r}")
            seen.add((rule.model, rule.alias))
        return self

    def rules_for(self, model: str) -> Sequence[Rule]:
        """The rules for a model; of several that give one alias only the first does."""
        found: list[Rule] = []
        aliases: set[str] = set()
        for rule in self.models:
            if not rule.concerns(model):
                continue
            if rule.alias in aliases:
                found.append(rule.model_copy(update={"alias": None}))
                continue
            aliases |= {rule.alias} if rule.alias else set()
            found.append(rule)
        return found

    def secrets(self) -> tuple[str, ...]:
        """The webhooks' secrets, one a line; the first is given to new webhooks, all verify."""
        path = self.webhook_secret_file
        if path is None:
            raise SettingsError("The MLflow file names no webhook_secret_file.")
        lines = tuple(line.strip() for line in secret_text(path).splitlines() if line.strip())
        if not lines or min(map(len, lines)) < _LEAST_SECRET:
            raise SettingsError(f"{path} must hold secrets of at least {_LEAST_SECRET} characters.")
        return lines

    def environment(self) -> dict[str, str]:
        """What MLflow's client reads from the environment, and nowhere else."""
        found = {"MLFLOW_TRACKING_URI": self.tracking_uri}
        if self.username is not None and self.password_file is not None:
            found["MLFLOW_TRACKING_USERNAME"] = self.username
            found["MLFLOW_TRACKING_PASSWORD"] = secret_text(self.password_file).strip()
        if self.token_file is not None:
            found["MLFLOW_TRACKING_TOKEN"] = secret_text(self.token_file).strip()
        if self.ca_file is not None:
            found["MLFLOW_TRACKING_SERVER_CERT_PATH"] = str(self.ca_file)
        if self.workspace is not None:
            found["MLFLOW_WORKSPACE"] = self.workspace
        return found


class MlflowFileError(SettingsError):
    """An MLflow file that does not load, with everything that is wrong with it."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        shown = "\n".join(f"  line {p.line}: {p.pointer or '/'}: {p.detail}" for p in problems)
        super().__init__(f"{name} does not load:\n{shown}")


def configured(settings: Settings) -> MlflowFile | None:
    """The file that the settings name, read again when it changes; None where none is named."""
    path = settings.mlflow_file
    if path is None:
        return None
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise SettingsError(f"The MLflow file {path} cannot be read: {error}.") from None
    return _read(path, changed)


def connected(settings: Settings, otherwise: str) -> MlflowFile:
    """The file, for a request that cannot do without: Problem with what to do `otherwise`."""
    try:
        config = configured(settings)
    except SettingsError as error:
        raise errors.Problem("not-configured", str(error)) from None
    if config is None:
        raise errors.Problem("not-configured", otherwise)
    return config


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> MlflowFile:
    del changed
    return parse(secret_text(path), str(path), base=path.parent)


def parse(text: str, name: str = "The MLflow file", base: Path | None = None) -> MlflowFile:
    """The text as a file; paths in it are relative to `base`. Raises MlflowFileError."""
    try:
        document, lines = load(text)
    except YamlError as error:
        raise MlflowFileError(name, [Problem(error.pointer, error.line, error.detail)]) from None
    if not isinstance(document, dict):
        raise MlflowFileError(name, [Problem("", 1, "must be a mapping of fields")])
    try:
        found = MlflowFile.model_validate(document)
    except ValidationError as error:
        raise MlflowFileError(name, _problems(error, document, lines)) from None
    return found if base is None else _placed(found, base)


def _problems(error: ValidationError, document: Any, lines: Any) -> list[Problem]:
    """The rules' own fields are named where a rule is wrong."""
    found = field_problems(error, "", lines, MlflowFile)
    for position, item in enumerate(document.get("models") or ()):
        at = pointer_to("", "models", position)
        if not isinstance(item, dict) or not any(p.pointer.startswith(at) for p in found):
            continue
        try:
            Rule.model_validate(item)
        except ValidationError as inner:
            found = [p for p in found if not p.pointer.startswith(f"{at}/")]
            found += field_problems(inner, at, lines, Rule)
    return found


def _placed(found: MlflowFile, base: Path) -> MlflowFile:
    paths = ("password_file", "token_file", "ca_file", "webhook_secret_file")
    given = {name: getattr(found, name) for name in paths}
    return found.model_copy(update={n: base / p for n, p in given.items() if p is not None})


def secret_text(path: Path) -> str:
    """A small text file. Raises SettingsError with its name, never its content."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"{os.fspath(path)} cannot be read: {reason}.") from None
