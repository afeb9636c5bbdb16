"""The fifteen events of MLflow's registry, and which model each gives a reason to look at.

An event is a bell, not a message: what it says is never trusted further than the model's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.errors import Problem
from app.integrations.mlflow.config import RESERVED

EVENTS: Final = (
    "registered_model.created",
    "model_version.created",
    "model_version_tag.set",
    "model_version_tag.deleted",
    "model_version_alias.created",
    "model_version_alias.deleted",
    "prompt.created",
    "prompt_version.created",
    "prompt_tag.set",
    "prompt_tag.deleted",
    "prompt_version_tag.set",
    "prompt_version_tag.deleted",
    "prompt_alias.created",
    "prompt_alias.deleted",
    "budget_policy.exceeded",
)
_OF_VERSIONS: Final = frozenset(name for name in EVENTS if name.startswith("model_version"))
_MOST_NAME: Final = 256


@dataclass(frozen=True, slots=True)
class Event:
    """What a delivery is about. `model` is None where no model needs a look."""

    name: str
    model: str | None
    why: str
    alias: str | None = None
    version: str | None = None


def event_of(body: Any, workspace: str | None) -> Event:
    """A delivery's body as an event. Raises Problem for what MLflow does not send."""
    if not isinstance(body, Mapping) or not isinstance(data := body.get("data"), Mapping):
        raise Problem("invalid-request", "An object with entity, action and data is needed.")
    name = f"{body.get('entity')}.{body.get('action')}"
    if name not in EVENTS:
        detail = f"{name[:80]!r} is not an event of MLflow's registry that is known here."
        raise Problem("unknown-event", detail)
    theirs = body.get("workspace")
    if isinstance(theirs, str) and theirs != (workspace or "default"):
        return Event(name, None, f"it is of workspace {theirs[:80]!r}")
    if name not in _OF_VERSIONS:
        return Event(name, None, "only versions of models are judged")
    model = data.get("name")
    if not isinstance(model, str) or not 0 < len(model) <= _MOST_NAME or not model.isprintable():
        raise Problem("invalid-request", "`data.name` must be the model's name.")
    key = data.get("key")
    if isinstance(key, str) and key.startswith(RESERVED):
        return Event(name, None, "this service wrote it itself")
    return Event(name, model, "", _text(data.get("alias")), _text(data.get("version")))


def _text(value: object) -> str | None:
    return str(value)[:200] if isinstance(value, (str, int)) else None
