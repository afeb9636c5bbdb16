"""Where a decision stands, for how long, and what it was made of, in sentences and pairs.

Reads the Decision JSON only; times are shown as they are recorded, in UTC.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.pages.reading import is_let_through

UNTIL = " If none come within"
"""Where the part of `more_evidence.message` begins that ends once people are asked."""


def standing(decision: Mapping[str, Any]) -> list[str]:
    """Status and validity in words: until when it holds, or who is waited for until when."""
    found = []
    match decision.get("status"):
        case "passed" if is_let_through(decision):
            glass = decision["break_glass"]
            found.append(
                f"{glass['person']} let it through until {moment(glass['until'])}: "
                f"{str(glass['reason']).rstrip('.')}. The verdict stays what it is; "
                f"the review of this afterwards is {str(glass['review_status']).replace('_', ' ')}."
            )
        case "passed" if decision.get("valid_until") and decision.get("id"):
            found.append(f"Valid until {day(decision['valid_until'])}.")
        case "pending":
            found += _waiting(decision.get("review") or {})
            found += _instead(decision)
        case "observed":
            would = {"pass": "pass", "fail": "fail"}.get(str(decision.get("verdict")), "escalate")
            found.append(f"This policy only observes. It would {would}; it clears nothing.")
        case "expired":
            found.append("It counts no longer; submit the candidate again.")
        case "superseded":
            found.append("A newer decision about this candidate stands in its place.")
    if decision.get("waivers"):
        found.append(f"Waivers applied: {', '.join(map(str, decision['waivers']))}.")
    if not decision.get("id"):
        found.append("Decided offline or as a preview: nothing was recorded.")
    return found


def _waiting(review: Mapping[str, Any]) -> list[str]:
    if review.get("status") == "awaiting_evidence":
        opens = f" at {moment(review['opens_at'])}" if review.get("opens_at") else ""
        return [f"More examples could settle it. People are asked{opens} if none come."]
    if review.get("expires_at"):
        return [f"Without an answer it expires at {moment(review['expires_at'])}."]
    return []


def _instead(decision: Mapping[str, Any]) -> list[str]:
    """What to send instead of asking people, and what people would accept."""
    more, found = decision.get("more_evidence") or {}, []
    accepted = [str(item) for item in decision.get("accepts") or ()]
    if accepted:
        shown = "; ".join(accepted[:3]) + ("; …" if len(accepted) > 3 else "")
        found.append(f"An approval accepts {shown}.")
    waits = (decision.get("review") or {}).get("status") == "awaiting_evidence"
    if more.get("message"):
        message = str(more["message"])
        found.append(message if waits else message.partition(UNTIL)[0])
    commands = more.get("commands") or {}
    if waits:
        if commands.get("submit"):
            found.append(f"Send them: {commands['submit']}")
        if commands.get("ask"):
            found.append(f"Or ask people now: {commands['ask']}")
    return found


def needed(decision: Mapping[str, Any]) -> list[str]:
    """`1 of role security (0 so far)` for each role that is asked."""
    review = decision.get("review") or {}
    return [
        f"{need.get('min')} {_reviewer(need.get('role'))} ({need.get('have', 0)} so far)"
        for need in review.get("needed") or ()
    ]


def _reviewer(role: object) -> str:
    return "reviewer of any role" if role == "*" else f"of role {role}"


def reach(decision: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a clearance would allow: the grants, each as text."""
    grants = decision.get("grants") or {}
    return [(str(name), _plain(value)) for name, value in grants.items()]


def allowed(decision: Mapping[str, Any]) -> list[str]:
    """The same in words for people: `at most 5% of traffic`, `tools: search, handover`."""
    return [_in_words(str(name), value) for name, value in (decision.get("grants") or {}).items()]


def _in_words(name: str, value: object) -> str:
    if name == "traffic_max" and isinstance(value, (int, float)) and 0 <= value <= 1:
        return f"at most {value * 100:.10g}% of traffic"
    if isinstance(value, list):
        return f"{name.replace('_', ' ')}: {', '.join(_plain(item) for item in value)}"
    return f"{name.replace('_', ' ')}: {_plain(value)}"


def facts(decision: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What identifies the decision; what is unknown is left out."""
    candidate, policy = decision.get("candidate") or {}, decision.get("policy") or {}
    version = f" version {policy['version']}" if policy.get("version") else ""
    context = decision.get("context") or {}
    pairs = [
        ("Decision", decision.get("id")),
        ("Decided at", moment(decision.get("decided_at"))),
        ("Policy", f"{policy.get('name')}{version}"),
        ("Policy digest", policy.get("digest")),
        ("Candidate digest", candidate.get("digest")),
        ("Evaluation", decision.get("evaluation")),
        ("Attempt", decision.get("attempt")),
        ("Score", decision.get("score")),
        ("Engine", decision.get("engine")),
        ("Decision digest", decision.get("digest")),
        ("Other candidates judged on this data", context.get("candidates_judged")),
    ]
    found = [(name, str(value)) for name, value in pairs if value is not None and value != ""]
    return found + [("Note", str(note)) for note in decision.get("notes") or ()]


def day(time: object) -> str:
    """`24 November 2026`, or the text itself where it is no time."""
    parsed = _parsed(time)
    return f"{parsed.day} {parsed:%B %Y}" if parsed else str(time)


def moment(time: object) -> str:
    """`24 November 2026, 09:30 UTC`, or the text itself where it is no time."""
    if time is None:
        return ""
    parsed = _parsed(time)
    return f"{parsed.day} {parsed:%B %Y, %H:%M} UTC" if parsed else str(time)


def _parsed(time: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(time))
    except ValueError:
        return None


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
