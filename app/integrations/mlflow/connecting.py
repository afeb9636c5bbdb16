"""Creating and testing the webhook in MLflow, and saying in words what stands in the way.

MLflow swallows most of what can go wrong with a webhook; here each trap is tried and named.
"""

import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from app.integrations.mlflow.config import MlflowFile
from app.integrations.mlflow.events import EVENTS
from app.integrations.mlflow.registry import Registry, RegistryError

TRIES: Final = 64
"""Four workers are MLflow's default; so many calls meet most of them, also on a busy machine, where
the one that is awake takes call after call."""
AT_ONCE: Final = 8
"""Calls one after another share a connection, and a connection always meets the same worker."""
CACHE_SECONDS: Final = 60

KEYS_DIFFER: Final = (
    "MLflow answered some calls and failed others: its worker processes do not share a key for "
    "webhook secrets, and events will vanish. Set MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY to one "
    "Fernet key for all of them and restart MLflow, or run it with --workers 1."
)
_TRAPS: Final[Mapping[str, str]] = {
    r"invalid webhook url scheme": (
        "MLflow refuses this scheme. Give the gate an https address, or start MLflow with "
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES=http,https."
    ),
    r"non-public|private|ssrfprotectionerror": (
        "MLflow refuses private addresses. A gate beside it needs MLflow to be started with "
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true."
    ),
    r"invalid host header|dns rebinding": (
        "MLflow refuses the name under which it was called. Start it with --allowed-hosts."
    ),
    r"certificate|sslerror|ssl:": (
        "The certificate is not trusted. From here, name the authority in ca_file; MLflow itself "
        "ignores REQUESTS_CA_BUNDLE for webhooks, so its machine must trust the gate's."
    ),
    r"hook-refused": (
        "The gate does not believe the signature: `clearance serve` reads another secret than "
        "this command. Let both read one MLflow file, and compare the clocks."
    ),
    r"not-configured": (
        "The gate has no MLflow file. Set CLEARANCE_MLFLOW_FILE for `clearance serve` and "
        "`clearance worker`, and restart them."
    ),
    r"workspace '[^']*' not found": (
        "MLflow has no workspace of that name. Correct `workspace` in the MLflow file."
    ),
    r"unauthorized|permission.denied|not authorized|\b401\b|\b403\b": (
        "MLflow refuses the credentials. Webhooks are for administrators: run this once with an "
        "administrator's user; the worker needs only EDIT on the models."
    ),
    r"filestore|not supported|not implemented|endpoint not found|\b404\b": (
        "This MLflow offers no webhooks: they need MLflow 3 with an SQL store. The sweep finds "
        "new versions all the same."
    ),
    r"connection|max retries|timed out|timeout|name or service|resolve": (
        "Nobody answers at that address. Check it from the machine that has to call it."
    ),
}


class ConnectError(Exception):
    """It is not connected. The first line says what was tried, the second what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done or found."""

    words: str
    is_good: bool = True


def diagnosed(words: str) -> str:
    """What to do about a failure, by what MLflow or the gate said."""
    for pattern, advice in _TRAPS.items():
        if re.search(pattern, words, re.IGNORECASE):
            return advice
    return f"It said: {words[:300] or 'nothing'}"


def connect(registry: Registry, config: MlflowFile, url: str, name: str) -> Iterator[Step]:
    """Create or update the webhook, then test it, a step at a time. Raises ConnectError."""
    yield _reached(registry, config)
    made = new_secret(config)
    if made is not None:
        yield Step(f"wrote a new secret to {made}")
    identifier, words = _webhook(registry, config, url, name)
    yield Step(words)
    _require_one_key(registry)
    for event in ("model_version.created", "model_version_alias.created"):
        yield _tested(registry, identifier, event, url)
    if urlsplit(url).scheme == "http":
        yield Step("the webhook's body travels in the clear; its signature does not hide it", False)
    yield Step(
        f"MLflow keeps its list of webhooks for {CACHE_SECONDS} s: events until then may not come. "
        "The sweep finds what they were about.",
        False,
    )


def new_secret(config: MlflowFile) -> Path | None:
    """Write a secret where the file has none yet, for its owner's eyes; None where there is one."""
    path = config.webhook_secret_file
    if path is None:
        raise ConnectError("The MLflow file needs `webhook_secret_file`: the name of a file.")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return None
    except OSError as error:
        raise ConnectError(f"{path} cannot be written: {error.strerror}.") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    return path


def _reached(registry: Registry, config: MlflowFile) -> Step:
    try:
        names = list(registry.names())
    except RegistryError as error:
        raise ConnectError(f"MLflow was not reached: {diagnosed(str(error))}") from None
    ours = [name for name in names if config.rules_for(name)]
    return Step(f"MLflow answers: {len(names)} models, {len(ours)} of them named by a rule")


def _webhook(registry: Registry, config: MlflowFile, url: str, name: str) -> tuple[str, str]:
    secret = config.secrets()[0]
    try:
        found = [item for item in _listed(registry) if item.name == name]
        if found:
            identifier = str(found[0].webhook_id)
            registry.update_webhook(identifier, url, EVENTS, secret)
            return identifier, f"the webhook {name!r} was there and is up to date"
        identifier = registry.create_webhook(name, url, EVENTS, secret)
    except RegistryError as error:
        raise ConnectError(f"The webhook was not created: {diagnosed(str(error))}") from None
    return identifier, f"the webhook {name!r} hears all {len(EVENTS)} events"


def _listed(registry: Registry) -> Sequence[Any]:
    try:
        return registry.webhooks()
    except RegistryError as error:
        if _is_fault(error):
            raise ConnectError(KEYS_DIFFER) from None
        raise


def _require_one_key(registry: Registry) -> None:
    """A worker with another key cannot read the secret that was just stored."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for listed in [pool.submit(_listed, registry) for _ in range(TRIES)]:
            listed.result()


def _is_fault(error: RegistryError) -> bool:
    return re.search(r"\b500\b|internal_error|invalidtoken|decrypt", str(error).lower()) is not None


def _tested(registry: Registry, identifier: str, event: str, url: str) -> Step:
    """The answer must be ours: MLflow counts any page below 400 as success."""
    try:
        is_good, status, words = registry.test_webhook(identifier, event)
    except RegistryError as error:
        if _is_fault(error):
            raise ConnectError(KEYS_DIFFER) from None
        raise ConnectError(f"MLflow could not test it: {diagnosed(str(error))}") from None
    if not is_good:
        raise ConnectError(f"The test of {event} failed ({status}): {diagnosed(words)}")
    if f'"event":"{event}"' not in words.replace(" ", ""):
        raise ConnectError(
            f"The test of {event} was answered ({status}), but not by Clearance: a proxy or a "
            f"redirect answers at {url}. A redirect loses events silently."
        )
    return Step(f"a test delivery of {event} arrived and was believed")
