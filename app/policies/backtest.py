"""What a draft would have decided about what was sent before. It records nothing."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from app.auth.keys import Principal
from app.errors import Problem
from app.evaluations import inputs as inputs_of
from app.evaluations.replaying import again
from app.evaluations.tables import decision, evaluation
from gates.decision import Decision
from gates.evidence import ImpossibleEvidence, Measurement
from gates.planning import Known
from gates.planning.pilot import learned
from gates.policy import Policy
from gates.statistics import binomial
from gates.verdict import Verdict

MAX_EVALUATIONS: Final = 500


def backtested(
    connection: Connection, draft: Policy, since: datetime | None, who: Principal
) -> dict[str, Any]:
    """Decide stored evaluations again by a draft and list the verdicts that change."""
    query = (
        select(decision, evaluation.c.inputs)
        .join(evaluation, evaluation.c.id == decision.c.evaluation)
        .order_by(decision.c.decided_at.desc(), decision.c.id.desc())
    )
    if since is not None:
        query = query.where(decision.c.decided_at >= since)
    rows = connection.execute(query.limit(MAX_EVALUATIONS + 1)).all()
    changes, decided, skipped = [], 0, 0
    for row in rows[:MAX_EVALUATIONS]:
        if not draft.applies(row.model, row.stage) or not who.sees(row.model):
            continue
        try:
            made = again(draft, inputs_of.stored(connection, row.inputs))
        except (Problem, ImpossibleEvidence):
            skipped += 1
            continue
        decided += 1
        if made.verdict.value != row.verdict:
            changes.append(
                {
                    "decision": row.id,
                    "model": row.model,
                    "version": row.version,
                    "stage": row.stage,
                    "was": row.verdict,
                    "would_be": made.verdict.value,
                    "summary": made.summary,
                }
            )
    return {
        "digest": draft.digest,
        "decided": decided,
        "skipped": skipped,
        "changes": changes,
        "is_complete": len(rows) <= MAX_EVALUATIONS,
    }


MAX_EXPECTED: Final = 100
_ALPHA: Final = 0.05


def expected(
    connection: Connection, draft: Policy, who: Principal
) -> tuple[dict[str, Any] | None, Known]:
    """The share of releases that a draft is expected to escalate, and what its metrics vary by.

    From the newest evaluations. Bounds are exact and one-sided, each at 95%; None where nothing
    that is stored applies.
    """
    verdicts: Counter[Verdict] = Counter()

    def counted() -> Iterator[tuple[Decision, tuple[Measurement, ...]]]:
        for made, measured in _newest(connection, draft, who):
            verdicts[made.verdict] += 1
            yield made, measured

    known = learned(counted(), "the newest stored evaluations")
    n, escalated = verdicts.total(), verdicts[Verdict.ESCALATE]
    if not n:
        return None, known
    share = {
        "evaluations": n,
        "passed": verdicts[Verdict.PASS],
        "escalated": escalated,
        "failed": verdicts[Verdict.FAIL],
        "share_escalated": escalated / n,
        "lower": binomial.lower(escalated, n, _ALPHA),
        "upper": binomial.upper(escalated, n, _ALPHA),
        "confidence": 1 - _ALPHA,
    }
    return share, known


def _newest(
    connection: Connection, draft: Policy, who: Principal
) -> Iterator[tuple[Decision, tuple[Measurement, ...]]]:
    """The newest evaluations that a draft applies to, decided by it, one after the other."""
    query = (
        select(decision.c.model, decision.c.stage, evaluation.c.inputs)
        .join(evaluation, evaluation.c.id == decision.c.evaluation)
        .order_by(decision.c.decided_at.desc(), decision.c.id.desc())
        .limit(MAX_EVALUATIONS)
    )
    found = 0
    for row in connection.execute(query):
        if not draft.applies(row.model, row.stage) or not who.sees(row.model):
            continue
        try:
            inputs = inputs_of.stored(connection, row.inputs)
            made = again(draft, inputs)
        except (Problem, ImpossibleEvidence):
            continue
        yield made, inputs.submission.evidence.measurements
        found += 1
        if found == MAX_EXPECTED:
            return


def as_text(policy: dict[str, Any] | str) -> str:
    """A draft as the text that the parser reads; JSON is YAML."""
    return policy if isinstance(policy, str) else json.dumps(policy, ensure_ascii=False)
