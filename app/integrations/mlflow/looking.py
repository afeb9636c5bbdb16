"""One look at a model: judge what asks, write the answers as tags, and the aliases last.

It reads the registry as it is and brings it to where the decisions say it should be. Whoever
rings, how often and in whatever order, the end is the same. A run that is interrupted is repeated.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.integrations.mlflow import aliases, judging, telling
from app.integrations.mlflow.config import MlflowFile, Rule, configured
from app.integrations.mlflow.judging import Progress
from app.integrations.mlflow.registry import Registry, Seen, Version, opened
from app.integrations.mlflow.state import connected_since
from app.jobs.kinds import Job
from app.runtime import Runtime

log = logging.getLogger("clearance.mlflow")

_SOON: Final = timedelta(seconds=2)
_LONGEST: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Look:
    """What the steps of one look share."""

    runtime: Runtime
    config: MlflowFile
    registry: Registry
    model: str
    now: datetime


def look(runtime: Runtime, job: Job, now: datetime) -> datetime | None:
    """Look at one model; the answer is when time alone will change something."""
    config = configured(runtime.settings)
    model: str = job.payload["model"]
    if config is None or not (rules := config.rules_for(model)):
        return None
    with opened(config) as registry:
        seen = registry.seen(model)
        if seen is None:
            return None
        this = Look(runtime, config, registry, model, now)
        aliases.noted(this, seen)
        again = [_brought(this, rule, seen) for rule in rules]
    return min((time for time in again if time is not None), default=None)


def _brought(this: Look, rule: Rule, seen: Seen) -> datetime | None:
    """Version by version, oldest first, so that each is compared with what stood then."""
    since = connected_since(this.runtime, this.now)
    asking = [v for v in seen.versions if v.created_at >= since and rule.asked_by(dict(v.tags))]
    waits: list[datetime] = []
    current = seen
    for version in reversed(asking):
        if (wait := _wait(this, version)) is not None:
            waits.append(wait)
            continue
        progress = judging.judged(this, rule, version)
        if progress is Progress.MEASURED:
            # The record rings when it is decided; those after it are compared with it.
            waits.append(this.now + _LONGEST)
            break
        if progress is Progress.WAITS:
            waits.append(this.now + _pause(this.now - version.created_at))
        if progress is Progress.DECIDED:
            telling.told(this, [version])
            current = aliases.settled(this, rule, current)
    fresh = this.registry.seen(this.model) or current
    telling.told(this, fresh.versions)
    aliases.settled(this, rule, fresh)
    return min([*waits, *_ends(this, rule, seen.versions)], default=None)


def _wait(this: Look, version: Version) -> datetime | None:
    """A version that MLflow is still making is not looked at yet."""
    if version.status == "READY":
        return None
    return this.now + _pause(this.now - version.created_at)


def _pause(age: timedelta) -> timedelta:
    """Soon while it is fresh, later when it takes long."""
    return max(_SOON, min(age / 5, _LONGEST))


def _ends(this: Look, rule: Rule, versions: Sequence[Version]) -> list[datetime]:
    """When a clearance or a deadline ends by itself."""
    end = judging.next_end(this, rule, [version.version for version in versions])
    return [] if end is None else [end]
