"""An event in one sentence for people, and where to look."""

from collections.abc import Mapping
from typing import Any, Final

_WORDS: Final = {
    "evaluation.queued": "{what}: its data wait to be measured.",
    "evaluation.failed": "{what}: its data could not be measured ({reason}); nothing was decided.",
    "decision.recorded": "{what}: {status}.",
    "decision.revoked": "{what}: the decision was revoked.",
    "decision.expired": "{what}: the clearance ended ({ended_by}).",
    "review.opened": "{what} waits for people: {needed}, until {expires_at}.",
    "review.reminded": "{what} still waits for people: {needed}, until {expires_at}.",
    "review.escalated": "{what} still waits; {roles} asked as well.",
    "review.signed_off": "{what}: {role} answered {answer}; the decision is {decision_status}.",
    "review.expired": "{what}: nobody answered in time; it is not passed.",
    "review.superseded": "{what}: newer evidence came; the question is over.",
    "break_glass.used": (
        "BREAK-GLASS: {what} was let through until {glass_until} although the verdict is {verdict}."
    ),
    "break_glass.overdue": "BREAK-GLASS: nobody has judged yet why {what} was let through.",
    "break_glass.reviewed": "Break-glass on {what} was judged {outcome}.",
    "waiver.requested": "A waiver of {rule} for {model} is asked for.",
    "waiver.approved": "A waiver of {rule} for {model}: approval {approvals} of 2.",
    "waiver.revoked": "The waiver of {rule} for {model} was revoked.",
    "waiver.expired": "The waiver of {rule} for {model} expired.",
}


_ENDS: Final = {
    "waiver.revoked": "a waiver was revoked",
    "waiver.expired": "a waiver expired",
    "document.expired": "a document expired",
    "approval.until": "it was approved until then",
    "valid_days": "its time is over",
}


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "-"


def sentence(event: Mapping[str, Any]) -> str:
    """What happened. Names are shown without line breaks and controls."""
    data = event["data"]
    parts = [data.get("model"), data.get("version"), data.get("stage")]
    what = " ".join(str(part) for part in parts if part) or str(data.get("subject", "Clearance"))
    needed = ", ".join(f"{least} of {role}" for role, least in data.get("needed") or ())
    known = _Known(data, what=what, needed=needed, roles=", ".join(data.get("roles") or ()))
    known["ended_by"] = _ENDS.get(str(data.get("because")), "it is over")
    words = _WORDS.get(event["type"], f"{{what}}: {event['type']}.").format_map(known)
    return "".join(c if c.isprintable() else " " for c in words)


def where(event: Mapping[str, Any]) -> str | None:
    """An absolute link, where the service knows its own address."""
    link = event["data"].get("link")
    return link if isinstance(link, str) and link.startswith(("http://", "https://")) else None
