"""A drafted policy loads, and passes on the measurements it was drafted from, whatever they are."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.policies import packs
from app.policies.draft import DraftError, draft
from app.policies.rounding import friendly, percent, plain
from gates.decision import decide
from gates.evidence import (
    Candidate,
    Evidence,
    Exceed,
    ImpossibleEvidence,
    Measurement,
    Source,
    Submission,
)
from gates.formats import read
from gates.history import History
from gates.policy import load
from gates.verdict import Outcome, Verdict

AT = datetime(2026, 11, 24, tzinfo=UTC)


def drafted(*measurements: Measurement) -> str:
    return draft(measurements, name="mine", model="m", stage="s")


def judged(text: str, measurements) -> Verdict:
    policy = load(text, packs.text)
    submission = Submission(Candidate("m", "1"), "s", Evidence(tuple(measurements)))
    decision = decide(policy, submission, History(), (), AT)
    assert {f.rule: f.message for f in decision.findings if f.outcome is not Outcome.PASS} == {}
    return decision.verdict


GSM8K = Measurement("exact_match", value=1148 / 1319, n=1319, task="gsm8k/strict-match")


def test_a_rate_gets_the_limit_that_its_sample_proves():
    text = drafted(GSM8K)
    assert "# observed 87.0% (1148 of 1319); shown to be at least 85.3%\n" in text
    assert "metric: exact_match\n      task: gsm8k/strict-match\n      min: 0.85\n" in text
    assert judged(text, [GSM8K]) is Verdict.PASS


def test_lower_is_better_gets_a_ceiling():
    clean = Measurement("attack_success_rate", count=0, n=300, errors_stated=True)
    text = drafted(clean)
    assert "shown to be at most 1.1%" in text
    assert "max: 0.015\n" in text
    assert judged(text, [clean]) is Verdict.PASS


def test_slices_proven_alike_stand_in_one_rule():
    slices = [
        Measurement("recall", count=c, n=100, slice=(("class", name),))
        for name, c in (("cat", 97), ("dog", 93), ("no", 99))
    ]
    text = drafted(*slices)
    assert text.count("metric: recall") == 1
    assert 'by: [class]\n      require: {class: [cat, dog, "no"]}\n' in text
    assert "# class=dog: observed 93.0%" in text
    assert judged(text, slices) is Verdict.PASS


def test_a_slice_that_proves_nothing_is_not_drawn_into_a_rule_about_all():
    slices = [
        Measurement("recall", count=97, n=100, slice=(("class", "cat"),)),
        Measurement("recall", value=0.9, slice=(("class", "dog"),)),
    ]
    text = drafted(*slices)
    assert "where: {class: cat}" in text
    assert "# recall [class=dog]:" in text
    policy = load(text, packs.text)
    assert [rule.id for _, rule in policy.rules()] == ["recall-cat"]


@pytest.mark.parametrize(
    ("measurement", "words"),
    [
        (Measurement("roc_auc", value=0.91), "roc_auc: "),
        (Measurement("made_up", count=9, n=10), "declare `direction`"),
        (Measurement("made_up", value=0.5, direction="higher"), "declare `direction` and `kind`"),
        (Measurement("accuracy", missing="N/A"), "not as a finite number"),
        (Measurement("accuracy", count=0, n=0), "on no example"),
        (Measurement("accuracy", count=9, n=10, incomplete="was cut off"), "was cut off"),
        (Measurement("accuracy", count=90, n=90, n_errored=10), "10.0% of its examples errored"),
        (Measurement("accuracy", count=0, n=10), "too few examples"),
        (Measurement("refusal_rate", count=5, n=10), "neither end is good by itself"),
        (Measurement("latency", value=0.7, quantile=0.95, n=100, unit="s"), "exceeded the limit"),
        (Measurement("accuracy", count=99, n=100, task="t" * 201), "too long"),
    ],
)
def test_what_proves_nothing_is_left_out_with_the_reason(measurement, words):
    with pytest.raises(DraftError, match="nothing in these measurements proves a limit") as error:
        drafted(measurement)
    assert words in str(error.value)
    text = drafted(measurement, GSM8K)
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert any(words in line for line in comments)
    assert sum(line.endswith(": set_your_own") for line in comments) == 1
    assert len(load(text, packs.text).rules()) == 1


def test_no_measurements_is_an_error_of_its_own():
    with pytest.raises(DraftError, match="no measurements"):
        drafted()
    with pytest.raises(DraftError, match="no measurements"):
        drafted(Measurement("accuracy", count=9, n=10, aggregate=True))


def test_a_measurement_that_cannot_be_is_refused():
    with pytest.raises(ImpossibleEvidence):
        drafted(Measurement("accuracy", count=11, n=10))


def test_two_values_for_one_question_are_left_out():
    twice = [Measurement("accuracy", count=90, n=100), Measurement("acc", count=91, n=100)]
    with pytest.raises(DraftError, match="several values"):
        drafted(*twice)


def test_a_measurement_that_no_rule_could_pick_out_is_left_out():
    tasks = [Measurement("acc", count=90, n=100), Measurement("acc", count=91, n=100, task="t")]
    text = drafted(*tasks)
    assert "task: t\n" in text
    assert "# accuracy: other tasks measure it too" in text
    assert judged(text, tasks) is Verdict.PASS


def test_names_with_glob_characters_pick_out_only_themselves():
    tasks = [
        Measurement("acc", count=60, n=100, task="mmlu*"),
        Measurement("acc", count=99, n=100, task="mmlu_law"),
        Measurement("acc", count=80, n=100, task="a[b]?"),
    ]
    assert judged(drafted(*tasks), tasks) is Verdict.PASS


def test_tails_from_counts_over_a_limit_and_from_higher_percentiles():
    counted = Measurement("latency", exceed=Exceed(0.8, 20), n=1000, unit="s")
    text = drafted(counted)
    assert "quantile: 0.95\n      max: 0.8\n      unit: s\n" in text
    assert judged(text, [counted]) is Verdict.PASS
    stated = [
        Measurement("latency_p99_ms", value=912.3, n=5000),
        Measurement("latency_p95_ms", value=700.0, n=5000),
    ]
    text = drafted(*stated)
    assert "quantile: 0.95\n" in text
    assert "unit: ms\n" in text
    assert judged(text, stated) is Verdict.PASS


def test_tails_from_every_value():
    every = Measurement("latency", scores=tuple(i / 1000 for i in range(1000)), unit="s")
    text = drafted(every)
    assert "quantile: 0.95\n" in text
    limit = float(text.split("      max: ")[1].split("\n")[0])
    assert 0.95 < limit < 1.0
    assert judged(text, [every]) is Verdict.PASS


def test_prices_are_compared_as_they_stand():
    price = Measurement("cost_per_inference", value=0.0031, unit="USD")
    text = drafted(price)
    assert "max: 0.0032\n      unit: USD\n      mode: exact\n" in text or "max: 0.0031\n" in text
    assert judged(text, [price]) is Verdict.PASS


def test_a_source_is_named_only_where_there_are_several():
    one = replace(GSM8K, source=Source(tool="lm-eval", suite="gsm8k@3"))
    assert "source:" not in drafted(one)
    two = [one, replace(GSM8K, value=0.9, source=Source(tool="inspect"))]
    text = drafted(*two)
    assert text.count("source: ") == 2
    assert judged(text, two) is Verdict.PASS


def test_an_unknown_metric_is_declared_by_its_form():
    m = Measurement("refunds_promised", count=3, n=400, direction="lower")
    text = drafted(m)
    assert "direction: lower\n      kind: proportion\n" in text
    assert judged(text, [m]) is Verdict.PASS


def test_a_real_result_file_becomes_a_policy_that_it_passes():
    content = b"""<testsuites><testsuite name="bot" tests="40">%s</testsuite></testsuites>""" % (
        b"".join(b'<testcase classname="c" name="t%d"/>' % i for i in range(40))
    )
    measured = read("junit.xml", content).measurements
    text = draft(measured, name="mine", model="*", stage="*")
    assert "metric: pass_rate" in text
    assert judged(text, measured) is Verdict.PASS


@pytest.mark.parametrize("name", ["My Results (final)", "results_2026-11-01.json", "é", "-x", ""])
def test_any_name_becomes_one_that_a_policy_may_have(name):
    text = draft([GSM8K], name=name, model="m", stage="s")
    assert load(text, packs.text).name


NAMES = st.one_of(
    st.sampled_from(
        ["no", "null", "1", "a: b", "x\n- y", "#", "{", '"', "'", "*", "[a]", "é\u2028"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
)
COUNTS = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
PLACES = st.fixed_dictionaries(
    {},
    optional={
        "task": NAMES,
        "slice": st.dictionaries(NAMES, NAMES, max_size=2).map(lambda d: tuple(sorted(d.items()))),
        "n_errored": st.sampled_from([0, 0, 1, 7]),
    },
)
METRICS = st.sampled_from(["accuracy", "pass_rate", "leak_rate", "refusal_rate", "recall"])
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
MEASUREMENTS = st.one_of(
    st.builds(
        lambda metric, c, place: Measurement(metric, count=c[0], n=c[1], **place),
        METRICS,
        COUNTS,
        PLACES,
    ),
    st.builds(
        lambda name, d, c, place: Measurement(name, count=c[0], n=c[1], direction=d, **place),
        NAMES,
        st.sampled_from(["higher", "lower", None]),
        COUNTS,
        PLACES,
    ),
    st.builds(
        lambda v, se, n, place: Measurement("relevance", value=v, stderr=se, n=n, **place),
        NUMBERS,
        st.floats(0, 1e3),
        st.integers(1, 5000),
        PLACES,
    ),
    st.builds(
        lambda scores, place: Measurement("faithfulness", scores=tuple(scores), **place),
        st.lists(st.floats(0, 1), min_size=1, max_size=60),
        PLACES,
    ),
    st.builds(
        lambda limit, c, place: Measurement(
            "latency", exceed=Exceed(limit, c[0]), n=c[1], unit="s", **place
        ),
        st.floats(0.001, 100),
        COUNTS,
        PLACES,
    ),
    st.builds(
        lambda scores, place: Measurement("ttft_ms", scores=tuple(scores), **place),
        st.lists(st.floats(0, 1e5), min_size=1, max_size=300),
        PLACES,
    ),
    st.builds(
        lambda at, v, n: Measurement(f"latency_p{at}", value=v, n=n),
        st.sampled_from([50, 90, 95, 99]),
        st.floats(0, 1e3),
        st.sampled_from([50, 400, 5000]),
    ),
    st.builds(
        lambda v, half, n, place: Measurement(
            "roc_auc", value=v, ci=(v - half, v + half), confidence=0.95, n=n, **place
        ),
        st.floats(0, 1),
        st.floats(0, 0.5),
        st.integers(1, 5000),
        PLACES,
    ),
    st.builds(
        lambda v, unit: Measurement("cost_per_task", value=v, unit=unit),
        st.floats(0, 1e6),
        st.sampled_from(["USD", "EUR"]),
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(MEASUREMENTS, max_size=8))
def test_whatever_was_measured_the_draft_loads_and_its_source_passes(measured):
    measured = [*measured, GSM8K]
    assert judged(drafted(*measured), measured) is Verdict.PASS


@given(st.floats(-1e9, 1e9), st.floats(1e-9, 1e9), st.booleans())
def test_a_friendly_number_is_on_the_safe_side_and_near(number, gap, up):
    found = friendly(number, gap, up=up)
    exact = Decimal(repr(number))
    assert found >= exact if up else found <= exact
    assert abs(found - exact) <= Decimal(repr(gap)) / 2


def test_numbers_read_as_people_write_them():
    assert plain(Decimal("0.850")) == "0.85"
    assert plain(Decimal(100)) == "100"
    assert plain(Decimal(0)) == "0"
    assert percent(0.85364, up=False) == "85.3%"
    assert percent(0.85364, up=True) == "85.4%"
