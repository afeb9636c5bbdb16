"""document: a non-numeric item is there, fresh, about this candidate, and vouched for."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gates.evidence import Document as DocumentValue
from gates.finding import Finding
from gates.rules.base import Name, Number, Rule
from gates.rules.context import Claim, Context
from gates.verdict import Mode, Outcome
from gates.wording import document_sentence

Grade = Literal["declared", "attested", "signed"]
GRADES: tuple[Grade, ...] = ("declared", "attested", "signed")
CLOCK_LEEWAY = timedelta(minutes=5)


class Document(Rule):
    """`{document: dpia, signed_by: dpo, max_age_days: 365, binds: digest}`."""

    KIND: ClassVar[str] = "document"

    document: Name
    signed_by: Name | None = None
    grade: Grade | None = None
    max_age_days: Annotated[Number, Field(gt=0)] | None = None
    binds: Literal["digest"] | None = None

    @property
    def needed_grade(self) -> Grade:
        """`attested` where a signer is named: a pipeline's word does not stand for a person's."""
        return self.grade or ("attested" if self.signed_by else "declared")

    def check(self, ctx: Context, gate: str) -> list[Claim]:
        """One claim: the best of the documents of this kind decides."""
        documents = [
            document
            for document in (*ctx.submission.evidence.documents, *ctx.history.documents)
            if document.kind == self.document
        ]
        judged = [self._judge(document, ctx) for document in documents]
        outcome, reason, ends, issued = min(
            judged, key=_preference, default=(Outcome.MISSING, "no_document", None, None)
        )
        limit: dict[str, object] = {"document": self.document, "grade": self.needed_grade}
        for name in ("signed_by", "max_age_days", "binds"):
            if getattr(self, name) is not None:
                limit[name] = getattr(self, name)
        finding = Finding(
            rule=self.id,
            gate=gate,
            kind=self.KIND,
            outcome=outcome,
            reason=reason,
            message="",
            mode=Mode.EXACT,
            proven=outcome is Outcome.PASS,
            limit=limit,
            basis=self.basis.words() if self.basis else None,
            note=self.note,
            loosens=self.loosens,
        )
        worded = replace(finding, message=document_sentence(finding, issued, ctx.at))
        return [Claim(worded, valid_until=ends if outcome is Outcome.PASS else None)]

    def _judge(
        self, document: DocumentValue, ctx: Context
    ) -> tuple[Outcome, str, datetime | None, datetime | None]:
        """(outcome, reason, end of validity, issue date) of one document."""
        issued = document.issued_at
        ends = self._ends(document)
        if issued is not None and issued > ctx.at + CLOCK_LEEWAY:
            return Outcome.FAIL, "from_the_future", None, issued
        if self.binds == "digest":
            if ctx.candidate.digest is None:
                return Outcome.MISSING, "no_digest", None, issued
            if document.subject != ctx.candidate.digest:
                return Outcome.FAIL, "digest_mismatch", None, issued
        if self.signed_by is not None and document.signed_by != self.signed_by:
            return Outcome.FAIL, "wrong_signer", None, issued
        if self.max_age_days is not None and issued is None:
            return Outcome.MISSING, "no_date", None, issued
        if ends is not None and ends <= ctx.at:
            return Outcome.MISSING, "stale", None, issued
        if GRADES.index(document.grade) < GRADES.index(self.needed_grade):
            if ctx.history.offline:
                return Outcome.INCONCLUSIVE, "needs_service", None, issued
            return Outcome.FAIL, "grade_too_low", None, issued
        return Outcome.PASS, "limit_met", ends, issued

    def _ends(self, document: DocumentValue) -> datetime | None:
        ends = [document.expires_at] if document.expires_at else []
        if self.max_age_days is not None and document.issued_at is not None:
            ends.append(document.issued_at + timedelta(days=self.max_age_days))
        return min(ends, default=None)


_PREFERRED = (Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.MISSING, Outcome.FAIL)


def _preference(
    judged: tuple[Outcome, str, datetime | None, datetime | None],
) -> tuple[int, float, str]:
    """A document that holds decides, the one that holds longest first; the rest in fixed order."""
    outcome, reason, ends, _ = judged
    lasting = -ends.timestamp() if ends is not None else float("-inf")
    return _PREFERRED.index(outcome), lasting, reason
