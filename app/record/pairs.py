"""Which business rows must have which log entry. A new noun adds one Pair here.

It names pairs only; `completeness` looks for what lacks its other half.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import JSON, ColumnElement, Table, Text, and_, cast, func, or_, select, true

from app.attestations.tables import attestation
from app.auth.tables import api_key
from app.documents.tables import document, document_key
from app.evaluations.tables import decision, evaluation
from app.glass.tables import break_glass
from app.ledger.tables import audit_entry, signing_key
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


def _subject(column: ColumnElement[Any]) -> Callable[[Said], Condition]:
    return lambda _: audit_entry.c.subject == column


def _policy(said: Said) -> Condition:
    return and_(
        audit_entry.c.subject == policy_version.c.name,
        said("data", "version") == cast(policy_version.c.version, Text),
        said("refs", "digest") == policy_version.c.digest,
    )


def _is_first_log_key() -> Condition:
    """It is older than the log's first entry, so no entry introduces it."""
    of_log = signing_key.alias()
    first = select(func.min(of_log.c.valid_from)).where(of_log.c.purpose == "log")
    return and_(signing_key.c.purpose == "log", signing_key.c.valid_from == first.scalar_subquery())


_is_api_key: Final = audit_entry.c.subject.startswith("key_", autoescape=True)

PAIRS: Final = (
    Pair(
        "evaluation",
        evaluation,
        ("evaluation.received",),
        lambda said: and_(
            audit_entry.c.subject == evaluation.c.id,
            said("refs", "inputs") == evaluation.c.inputs,
            said("refs", "raw") == evaluation.c.raw,
        ),
        evaluation.c.id,
    ),
    Pair(
        "decision",
        decision,
        ("decision.recorded",),
        lambda said: and_(
            audit_entry.c.id == decision.c.entry,
            audit_entry.c.subject == decision.c.id,
            said("refs", "evaluation") == decision.c.evaluation,
        ),
        decision.c.id,
    ),
    Pair(
        "revoked decision",
        decision,
        ("decision.revoked",),
        _subject(decision.c.id),
        decision.c.id,
        rows=decision.c.status == "revoked",
    ),
    Pair(
        "attestation",
        attestation,
        ("attestation.signed",),
        lambda _: and_(
            audit_entry.c.id == attestation.c.entry,
            audit_entry.c.subject == attestation.c.decision,
        ),
        attestation.c.entry,
        is_once=False,
    ),
    Pair(
        "review",
        review,
        ("review.opened",),
        lambda said: and_(
            audit_entry.c.subject == review.c.id,
            said("refs", "decision") == review.c.decision,
        ),
        review.c.id,
        is_once=False,
    ),
    Pair(
        "sign-off",
        sign_off,
        ("review.signed_off",),
        lambda said: and_(
            audit_entry.c.subject == sign_off.c.review,
            said("actor") == sign_off.c.person,
            said("data", "answer") == sign_off.c.answer,
            said("data", "role") == sign_off.c.role,
        ),
        sign_off.c.id,
        is_once=False,
    ),
    Pair(
        "document",
        document,
        ("document.registered",),
        lambda said: and_(
            audit_entry.c.subject == document.c.id,
            said("refs", "sha256") == document.c.sha256,
            said("data", "grade") == document.c.grade,
        ),
        document.c.id,
    ),
    Pair(
        "delegation",
        delegation,
        ("review.delegated",),
        lambda said: and_(
            audit_entry.c.subject == delegation.c.review,
            said("refs", "delegation") == delegation.c.id,
        ),
        delegation.c.id,
        is_once=False,
    ),
    Pair(
        "comment",
        review_comment,
        ("review.commented",),
        lambda said: and_(
            audit_entry.c.subject == review_comment.c.review,
            said("refs", "comment") == review_comment.c.id,
        ),
        review_comment.c.id,
        is_once=False,
    ),
    Pair(
        "expired review",
        review,
        ("review.expired", "review.superseded", "review.cancelled"),
        _subject(review.c.id),
        review.c.id,
        rows=review.c.status.in_(["expired", "superseded", "cancelled"]),
    ),
    Pair(
        "waiver",
        waiver,
        ("waiver.requested",),
        lambda said: and_(
            audit_entry.c.subject == waiver.c.id,
            said("data", "rule") == waiver.c.rule,
            said("data", "model") == waiver.c.model,
            said("actor") == waiver.c.requested_by,
        ),
        waiver.c.id,
    ),
    Pair(
        "waiver approval",
        waiver_approval,
        ("waiver.approved",),
        lambda said: and_(
            audit_entry.c.subject == waiver_approval.c.waiver,
            said("actor") == waiver_approval.c.person,
        ),
        waiver_approval.c.id,
        is_once=False,
    ),
    Pair(
        "broken glass",
        break_glass,
        ("break_glass.used",),
        lambda said: and_(
            audit_entry.c.subject == break_glass.c.decision,
            said("refs", "break_glass") == break_glass.c.id,
        ),
        break_glass.c.id,
        is_once=False,
    ),
    Pair(
        "judged glass",
        break_glass,
        ("break_glass.reviewed",),
        lambda said: and_(
            said("refs", "break_glass") == break_glass.c.id,
            said("data", "outcome") == break_glass.c.outcome,
        ),
        break_glass.c.id,
        rows=break_glass.c.outcome.is_not(None),
        is_once=False,
    ),
    Pair(
        "ended waiver",
        waiver,
        ("waiver.revoked", "waiver.expired"),
        _subject(waiver.c.id),
        waiver.c.id,
        rows=waiver.c.status.in_(["revoked", "expired"]),
    ),
    Pair(
        "document key",
        document_key,
        ("document_key.registered",),
        lambda said: and_(
            audit_entry.c.subject == document_key.c.id,
            said("data", "role") == document_key.c.role,
        ),
        document_key.c.id,
    ),
    Pair(
        "revoked document key",
        document_key,
        ("document_key.revoked",),
        _subject(document_key.c.id),
        document_key.c.id,
        rows=document_key.c.revoked_at.is_not(None),
    ),
    Pair(
        "policy version",
        policy_version,
        ("policy.published",),
        _policy,
        policy_version.c.name + ":" + cast(policy_version.c.version, Text),
        is_once=False,
    ),
    Pair(
        "approved policy version",
        policy_version,
        ("policy.approved",),
        _policy,
        policy_version.c.name + ":" + cast(policy_version.c.version, Text),
        rows=policy_version.c.approved_at.is_not(None),
        is_once=False,
    ),
    Pair(
        "key",
        api_key,
        ("key.created",),
        lambda said: and_(
            audit_entry.c.subject == api_key.c.id,
            said("refs", "principal") == api_key.c.principal,
        ),
        api_key.c.id,
        entries=_is_api_key,
    ),
    Pair(
        "revoked key",
        api_key,
        ("key.revoked",),
        _subject(api_key.c.id),
        api_key.c.id,
        rows=api_key.c.revoked_at.is_not(None),
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
