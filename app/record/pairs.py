"""Which business rows must have which log entry. A new noun adds one Pair here.

It names pairs only; `completeness` looks for what lacks its other half.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import JSON, ColumnElement, Table, Text, and_, cast, func, or_, select, true

from app.attestations.tables import attestation
from app.auth.tables import api_key, identity
from app.documents.tables import document, document_key
from app.evaluations.data_tables import data_evaluation
from app.evaluations.tables import decision, evaluation
from app.glass.tables import break_glass
from app.integrations.tables import registry_move
from app.ledger.tables import audit_entry, signing_key
from app.models.tables import model
from app.notices.tables import subscription
from app.policies.tables import policy_version
from app.reviews.tables import delegation, review, review_comment, sign_off
from app.waivers.tables import waiver, waiver_approval

Said = Callable[..., ColumnElement[Any]]
"""(path into an entry's body) -> its value there as text, in the dialect at hand."""

Condition = ColumnElement[bool]
ALL: Final = true()


@dataclass(frozen=True, slots=True)
class Pair:
    """One kind of row and the entries that record it; `link` says when the two belong together."""

    noun: str
    table: Table
    types: tuple[str, ...]
    link: Callable[[Said], Condition]
    name: ColumnElement[Any]
    rows: Condition = ALL
    """Which rows must have an entry."""
    entries: Condition = ALL
    """Which entries of these types must have a row."""
    is_once: bool = True
    """Whether a second entry about the same subject is one too many."""
    rows_need_entries: bool = True
    entries_need_rows: bool = True

    def about(self) -> Condition:
        """The entries of this pair."""
        return and_(audit_entry.c.type.in_(self.types), self.entries)


def said_in(dialect: str) -> Said:
    """How a database reads a field of an entry's body."""

    def on_sqlite(*path: str) -> ColumnElement[Any]:
        return cast(func.json_extract(cast(audit_entry.c.body, Text), f"$.{'.'.join(path)}"), Text)

    def on_postgresql(*path: str) -> ColumnElement[Any]:
        body = cast(func.convert_from(audit_entry.c.body, "UTF8"), JSON)
        return func.json_extract_path_text(body, *path)

    return on_postgresql if dialect == "postgresql" else on_sqlite


def _pair(
    noun: str,
    table: Table,
    *types: str,
    subject: ColumnElement[Any] | None = None,
    entry: ColumnElement[Any] | None = None,
    says: Mapping[str, ColumnElement[Any]] | None = None,
    name: ColumnElement[Any] | None = None,
    **more: Any,
) -> Pair:
    """A Pair whose entry's subject is the row's id, unless `subject` names another column.

    `entry` is the row's column with the entry's own id, `says` a path in the body and the column
    that stands there too.
    """
    same = [audit_entry.c.subject == (table.c.id if subject is None else subject)]
    if entry is not None:
        same.append(audit_entry.c.id == entry)
    told = {tuple(path.split(".")): column for path, column in (says or {}).items()}

    def link(said: Said) -> Condition:
        return and_(*same, *(said(*path) == cast(column, Text) for path, column in told.items()))

    return Pair(noun, table, types, link, table.c.id if name is None else name, **more)


def _is_first_log_key() -> Condition:
    """It is older than the log's first entry, so no entry introduces it."""
    of_log = signing_key.alias()
    first = select(func.min(of_log.c.valid_from)).where(of_log.c.purpose == "log")
    return and_(signing_key.c.purpose == "log", signing_key.c.valid_from == first.scalar_subquery())


_is_api_key: Final = audit_entry.c.subject.startswith("key_", autoescape=True)
_is_over: Final = review.c.status.in_(["expired", "superseded", "cancelled"])
_version: Final = policy_version.c.name + ":" + cast(policy_version.c.version, Text)
_of_version: Final = {
    "data.version": policy_version.c.version,
    "refs.digest": policy_version.c.digest,
}
_of_glass: Final = {"refs.break_glass": break_glass.c.id}
_of_move: Final = {"refs.move": registry_move.c.id, "data.alias": registry_move.c.alias}

PAIRS: Final = (
    _pair(
        "evaluation",
        evaluation,
        "evaluation.received",
        says={"refs.inputs": evaluation.c.inputs, "refs.raw": evaluation.c.raw},
    ),
    _pair(
        "queued evaluation",
        data_evaluation,
        "evaluation.queued",
        says={f"refs.{name}": data_evaluation.c[name] for name in ("raw", "reference", "current")},
    ),
    _pair(
        "failed evaluation",
        data_evaluation,
        "evaluation.failed",
        rows=data_evaluation.c.status == "failed",
    ),
    _pair(
        "measured evaluation",
        data_evaluation,
        "evaluation.received",
        rows=data_evaluation.c.status == "done",
        entries=audit_entry.c.subject.in_(select(data_evaluation.c.id)),
    ),
    _pair(
        "decision",
        decision,
        "decision.recorded",
        entry=decision.c.entry,
        says={"refs.evaluation": decision.c.evaluation},
    ),
    _pair("revoked decision", decision, "decision.revoked", rows=decision.c.status == "revoked"),
    # One that was replaced before its end has no entry.
    _pair(
        "ended decision",
        decision,
        "decision.expired",
        rows=decision.c.end_noted_at.is_not(None),
        rows_need_entries=False,
    ),
    _pair(
        "attestation",
        attestation,
        "attestation.signed",
        subject=attestation.c.decision,
        entry=attestation.c.entry,
        name=attestation.c.entry,
        is_once=False,
    ),
    _pair(
        "review",
        review,
        "review.opened",
        says={"refs.decision": review.c.decision},
        is_once=False,
    ),
    _pair(
        "moved review",
        review,
        *("review.reminded", "review.escalated", "review.deferred"),
        is_once=False,
        rows_need_entries=False,
    ),
    _pair(
        "sign-off",
        sign_off,
        "review.signed_off",
        subject=sign_off.c.review,
        says={
            "actor": sign_off.c.person,
            "data.answer": sign_off.c.answer,
            "data.role": sign_off.c.role,
        },
        is_once=False,
    ),
    _pair(
        "document",
        document,
        "document.registered",
        says={"refs.sha256": document.c.sha256, "data.grade": document.c.grade},
    ),
    _pair(
        "delegation",
        delegation,
        "review.delegated",
        subject=delegation.c.review,
        says={"refs.delegation": delegation.c.id},
        is_once=False,
    ),
    _pair(
        "comment",
        review_comment,
        "review.commented",
        subject=review_comment.c.review,
        says={"refs.comment": review_comment.c.id},
        is_once=False,
    ),
    _pair(
        "expired review",
        review,
        *("review.expired", "review.superseded", "review.cancelled"),
        rows=_is_over,
    ),
    _pair(
        "waiver",
        waiver,
        "waiver.requested",
        says={
            "data.rule": waiver.c.rule,
            "data.model": waiver.c.model,
            "actor": waiver.c.requested_by,
        },
    ),
    _pair(
        "waiver approval",
        waiver_approval,
        "waiver.approved",
        subject=waiver_approval.c.waiver,
        says={"actor": waiver_approval.c.person},
        is_once=False,
    ),
    _pair(
        "ended waiver",
        waiver,
        *("waiver.revoked", "waiver.expired"),
        rows=waiver.c.status.in_(["revoked", "expired"]),
    ),
    _pair(
        "broken glass",
        break_glass,
        "break_glass.used",
        subject=break_glass.c.decision,
        says=_of_glass,
        is_once=False,
    ),
    _pair(
        "judged glass",
        break_glass,
        "break_glass.reviewed",
        subject=break_glass.c.decision,
        says={**_of_glass, "data.outcome": break_glass.c.outcome},
        rows=break_glass.c.outcome.is_not(None),
        is_once=False,
    ),
    _pair(
        "overdue glass",
        break_glass,
        "break_glass.overdue",
        subject=break_glass.c.decision,
        says=_of_glass,
        rows=break_glass.c.overdue_at.is_not(None),
        is_once=False,
    ),
    _pair(
        "moved alias",
        registry_move,
        "alias.moved",
        subject=registry_move.c.model,
        says={**_of_move, "data.version": registry_move.c.version},
        rows=registry_move.c.version.is_not(None),
        is_once=False,
    ),
    _pair(
        "removed alias",
        registry_move,
        "alias.removed",
        subject=registry_move.c.model,
        says=_of_move,
        rows=registry_move.c.version.is_(None),
        is_once=False,
    ),
    _pair(
        "document key",
        document_key,
        "document_key.registered",
        says={"data.role": document_key.c.role},
    ),
    _pair(
        "revoked document key",
        document_key,
        "document_key.revoked",
        rows=document_key.c.revoked_at.is_not(None),
    ),
    _pair(
        "policy version",
        policy_version,
        "policy.published",
        subject=policy_version.c.name,
        says=_of_version,
        name=_version,
        is_once=False,
    ),
    _pair(
        "approved policy version",
        policy_version,
        "policy.approved",
        subject=policy_version.c.name,
        says=_of_version,
        name=_version,
        rows=policy_version.c.approved_at.is_not(None),
        is_once=False,
    ),
    # A model comes to be with its first evaluation as well, and that has its own entry.
    _pair(
        "model",
        model,
        "model.registered",
        subject=model.c.name,
        name=model.c.name,
        is_once=False,
        rows_need_entries=False,
    ),
    _pair(
        "key",
        api_key,
        "key.created",
        says={
            "refs.principal": api_key.c.principal,
            "data.roles": api_key.c.roles,
            "data.models": api_key.c.models,
        },
        entries=_is_api_key,
    ),
    _pair("revoked key", api_key, "key.revoked", rows=api_key.c.revoked_at.is_not(None)),
    # Roles change again and again; what an identity may do now must have been entered.
    _pair(
        "identity",
        identity,
        "role.changed",
        subject=identity.c.principal,
        says={"refs.issuer": identity.c.issuer, "data.grants": identity.c.grants},
        is_once=False,
        entries_need_rows=False,
    ),
    _pair("subscription", subscription, "subscription.created"),
    _pair(
        "changed subscription",
        subscription,
        *("subscription.changed", "subscription.replayed", "subscription.disabled"),
        is_once=False,
        rows_need_entries=False,
    ),
    _pair(
        "deleted subscription",
        subscription,
        "subscription.deleted",
        rows=subscription.c.status == "deleted",
    ),
    Pair(
        "signing key",
        signing_key,
        ("key.created", "key.rotated"),
        lambda said: or_(
            and_(audit_entry.c.type == "key.created", audit_entry.c.subject == signing_key.c.id),
            and_(audit_entry.c.type == "key.rotated", said("refs", "key") == signing_key.c.id),
        ),
        signing_key.c.id,
        rows=~_is_first_log_key(),
        entries=~_is_api_key,
    ),
)

ALONE: Final = {
    "access.configured": "the identity file lies outside the database",
    "evidence.opened": "reading leaves no row",
    "privacy.erased": "what it names is gone; `evidence` looks for what is gone without it",
}
"""Types of entries that no row belongs to, and why."""
