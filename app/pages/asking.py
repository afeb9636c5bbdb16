"""What people are asked, as a question, and what waits for whom. It words; it decides nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.pages.reading import Line, asked_of_people, release_name
from app.pages.standing import allowed

_ALREADY = frozenset({"approve", "reject"})
_SIGN_OFF = "sign_off_due"


@dataclass(frozen=True, slots=True)
class Card:
    """One review in the queue."""

    decision: str
    release: str
    question: str
    allowed: list[str]
    needed: list[tuple[str, int, int]]
    """(role, how many have approved, how many must)."""
    opens_at: str | None
    due_at: str
    expires_at: str
    is_waiting_for_evidence: bool
    is_mine: bool
    """Whether the reader's role is asked, still open, and they have not answered."""
    is_late: bool


def question(decision: Mapping[str, Any]) -> str:
    """What an approval says yes to: `Accept that accuracy may be as low as 84%, limit ≥ 85%?`."""
    asked = asked_of_people(decision)
    findings = [item for item in asked if item.reason != _SIGN_OFF]
    if len(findings) == 1:
        return _one(findings[0])
    if findings:
        names = ", ".join(dict.fromkeys(_title(item) for item in findings[:3]))
        more = f" and {len(findings) - 3} more" if len(findings) > 3 else ""
        return f"Accept {len(findings)} open findings: {names}{more}?"
    if asked:
        return "Sign off this release?"
    return f"Accept this release although {_reasons(decision)}?"


def _one(item: Line) -> str:
    known = item.bounds
    if known is None or not item.worst or item.accepted == item.message:
        return f"Accept this: {item.message.rstrip('.')}?"
    extreme = "as low as" if known.low is not None else "as high as"
    return f"Accept that {_title(item)} may be {extreme} {item.worst}, limit {item.limit}?"


def _title(item: Line) -> str:
    scope = f" ({', '.join(item.scope)})" if item.scope else ""
    return f"{item.rule.replace('_', ' ').replace('-', ' ')}{scope}"


def _reasons(decision: Mapping[str, Any]) -> str:
    reasons = [str(reason).replace("_", " ") for reason in decision.get("reasons") or ()]
    return ", ".join(reasons) or "it was not settled"


def card(
    review: Mapping[str, Any],
    decision: Mapping[str, Any],
    stakes: frozenset[str],
    reader: str,
    now: str,
) -> Card:
    """A review and its decision as a line of the queue, as one reader sees it."""
    needed = [(n["role"], int(n["have"]), int(n["min"])) for n in review["needed"]]
    answered = any(
        given.get("person") == reader and given.get("answer") in _ALREADY
        for given in review.get("sign_offs") or ()
    )
    asked = any(
        have < least and (role in stakes or (role == "*" and stakes))
        for role, have, least in needed
    )
    waits = review["status"] == "awaiting_evidence"
    return Card(
        decision=str(review["decision"]),
        release=release_name(decision),
        question=question(decision),
        allowed=allowed(decision),
        needed=needed,
        opens_at=review.get("opens_at"),
        due_at=str(review["due_at"]),
        expires_at=str(review["expires_at"]),
        is_waiting_for_evidence=waits,
        is_mine=asked and not answered and not waits,
        is_late=str(review["due_at"]) <= now,
    )


def by_deadline(cards: Sequence[Card]) -> list[Card]:
    """What ends first stands first."""
    return sorted(cards, key=lambda item: (item.expires_at, item.decision))
