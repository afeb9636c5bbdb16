"""Which rule a verified token meets: exact claims, pinned ids, and no pull requests of strangers.

Pure: claims and rules in, a rule or the reasons why none fits out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.auth.identity_file import stable_claims
from app.auth.identity_models import Issuer, WorkloadRule, claim_text

# A fork's code can run in all of these, and neither issuer's token says whether it did.
_PULL_REQUESTS: Final = {
    "github": (
        "event_name",
        {
            "pull_request",
            "pull_request_target",
            "pull_request_review",
            "pull_request_review_comment",
        },
    ),
    "gitlab": ("pipeline_source", {"merge_request_event", "external_pull_request_event"}),
}


@dataclass(frozen=True, slots=True)
class Match:
    """The rule that a token meets and the id of who bears it."""

    rule: WorkloadRule
    subject: str


def matched(issuer: Issuer, claims: Mapping[str, Any]) -> Match | str:
    """The first rule whose claims all hold, or in words why there is none."""
    identifying = stable_claims(issuer)[0]
    subject = claim_at(claims, identifying)
    if not isinstance(subject, (str, int)) or isinstance(subject, bool) or subject == "":
        return f"The token has no {identifying}, which says who it is."
    reasons = []
    for rule in issuer.rules:
        why = _mismatch(issuer, rule, claims)
        if why is None:
            return Match(rule, str(subject))
        reasons.append(f"{rule.name}: {why}")
    shown = "; ".join(reasons[:5])
    more = f"; and {len(reasons) - 5} more rules" if len(reasons) > 5 else ""
    return f"The token is genuine, but no rule of {issuer.name} fits it ({shown}{more})."


def _mismatch(issuer: Issuer, rule: WorkloadRule, claims: Mapping[str, Any]) -> str | None:
    for name, wanted in rule.claims.items():
        value = claim_at(claims, name)
        if value is None:
            return f"the token has no {name}"
        given = value if isinstance(value, list) else [value]
        if not any(_is_wanted(item, wanted) for item in given):
            return f"another {name} is wanted"
    if rule.pull_requests == "refuse" and (known := _PULL_REQUESTS.get(issuer.kind)) is not None:
        name, events = known
        if claims.get(name) in events:
            return "it comes from a pull request"
    return None


def claim_at(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by a JSON pointer where it lies deeper."""
    if not name.startswith("/"):
        return claims.get(name)
    found: Any = claims
    for part in name[1:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _is_wanted(value: Any, wanted: tuple[str, ...]) -> bool:
    try:
        text = claim_text(value)
    except ValueError:
        return False
    return any(_like(text, pattern) for pattern in wanted)


def _like(text: str, pattern: str) -> bool:
    """`*` stands for any characters; nothing else is special. Linear, whatever the pattern."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == first
    if not text.startswith(first):
        return False
    position = len(first)
    *middle, last = rest
    for part in middle:
        found = text.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return len(text) - position >= len(last) and text.endswith(last)
