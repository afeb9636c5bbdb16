"""Sentences for findings that are not about a metric's bounds: papers, stages, coverage, CEL."""

from datetime import datetime

from gates.finding import Finding
from gates.reasons import OPEN_WORDS
from gates.verdict import Outcome

_DOCUMENT_WORDS = {
    "limit_met": "is there and holds",
    "no_document": "is missing; register it or send it with the evaluation",
    "stale": "is too old",
    "no_date": "has no issue date, so its age is unknown",
    "no_digest": "must name this candidate's digest, and the candidate was sent without one",
    "digest_mismatch": "is about another candidate (its digest differs)",
    "wrong_signer": "was signed by somebody else",
    "grade_too_low": "is only declared by the pipeline; a person has to register it",
    "from_the_future": "is dated in the future",
    "needs_service": "is declared here; only the service can confirm who registered it",
}


def document_sentence(finding: Finding, issued: datetime | None, at: datetime) -> str:
    """One sentence for a document rule."""
    limit = finding.limit or {}
    words = _DOCUMENT_WORDS.get(finding.reason, finding.reason)
    age = ""
    if issued is not None and issued <= at:
        age = f" ({(at - issued).days} days old"
        age += f", at most {limit['max_age_days']:g})" if "max_age_days" in limit else ")"
    signer = f" signed by {limit['signed_by']}" if "signed_by" in limit else ""
    return f"The document {limit.get('document')}{signer} {words}{age}."


def stage_sentence(finding: Finding) -> str:
    """One sentence for passed_stage."""
    stage = (finding.limit or {}).get("passed_stage")
    match finding.reason:
        case "limit_met":
            return f"This candidate holds a clearance at {stage}."
        case "stale":
            return f"This candidate's clearance at {stage} has run out; submit it there again."
        case "needs_service":
            return f"Only the service knows whether this candidate passed {stage}."
        case _:
            return f"This candidate holds no clearance at {stage}; submit it there first."


def coverage_sentence(finding: Finding, name: str | None, detail: str) -> str:
    """One sentence for one category of a coverage rule."""
    limit = finding.limit or {}
    if name is None:
        return f"Nothing was measured by {limit.get('dimension')}."
    wanted = f"{limit.get('min_samples'):,} asked"
    seen = finding.observed
    n = f"{seen.n:,} examples" if seen and seen.n is not None else "no stated number of examples"
    errored = f", {seen.n_errored:,} errored" if seen and seen.n_errored else ""
    match finding.reason:
        case "limit_met":
            return f"{name} was tested on {n}{errored} ({wanted})."
        case "incomplete_run":
            return f"{name}: {detail}."
        case "not_a_number":
            return f"{name} was reported, but not as a finite number ({wanted})."
        case "not_measured" if seen is None:
            return f"{name} was not tested ({wanted})."
        case "not_measured" | "judge_unreliable" | "judge_unreviewed":
            return f"{name} was tested on {n}{errored}, but {detail}."
        case "too_many_errors":
            return f"{name} was tested on {n}{errored}: too many errors."
        case _:
            return f"{name} was tested on {n}{errored} only ({wanted})."


def expression_sentence(finding: Finding, detail: str) -> str:
    """One sentence for an expression."""
    text = (finding.limit or {}).get("expr")
    match finding.outcome:
        case Outcome.PASS:
            return f"Holds: {text}."
        case Outcome.FAIL:
            return f"Does not hold: {text}."
        case _:
            why = detail or OPEN_WORDS.get(finding.reason, finding.reason)
            return f"Could not be judged: {text} ({why})."
