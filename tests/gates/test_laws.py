"""The laws of architecture.md section 5 that `gates` keeps, as properties."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gates.decision import Decision, decide
from gates.evidence import Document, Measurement, Submission
from gates.history import History
from gates.policy import Policy
from gates.verdict import Outcome, Verdict
from gates.waivers import Waiver
from tests.gates.build import AT, judge, m, policy, submission

RATES = ("accuracy", "recall", "precision")
POLICIES = {
    looks: policy(
        "metric: accuracy, min: 0.8, min_samples: 40",
        "metric: recall, by: [s], require: {s: [a, b]}, min: 0.7",
        "metric: precision, versus_baseline: {max_drop: 0.1}",
        "metric: attack_success_rate, max: 0.2, confidence: 0.9",
        "metric: leak_rate, max_count: 1, rate_below: 0.1",
        "coverage: {dimension: s, require: [a], min_samples: 20}",
        "document: dpia, max_age_days: 30",
        header=f"defaults: {{looks: {looks}}}",
    )
    for looks in ("single", "planned(2)", "planned(4)", "anytime, n_plan: 300")
}
INPUTS = TypeAdapter(tuple[Submission, History, tuple[Waiver, ...], datetime])
DECISION = TypeAdapter(Decision)
DPIA = Document("dpia", issued_at=AT - timedelta(days=1))


@st.composite
def rates(draw: st.DrawFn, /, metric: str, good: float, **where: str) -> Measurement:
    """Mostly near or beyond a limit on the good side, so that passes are not rare."""
    n = draw(st.integers(1, 600))
    share = draw(st.floats(max(0, good - 0.25), min(1, good + 0.25)))
    errors = draw(st.sampled_from([0, 0, 0, 1, 5, 40]))
    return m(metric, count=round(share * n), n=n, n_errored=errors, slice=where)


@st.composite
def evidence(draw: st.DrawFn) -> tuple[list[Measurement], list[Measurement], list[Document]]:
    seen = [
        draw(rates("accuracy", 0.95)),
        draw(rates("recall", 0.9, s="a")),
        draw(rates("recall", 0.9, s="b")),
        draw(rates("precision", 0.95)),
        draw(rates("attack_success_rate", 0.05)),
        draw(rates("leak_rate", 0.0)),
    ]
    kept = draw(st.lists(st.sampled_from(range(6)), min_size=5, unique=True))
    before = [draw(rates("precision", 0.9))]
    documents = draw(st.sampled_from([[DPIA], [DPIA], []]))
    return [seen[i] for i in sorted(kept)], before, documents


LOOKS = st.sampled_from(sorted(POLICIES))


def _judge(
    rules: Policy, seen: list[Measurement], before: list[Measurement], documents: list[Document]
) -> Decision:
    return judge(rules, *seen, baseline=before, documents=documents)


def _no_new_pass(before: Decision, after: Decision) -> None:
    assert not (before.verdict is not Verdict.PASS and after.verdict is Verdict.PASS)
    passed = {(f.rule, f.slice) for f in before.findings if f.outcome is Outcome.PASS}
    for finding in after.findings:
        if finding.outcome is Outcome.PASS:
            assert (finding.rule, finding.slice) in passed


@given(LOOKS, evidence())
def test_law_1_no_silent_pass(
    looks: str, given_: tuple[list[Measurement], list[Measurement], list[Document]]
) -> None:
    """A pass means that each rule has a finding, and each finding that counts passed."""
    decision = _judge(POLICIES[looks], *given_)
    if decision.verdict is Verdict.PASS:
        assert {f.rule for f in decision.findings} == {r.id for _, r in POLICIES[looks].rules()}
        assert all(f.outcome is Outcome.PASS for f in decision.findings)
        assert any(f.proven for f in decision.findings)


@given(LOOKS, evidence(), st.data())
def test_law_2_worse_evidence_never_turns_into_a_pass(
    looks: str,
    given_: tuple[list[Measurement], list[Measurement], list[Document]],
    data: st.DataObject,
) -> None:
    seen, before, documents = given_
    rules = POLICIES[looks]
    first = _judge(rules, seen, before, documents)
    at = data.draw(st.integers(0, len(seen) - 1))
    one = seen[at]
    assert one.count is not None
    assert one.n is not None
    step = data.draw(st.integers(1, 30))
    lower_is_better = one.metric not in RATES
    worse_count = min(one.n, one.count + step) if lower_is_better else max(0, one.count - step)
    fewer = data.draw(st.integers(2, 5))
    changed = {
        "moved": [replace(one, count=worse_count)],
        "errored": [replace(one, n_errored=one.n_errored + step)],
        "dropped": [],
    }
    if one.count % fewer == 0 and one.n % fewer == 0:
        changed["fewer"] = [replace(one, count=one.count // fewer, n=one.n // fewer)]
    for replacement in changed.values():
        after = _judge(rules, [*seen[:at], *replacement, *seen[at + 1 :]], before, documents)
        _no_new_pass(first, after)
    better_before = [replace(b, count=min(b.n or 0, (b.count or 0) + step)) for b in before]
    _no_new_pass(first, _judge(rules, seen, better_before, documents))
    _no_new_pass(first, _judge(rules, seen, [], documents))
    _no_new_pass(first, _judge(rules, seen, before, []))


@given(LOOKS, evidence(), st.integers(1, 500))
def test_law_2_what_is_refuted_stays_refuted_when_errors_are_added(
    looks: str,
    given_: tuple[list[Measurement], list[Measurement], list[Document]],
    errors: int,
) -> None:
    seen, before, documents = given_
    first = _judge(POLICIES[looks], seen, before, documents)
    more = [replace(one, n_errored=one.n_errored + errors) for one in seen]
    after = _judge(POLICIES[looks], more, before, documents)
    failed = {(f.rule, f.slice) for f in first.findings if f.outcome is Outcome.FAIL}
    still = {(f.rule, f.slice) for f in after.findings if f.outcome is Outcome.FAIL}
    assert failed <= still


@given(LOOKS, evidence(), st.integers(-48, 48))
def test_law_2_an_expired_waiver_never_turns_into_a_pass(
    looks: str,
    given_: tuple[list[Measurement], list[Measurement], list[Document]],
    hours: int,
) -> None:
    rules = POLICIES[looks]
    waiver = Waiver(
        "wvr_1",
        "quality/accuracy",
        "*",
        "why",
        expires_at=AT + timedelta(hours=hours),
        approved_at=AT - timedelta(days=9),
    )
    given_submission = submission(*given_[0], baseline=given_[1], documents=given_[2])
    with_it = decide(rules, given_submission, History(), [waiver], AT)
    without = decide(rules, given_submission, History(), [], AT)
    assert not (with_it.verdict is not Verdict.PASS and without.verdict is Verdict.PASS)
    if hours <= 0:
        assert with_it == without


@given(LOOKS, evidence(), st.randoms(use_true_random=False))
def test_law_2_order_never_matters(
    looks: str,
    given_: tuple[list[Measurement], list[Measurement], list[Document]],
    random: st.DrawFn,
) -> None:
    seen, before, documents = given_
    shuffled = list(seen)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # a random.Random
    first = _judge(POLICIES[looks], seen, before, documents)
    again = _judge(POLICIES[looks], shuffled, before, documents)
    assert again.findings == first.findings
    assert again.verdict is first.verdict


@given(LOOKS, evidence())
def test_law_3_same_inputs_same_bytes(
    looks: str, given_: tuple[list[Measurement], list[Measurement], list[Document]]
) -> None:
    rules = POLICIES[looks]
    inputs = (submission(*given_[0], baseline=given_[1], documents=given_[2]), History(), (), AT)
    first = decide(rules, *inputs)
    again = decide(rules, *INPUTS.validate_json(INPUTS.dump_json(inputs, exclude_defaults=True)))
    assert again == first
    assert DECISION.dump_json(again) == DECISION.dump_json(first)


@given(LOOKS, evidence())
def test_law_5_the_digest_changes_with_what_people_saw(
    looks: str, given_: tuple[list[Measurement], list[Measurement], list[Document]]
) -> None:
    seen, before, documents = given_
    rules = POLICIES[looks]
    first = _judge(rules, seen, before, documents)
    one = seen[0]
    changed = [replace(one, n_errored=one.n_errored + 1), *seen[1:]]
    assert _judge(rules, changed, before, documents).digest != first.digest
    assert _judge(rules, seen, [], documents).digest != first.digest


@given(LOOKS, evidence())
def test_bounds_never_contradict_the_outcome(
    looks: str, given_: tuple[list[Measurement], list[Measurement], list[Document]]
) -> None:
    for finding in _judge(POLICIES[looks], *given_).findings:
        limit, seen = finding.limit or {}, finding.observed
        if finding.kind != "threshold" or seen is None or seen.lower is None or seen.upper is None:
            continue
        if "min" in limit:
            assert (finding.outcome is Outcome.FAIL) == (seen.upper <= limit["min"])
            assert finding.outcome is not Outcome.PASS or seen.lower >= limit["min"]
        else:
            assert (finding.outcome is Outcome.FAIL) == (seen.lower >= limit["max"])
            assert finding.outcome is not Outcome.PASS or seen.upper <= limit["max"]
