"""The answer as tags of the version: written where they differ from what the decisions say now."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Row, select

from app.evaluations.standing import DECISIONS, status_at
from app.evaluations.tables import decision
from app.integrations.mlflow.config import RESERVED
from app.integrations.mlflow.registry import Version
from app.integrations.tables import registry_version

if TYPE_CHECKING:
    from app.integrations.mlflow.looking import Look

TAGS: Final = ("verdict", "status", "stage", "decision", "policy_digest", "link", "problem")


def told(this: "Look", versions: Sequence[Version]) -> None:
    """Bring the tags of these versions up to date; those never judged here get none."""
    newest, problems = _known(this)
    for version in versions:
        wanted = _wanted(this, newest.get(version.version), problems.get(version.version))
        _write(this, version, wanted)


def _known(this: "Look") -> tuple[dict[str, Row[Any]], dict[str, str]]:
    """The newest decision of each version at the rules' stages, and what stood in the way."""
    stages = {rule.stage for rule in this.config.rules_for(this.model)}
    query = DECISIONS.where(decision.c.model == this.model, decision.c.stage.in_(stages))
    with this.runtime.engine.connect() as connection:
        rows = connection.execute(query.order_by(decision.c.decided_at, decision.c.id)).all()
        faults = connection.execute(
            select(registry_version.c.version, registry_version.c.problem).where(
                registry_version.c.model == this.model, registry_version.c.problem.is_not(None)
            )
        ).all()
    return {row.version: row for row in rows}, {row.version: row.problem for row in faults}


def _wanted(this: "Look", row: Row[Any] | None, problem: str | None) -> dict[str, str]:
    found: dict[str, str] = {}
    if row is not None:
        found = {
            "verdict": row.verdict,
            "status": status_at(row, this.now),
            "stage": row.stage,
            "policy_digest": row.policy_digest,
            "link": f"{this.runtime.settings.link_base}/decisions/{row.id}",
            # Last, so that who reads it finds the others in place.
            "decision": row.id,
        }
    if problem is not None:
        found["problem"] = problem
    return {RESERVED + name: value for name, value in found.items()}


def _write(this: "Look", version: Version, wanted: dict[str, str]) -> None:
    for name, value in wanted.items():
        if version.tags.get(name) != value:
            this.registry.set_tag(version, name, value)
    ours = {RESERVED + name for name in TAGS}
    if wanted:
        for name in sorted(ours & set(version.tags) - set(wanted)):
            this.registry.delete_tag(version, name)
