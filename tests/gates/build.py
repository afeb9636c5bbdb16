"""Short ways to say a policy, a submission and a decision in tests."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gates.decision import Decision, decide
from gates.evidence import Baseline, Candidate, Document, Evidence, Measurement, Submission
from gates.finding import Finding
from gates.history import History
from gates.policy import Policy, load
from gates.waivers import Waiver

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64
CANDIDATE = Candidate("support-bot", "42", DIGEST)


def no_parents(name: str) -> str | None:
    del name
    return None


def policy(*rules: str, header: str = "") -> Policy:
    """A policy with these flow-style rules in one gate, and single looks unless told otherwise."""
    looks = "" if "defaults" in header else "defaults: {looks: single}\n"
    lines = "\n".join(f"    - {{{rule}}}" for rule in rules)
    text = (
        "policy: test\nowner: tests\napplies_to: {model: '*', stage: '*'}\n"
        f"{looks}{header}\ngates:\n  quality:\n{lines}\n"
    )
    return load(text, no_parents)


def m(metric: str, **fields: Any) -> Measurement:
    slice_ = fields.pop("slice", {})
    return Measurement(metric, slice=tuple(sorted(slice_.items())), **fields)


def submission(
    *measurements: Measurement,
    documents: Sequence[Document] = (),
    baseline: Sequence[Measurement] | None = None,
    candidate: Candidate = CANDIDATE,
    measured_at: datetime | None = None,
) -> Submission:
    against = (
        Baseline({"version": "41"}, Evidence(tuple(baseline))) if baseline is not None else None
    )
    evidence = Evidence(tuple(measurements), tuple(documents), measured_at)
    return Submission(candidate, "evaluation", evidence, against)


def decided(rules: Policy, sent: Submission) -> Decision:
    """A first look at a submission."""
    return decide(rules, sent, History(), (), AT)


def judge(
    rules: Policy | str,
    *measurements: Measurement,
    history: History | None = None,
    waivers: Sequence[Waiver] = (),
    at: datetime = AT,
    **rest: Any,
) -> Decision:
    given = policy(rules) if isinstance(rules, str) else rules
    return decide(given, submission(*measurements, **rest), history or History(), waivers, at)


def only(decision: Decision) -> Finding:
    (finding,) = decision.findings
    return finding


def facts(**values: Any) -> History:
    found: Mapping[str, Any] = values
    return History(facts=found)
