"""Aliases follow clearances: given to the newest cleared version, taken from one that lost it.

People may still choose among cleared versions, and an alias that stands on a version that was
never judged here stays until something is cleared. What stands on a version that was refused,
revoked or has expired is put right, each time it is seen.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, insert, select, update

from app.evaluations import standing
from app.evaluations.tables import decision
from app.ids import new_id
from app.integrations.mlflow.config import Rule
from app.integrations.mlflow.registry import Seen, Version
from app.integrations.tables import registry_alias, registry_move, registry_version
from app.ledger.work import NewEntry, Work
from app.policies.shelf import Snapshot

if TYPE_CHECKING:
    from app.integrations.mlflow.looking import Look

log = logging.getLogger("clearance.mlflow")

_BY: Final = "clearance-mlflow"


def noted(this: "Look", seen: Seen) -> None:
    """Remember where each alias stands: a policy may name one as the baseline."""
    with this.runtime.engine.connect() as connection:
        query = select(registry_alias).where(registry_alias.c.model == this.model)
        known = {row.alias: row.version for row in connection.execute(query)}
    changed = {a: v for a, v in seen.aliases.items() if known.get(a) != v}
    changed |= {a: None for a, v in known.items() if a not in seen.aliases and v is not None}
    if changed:
        _remember(this, changed)


def unset(this: "Look", alias: str) -> None:
    """Remember that the registry was asked, and that the alias names nothing."""
    _remember(this, {alias: None})


def _remember(this: "Look", stands: Mapping[str, str | None]) -> None:
    def keep(within: Connection) -> None:
        for alias, version in stands.items():
            _set(within, this, alias, version=version)

    this.runtime.ledger.commit_sync(Work(entries=[], apply=keep))


def settled(this: "Look", rule: Rule, seen: Seen) -> Seen:
    """Bring the rule's alias to where it should stand; what the registry shows afterwards.

    The registry is written first and the log then, because the log says what is true. Whoever is
    interrupted in between finds the alias in place and only notes it.
    """
    if (alias := rule.alias) is None:
        return seen
    current = seen.aliases.get(alias)
    wanted, because = _newest_cleared(this, rule, seen.versions)
    given = _given(this, alias)
    if current == wanted and given == wanted:
        return seen
    if wanted is not None:
        is_ours_to_move = (
            current == wanted
            or wanted != given
            or current is None
            or _is_refused(this, rule, current)
        )
        if not is_ours_to_move:
            return seen
        if current != wanted:
            this.registry.set_alias(this.model, alias, wanted)
    else:
        if current is None or not _is_refused(this, rule, current):
            return seen
        this.registry.delete_alias(this.model, alias)
    _record(this, rule, alias, wanted, current, because)
    after = {name: v for name, v in seen.aliases.items() if name != alias}
    return replace(seen, aliases=after if wanted is None else {**after, alias: wanted})


def _newest_cleared(
    this: "Look", rule: Rule, versions: Sequence[Version]
) -> tuple[str | None, str | None]:
    """(version, decision): the highest version that holds a clearance at the rule's stage now."""
    snapshot = this.runtime.policies.refreshed()
    with this.runtime.engine.connect() as connection:
        judged_here = _digests(connection, this, rule)
        for version in versions:
            if version.version not in judged_here:
                continue
            found = _clearance(connection, snapshot, this, rule, version.version, judged_here)
            if found.is_cleared:
                return version.version, found.decision
    return None, None


def _digests(connection: Connection, this: "Look", rule: Rule) -> Mapping[str, str | None]:
    """Versions that were judged at the stage, here or by a pipeline, with the digest we know."""
    by_anyone = (
        select(decision.c.version)
        .where(decision.c.model == this.model, decision.c.stage == rule.stage)
        .distinct()
    )
    found: dict[str, str | None] = dict.fromkeys(connection.execute(by_anyone).scalars())
    ours = select(registry_version.c.version, registry_version.c.candidate_digest).where(
        registry_version.c.model == this.model, registry_version.c.stage == rule.stage
    )
    for row in connection.execute(ours):
        if row.version in found:
            found[row.version] = row.candidate_digest
    return found


def _is_refused(this: "Look", rule: Rule, version: str) -> bool:
    """Whether a version was judged at the stage and holds no clearance."""
    snapshot = this.runtime.policies.current()
    with this.runtime.engine.connect() as connection:
        judged_here = _digests(connection, this, rule)
        if version not in judged_here:
            return False
        return not _clearance(connection, snapshot, this, rule, version, judged_here).is_cleared


def _clearance(
    connection: Connection,
    snapshot: Snapshot,
    this: "Look",
    rule: Rule,
    version: str,
    digests: Mapping[str, str | None],
) -> standing.Clearance:
    return standing.clearance(
        connection,
        snapshot,
        model=this.model,
        version=version,
        digest=digests[version],
        stage=rule.stage,
        now=this.now,
    )


def _given(this: "Look", alias: str) -> str | None:
    with this.runtime.engine.connect() as connection:
        query = select(registry_alias.c.given).where(
            registry_alias.c.model == this.model, registry_alias.c.alias == alias
        )
        given: str | None = connection.execute(query).scalar()
        return given


def _record(
    this: "Look",
    rule: Rule,
    alias: str,
    version: str | None,
    previous: str | None,
    because: str | None,
) -> None:
    move: dict[str, Any] = {
        "id": new_id("mov"),
        "model": this.model,
        "alias": alias,
        "version": version,
        "previous": previous,
        "decision": because,
        "at": this.now,
    }
    what = "moved" if version is not None else "removed"
    entry = NewEntry(
        id=new_id("ent"),
        type=f"alias.{what}",
        at=this.now,
        actor=_BY,
        subject=this.model,
        refs={"move": move["id"], **({"decision": because} if because else {})},
        data={"alias": alias, "version": version, "was": previous, "stage": rule.stage},
    )

    def keep(within: Connection) -> None:
        _set(within, this, alias, version=version, given=version)

    work = Work(entries=[entry], rows=[(registry_move, [move])], apply=keep)
    this.runtime.ledger.commit_sync(work)
    log.info("%s: alias %s from %s to %s", this.model, alias, previous, version)


def _set(within: Connection, this: "Look", alias: str, **values: Any) -> None:
    named = (registry_alias.c.model == this.model, registry_alias.c.alias == alias)
    changed = update(registry_alias).where(*named).values(seen_at=this.now, **values)
    if within.execute(changed).rowcount == 0:
        within.execute(
            insert(registry_alias).values(model=this.model, alias=alias, seen_at=this.now, **values)
        )
