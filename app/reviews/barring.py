"""Who may answer a review. Refuses submitters, authors, admins and everything that is no person.

By stable id, on the server: what a page or a caller hides or claims changes nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from app.auth.keys import Principal, is_admin_elsewhere
from app.auth.names import named_by, names_of
from app.database import to_text
from app.errors import Problem
from app.evaluations.intake import personal
from app.evaluations.tables import evaluation
from app.reviews.reading import delegations, stand_ins


def may_answer(
    connection: Connection, row: Row[Any], role: str, who: Principal, now: datetime
) -> tuple[str, str] | None:
    """Refuse, or say on whose behalf (id and name) they answer: None for their own."""
    not_barred(connection, row, who, now)
    given = [d for d in delegations(connection, row.id) if d.role == role and now < d.until]
    if any(d.delegator == who.id for d in given):
        raise Problem(
            "delegated", "You gave this answer to somebody else; it is theirs until then."
        )
    behalf = None
    if role not in who.stakes_at(row.model):
        mine = next((d for d in given if d.delegate == who.id), None)
        if mine is None:
            raise Problem("forbidden", f"This key does not have the role reviewer:{role}.")
        behalf = (mine.delegator, mine.delegator_name)
    is_asked(row, role)
    return behalf


def roles_for(
    connection: Connection,
    row: Row[Any],
    who: Principal,
    now: datetime,
    earlier: Sequence[Row[Any]],
) -> tuple[list[str], str]:
    """The roles under which a person may answer, own and given, or in words why there are none."""
    try:
        not_barred(connection, row, who, now)
    except Problem as refused:
        return [], refused.detail
    given = {d.role for d in delegations(connection, row.id) if d.delegate == who.id}
    found, why = [], "None of your roles is asked here."
    for role in sorted(who.stakes_at(row.model) | given):
        if not _asks_for(row, role):
            continue
        try:
            may_answer(connection, row, role, who, now)
            has_not_answered(row, role, who.id, earlier)
        except Problem as refused:
            why = refused.detail
        else:
            found.append(role)
    return found, "" if found else why


def has_not_answered(row: Row[Any], role: str, person: str, earlier: Sequence[Row[Any]]) -> None:
    """Once per person, or once per role where the policy says so; who delegated has answered."""
    per_role = row.one_answer_per == "role"
    mine = [item for item in earlier if person in {item.person, item.on_behalf_of}]
    if any(not per_role or item.role == role for item in mine):
        raise Problem("already-answered", "This person has answered this review already.")


def not_barred(connection: Connection, row: Row[Any], who: Principal, now: datetime) -> None:
    """Refuse who could not be impartial, or is nobody."""
    if not who.is_person:
        raise Problem("forbidden", "Only a person signs off; this is a service.")
    if who.is_admin or is_admin_elsewhere(connection, who.id, now):
        raise Problem("forbidden", "An admin does not sign off; ask somebody without that role.")
    if why := involved(connection, row, who.id):
        raise Problem("forbidden", why)


def involved(connection: Connection, row: Row[Any], person: str) -> str | None:
    """Why this person cannot judge this decision; None where they can."""
    if person == row.submitted_by:
        return "Who submitted the evaluation does not sign it off."
    context = connection.execute(
        select(evaluation.c.context).where(evaluation.c.id == row.evaluation)
    ).scalar_one()
    named, _ = personal(context)
    makers = frozenset().union(*map(named_by, named.values()))
    if not makers.isdisjoint(names_of(connection, person)):
        return "Who made the change does not sign it off."
    return None


def is_asked(row: Row[Any], role: str) -> None:
    """Refuse a role that the review does not ask for."""
    if not _asks_for(row, role):
        asked = ", ".join(sorted(_asked(row)))
        raise Problem("forbidden", f"The review asks for {asked}, not for {role}.")


def _asks_for(row: Row[Any], role: str) -> bool:
    return not _asked(row).isdisjoint({role, "*"})


def _asked(row: Row[Any]) -> set[str]:
    return {asked for asked, _ in row.needed} | set(stand_ins(row))


def is_open(row: Row[Any], status: str) -> None:
    """Refuse a review that waits for evidence or is over."""
    if status == "awaiting_evidence":
        detail = (
            f"More examples may settle this; people are asked from {to_text(row.opens_at)}, or at "
            f"once with POST /v1/decisions/{row.decision}/review."
        )
        raise Problem("review-not-open", detail)
    if status != "open":
        raise Problem("review-closed", f"The review is {status}.")
