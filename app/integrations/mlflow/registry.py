"""MLflow through its own client: any tracking URI it supports. Loaded in the worker only.

Everything that imports `mlflow` stands here. What it answers is turned into plain values at once.
"""

import logging
import math
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from app.integrations.mlflow.config import MlflowFile

_PAGE: Final = 200
_MOST_VERSIONS: Final = 1000
_QUIET: Final = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""A job is tried again later, so that nothing need be waited for in here."""
_RETRIES: Final = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
_OURS: Final = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_SERVER_CERT_PATH",
    "MLFLOW_WORKSPACE",
)
_environment: Final = threading.RLock()

NO_EXTRA: Final = (
    "The MLflow registry needs the package mlflow, which is not installed here. "
    "Install the extra: pip install 'clearance[mlflow]'"
)


class RegistryError(Exception):
    """The registry does not answer, or refuses. The message says what to look at."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version as the registry has it."""

    model: str
    version: str
    source: str
    run_id: str | None
    status: str
    created_at: datetime
    tags: Mapping[str, str]

    @property
    def number(self) -> int:
        """Versions of MLflow count from 1."""
        return int(self.version) if self.version.isdigit() else 0


@dataclass(frozen=True, slots=True)
class Metric:
    """One value with where it came from."""

    key: str
    value: float | str
    run_id: str | None = None
    dataset: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A run: its state, its metrics, its data sets (name, digest, profile), who ran it."""

    id: str
    experiment: str
    status: str
    ended_ms: int | None
    user: str | None
    metrics: Sequence[Metric]
    datasets: Sequence[Mapping[str, str | None]]


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A logged model: whether it is ready, and its metrics."""

    id: str
    status: str
    metrics: Sequence[Metric]


@dataclass(frozen=True, slots=True)
class Seen:
    """A registered model now: its aliases, its versions with the newest first."""

    aliases: Mapping[str, str]
    versions: Sequence[Version] = field(default_factory=tuple)


class Registry:
    """The calls that the worker and `connect` make."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def names(self) -> Iterator[str]:
        """Every registered model."""
        return (item.name for item in _pages(self._client.search_registered_models))

    def seen(self, model: str) -> Seen | None:
        """A model with its newest versions; None where there is none of that name."""
        try:
            found = _asked(self._client.get_registered_model, model)
        except _NotThereError:
            return None
        quoted = model.replace("'", "\\'")
        items = _pages(
            self._client.search_model_versions,
            f"name='{quoted}'",
            max_results=_PAGE,
            order_by=["version_number DESC"],
        )
        versions = map(_version, islice(items, _MOST_VERSIONS))
        newest = sorted(versions, key=lambda item: item.number, reverse=True)
        return Seen({alias: str(v) for alias, v in dict(found.aliases).items()}, newest)

    def version(self, model: str, version: str) -> Version | None:
        """One version."""
        try:
            return _version(_asked(self._client.get_model_version, model, version))
        except _NotThereError:
            return None

    def logged_model(self, model_id: str) -> LoggedModel | None:
        """A logged model by its id, `m-…`."""
        try:
            found = _asked(self._client.get_logged_model, model_id)
        except _NotThereError:
            return None
        metrics = [
            Metric(
                item.key,
                _number(item.value),
                item.run_id,
                (item.dataset_name, item.dataset_digest or "") if item.dataset_name else None,
            )
            for item in found.metrics or ()
        ]
        return LoggedModel(found.model_id, str(found.status), metrics)

    def run(self, run_id: str) -> Run | None:
        """A run by its id."""
        try:
            found = _asked(self._client.get_run, run_id)
        except _NotThereError:
            return None
        inputs = found.inputs.dataset_inputs if found.inputs else ()
        return Run(
            id=found.info.run_id,
            experiment=found.info.experiment_id,
            status=found.info.status,
            ended_ms=found.info.end_time,
            user=found.data.tags.get("mlflow.user"),
            metrics=[Metric(key, _number(v)) for key, v in sorted(found.data.metrics.items())],
            datasets=[
                {
                    "name": item.dataset.name,
                    "digest": item.dataset.digest,
                    "profile": item.dataset.profile,
                }
                for item in inputs
            ],
        )

    def artifacts(self, run_id: str, most: int = 500) -> Sequence[tuple[str, int]]:
        """(path, bytes) of a run's files, two folders deep."""
        found: list[tuple[str, int]] = []
        folders = [""]
        for depth in range(3):
            below: list[str] = []
            for folder in folders:
                for item in _asked(self._client.list_artifacts, run_id, folder or None):
                    if item.is_dir:
                        below.append(item.path)
                    else:
                        found.append((item.path, int(item.file_size or 0)))
            folders = below if depth < 2 else []
            if len(found) > most:
                break
        return found[:most]

    def experiment_of(self, run_id: str) -> str | None:
        """The name of a run's experiment; None where there is no such run."""
        try:
            run = _asked(self._client.get_run, run_id)
        except _NotThereError:
            return None
        return str(_asked(self._client.get_experiment, run.info.experiment_id).name)

    def size_of(self, run_id: str, path: str) -> int | None:
        """Bytes of one file of a run; None where there is none."""
        folder = path.rpartition("/")[0] or None
        for item in _asked(self._client.list_artifacts, run_id, folder):
            if item.path == path and not item.is_dir:
                return int(item.file_size or 0)
        return None

    def artifact(self, run_id: str, path: str, folder: Path) -> Path:
        """One file of a run, in a folder of the caller's."""
        return Path(_asked(self._client.download_artifacts, run_id, path, str(folder)))

    def set_tag(self, version: Version, key: str, value: str) -> None:
        """Write one tag of a version."""
        _asked(self._client.set_model_version_tag, version.model, version.version, key, value)

    def delete_tag(self, version: Version, key: str) -> None:
        """Remove one tag of a version."""
        _asked(self._client.delete_model_version_tag, version.model, version.version, key)

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Let an alias name this version."""
        _asked(self._client.set_registered_model_alias, model, alias, version)

    def delete_alias(self, model: str, alias: str) -> None:
        """Let an alias name nothing."""
        _asked(self._client.delete_registered_model_alias, model, alias)

    def webhooks(self) -> Sequence[Any]:
        """Every webhook: name, url, webhook_id, events, status."""
        return list(_asked(self._client.list_webhooks, max_results=100))

    def create_webhook(self, name: str, url: str, events: Sequence[str], secret: str) -> str:
        """A new webhook's id."""
        made = _asked(
            self._client.create_webhook,
            name=name,
            url=url,
            events=list(events),
            secret=secret,
            description="Clearance judges new versions and answers with tags and aliases.",
        )
        return str(made.webhook_id)

    def update_webhook(self, name: str, url: str, events: Sequence[str], secret: str) -> None:
        """Let an existing webhook be as `create_webhook` would make it; `name` is its id."""
        _asked(
            self._client.update_webhook,
            webhook_id=name,
            url=url,
            events=list(events),
            secret=secret,
            status="ACTIVE",
        )

    def test_webhook(self, webhook_id: str, event: str) -> tuple[bool, int | None, str]:
        """(success, status, words) of a test delivery of one event."""
        found = _asked(self._client.test_webhook, webhook_id, event)
        words = found.error_message or found.response_body or ""
        return bool(found.success), found.response_status, str(words)


class _NotThereError(RegistryError):
    """There is nothing of that name."""


@contextmanager
def opened(config: MlflowFile, retries: int = 2) -> Iterator[Registry]:
    """A registry to talk to. Raises RegistryError, also where the package is not installed.

    `retries` is how often a call that failed is made again at once.

    The client reads user, password, certificate and workspace from the environment only, so they
    stand there while it is used, by one caller at a time.
    """
    with _environment:
        given = {**_QUIET, _RETRIES: str(retries), **config.environment()}
        before = {name: os.environ.get(name) for name in {*_OURS, *given}}
        try:
            for name in before:
                os.environ.pop(name, None)
            os.environ.update(given)
            yield Registry(_client(config))
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _client(config: MlflowFile) -> Any:
    try:
        from mlflow import MlflowClient  # noqa: PLC0415 - 4 s and 170 MB, for who has a registry
    except ImportError:
        raise RegistryError(NO_EXTRA) from None
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    return _asked(MlflowClient, config.tracking_uri, config.registry_uri or config.tracking_uri)


def _asked(call: Any, *given: Any, **named: Any) -> Any:
    """One call; what goes wrong becomes a RegistryError, without a secret in it."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - see `_client`

    try:
        return call(*given, **named)
    except MlflowException as error:
        is_gone = error.error_code == "RESOURCE_DOES_NOT_EXIST"
        raise (_NotThereError if is_gone else RegistryError)(_words(error)) from error
    except (OSError, ValueError) as error:
        raise RegistryError(_words(error)) from error


def _pages(call: Any, *given: Any, **named: Any) -> Iterator[Any]:
    """The items of every page of a search, asked for as they are needed."""
    token = None
    while True:
        page = _asked(call, *given, **named, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def without_secrets(words: str) -> str:
    """The words with nothing between `//` and `@`: an address may hold a user and a password.

    Rather too much than a part of a password that has a slash in it.
    """
    return re.sub(r"//[^\s'\"]*@", "//", words)


def _words(error: Exception) -> str:
    return without_secrets(" ".join(str(error).split()))[:500] or type(error).__name__


def _version(item: Any) -> Version:
    return Version(
        model=item.name,
        version=str(item.version),
        source=item.source or "",
        run_id=item.run_id or None,
        status=item.status or "READY",
        created_at=datetime.fromtimestamp((item.creation_timestamp or 0) / 1000, UTC),
        tags={str(name): str(value) for name, value in dict(item.tags or {}).items()},
    )


def _number(value: Any) -> float | str:
    """A finite number, or the word that MLflow's REST API has for it."""
    number = float(value)
    if math.isnan(number):
        return "NaN"
    return number if math.isfinite(number) else ("Infinity" if number > 0 else "-Infinity")
