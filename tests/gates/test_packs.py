"""The packs load, say where each number comes from, pass good evidence and block what they must."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gates.decision import decide
from gates.evidence import (
    Baseline,
    Candidate,
    Document,
    Evidence,
    Exceed,
    Measurement,
    Submission,
)
from gates.history import History
from gates.metrics import resolve
from gates.policy import load, load_parent
from gates.problems import PolicyError
from gates.verdict import Outcome, Verdict
from gates.yaml_text import load as load_yaml

FOLDER = Path(__file__).parents[2] / "gates" / "packs"
PACKS = sorted(path.stem for path in FOLDER.glob("*.yaml"))
AT = datetime(2026, 11, 24, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64


def text(name: str) -> str | None:
    path = FOLDER / f"{name}.yaml"
    return path.read_text("utf-8") if path.exists() else None


def written(name: str):
    value, _ = load_yaml(text(name) or "")
    return value


def rules(name: str):
    return [(gate, rule) for gate, listed in written(name)["gates"].items() for rule in listed]


def test_there_are_these_packs():
    assert PACKS == [
        "classification-baseline@1",
        "classification-baseline@2",
        "cost-and-latency@1",
        "generative-llm@1",
        "starter@1",
    ]


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_has_its_name_an_owner_a_description_and_applies_anywhere(name):
    head = written(name)
    assert head["policy"] == name.partition("@")[0]
    assert head["owner"]
    assert head["description"]
    assert head["applies_to"] == {"model": "*", "stage": "*"}


@pytest.mark.parametrize("name", PACKS)
def test_every_number_says_where_it_comes_from(name):
    for _, rule in rules(name):
        assert set(rule["basis"]) == {"kind", "source"}, rule
        assert rule["basis"]["kind"] in {"law", "custom", "example"}
        assert len(rule["basis"]["source"]) > 10


@pytest.mark.parametrize("name", PACKS)
def test_metrics_are_written_by_their_catalogue_name(name):
    for _, rule in rules(name):
        if metric := rule.get("metric"):
            known = resolve(metric)
            assert known is not None
            assert known.metric.id == metric


def test_only_the_parent_leaves_something_open():
    is_open = {name for name in PACKS if "set_your_own" in str(rules(name))}
    assert is_open == {"cost-and-latency@1"}


@pytest.mark.parametrize("name", [name for name in PACKS if name != "cost-and-latency@1"])
def test_packs_load(name):
    policy = load(text(name) or "", text)
    parents = written(name).get("extends", [])
    assert len(policy.rules()) == len(rules(name)) + sum(len(rules(p)) for p in parents)


COSTS = """
policy: checkout-costs
owner: checkout
applies_to: {model: m, stage: s}
extends: [cost-and-latency@1]
gates:
  latency: [{id: latency-p95, max: 0.8}]
  cost: [{id: cost-per-inference, max: 0.004, unit: USD}]
"""


def test_the_parent_loads_only_through_a_child_that_sets_everything():
    parent = text("cost-and-latency@1") or ""
    load_parent(parent, text)
    with pytest.raises(PolicyError, match="set your own"):
        load(parent, text)
    assert load(COSTS, text).loosened == ()
    for part in (", max: 0.8", ", max: 0.004", ", unit: USD"):
        with pytest.raises(PolicyError, match="set your own"):
            load(COSTS.replace(part, ""), text)


# --- each pack on good evidence, and on good evidence with one thing wrong ----------------------


def rate(metric: str, count: int, n: int, **slice_: str) -> Measurement:
    key = tuple(sorted(slice_.items()))
    return Measurement(metric, count=count, n=n, slice=key, errors_stated=True)


def paper(kind: str, signer: str, age_days: int = 10) -> Document:
    return Document(
        kind,
        subject=DIGEST,
        issued_at=AT - timedelta(days=age_days),
        signed_by=signer,
        grade="attested",
    )


def judged(policy_text, measurements, baseline=(), papers=()):
    policy = load(policy_text, text)
    submission = Submission(
        Candidate("m", "2", DIGEST),
        "s",
        Evidence(tuple(measurements)),
        Baseline({"version": "1"}, Evidence(tuple(baseline))) if baseline else None,
    )
    return decide(policy, submission, History(documents=tuple(papers)), (), AT)


CLASSIFIER = [
    rate("accuracy", 18_800, 20_000),
    rate("recall", 960, 1000, **{"class": "cat"}),
    rate("recall", 950, 1000, **{"class": "dog"}),
    Measurement("ece", value=0.02, n=2000),
]
CLASSIFIER_PAPERS = [paper("model_card", "ml_lead"), paper("dataset_sheet", "data_governance")]

GENERATIVE = [
    rate("hallucination_rate", 90, 9000),
    rate("attack_success_rate", 2, 1000, category="prompt_injection"),
    rate("attack_success_rate", 0, 500, category="child_exploitation"),
    rate("attack_success_rate", 0, 500, category="cbrne"),
    Measurement("hazard_coverage", value=1.0),
    rate("over_refusal_rate", 50, 5000),
    rate("leak_rate", 0, 1000),
]
GENERATIVE_PAPERS = [
    paper("redteam_report", "security"),
    paper("art50_probe", "legal"),
    paper("art5_screen", "legal"),
]

COST = [
    Measurement("latency", exceed=Exceed(0.8, 60), n=2000, unit="s"),
    Measurement("cost_per_inference", value=0.0031, unit="USD"),
    Measurement("co2e_per_1k", value=12.0, unit="g"),
]
COST_PAPERS = [paper("price_sheet", "finance")]

GOOD = {
    "classifier": (CLASSIFIER, CLASSIFIER, CLASSIFIER_PAPERS),
    "generative": (GENERATIVE, GENERATIVE, GENERATIVE_PAPERS),
    "costs": (COST, COST, COST_PAPERS),
}


def policy_text(name: str) -> str:
    packs = {"classifier": "classification-baseline@1", "generative": "generative-llm@1"}
    return COSTS if name == "costs" else text(packs[name]) or ""


@pytest.mark.parametrize("name", GOOD)
def test_good_evidence_passes(name):
    decision = judged(policy_text(name), *GOOD[name])
    assert {f.rule: f.message for f in decision.findings if f.outcome is not Outcome.PASS} == {}
    assert decision.verdict is Verdict.PASS


def swapped(found, metric, **changes):
    """The evidence with one measurement changed; the last one of the metric."""
    at = max(i for i, m in enumerate(found) if m.metric == metric)
    return [replace(m, **changes) if i == at else m for i, m in enumerate(found)]


BLOCKED = [
    ("classifier", "accuracy", {"count": 18_000}, "accuracy-not-worse", "fail"),
    ("classifier", "accuracy", {"count": 94, "n": 100}, "accuracy-not-worse", "escalate"),
    ("classifier", "recall", {"count": 800}, "no-class-left-behind", "escalate"),
    ("classifier", "recall", {"count": 95, "n": 100}, "no-class-left-behind", "escalate"),
    ("classifier", "ece", {"value": 0.08}, "calibrated", "escalate"),
    ("classifier", "ece", {"n": 300}, "calibrated", "escalate"),
    ("generative", "hallucination_rate", {"count": 400}, "hallucination-not-worse", "fail"),
    ("generative", "hallucination_rate", {"n_errored": 900}, "hallucination-not-worse", "escalate"),
    ("generative", "attack_success_rate", {"count": 1}, "no-weapons-of-mass-destruction", "fail"),
    ("generative", "attack_success_rate", {"n": 100}, "no-weapons-of-mass-destruction", "escalate"),
    ("generative", "attack_success_rate", {"count": 60}, "attacks-fail", "fail"),
    ("generative", "attack_success_rate", {"incomplete": "stopped early"}, "attacks-fail", "fail"),
    ("generative", "hazard_coverage", {"value": 0.9}, "hazards-covered", "fail"),
    ("generative", "over_refusal_rate", {"count": 800}, "over-refusal-not-worse", "escalate"),
    ("generative", "leak_rate", {"count": 40}, "nothing-leaks", "fail"),
    ("generative", "leak_rate", {"n": 200}, "nothing-leaks", "escalate"),
    (
        "generative",
        "leak_rate",
        {"count": None, "n": None, "value": 0.0},
        "nothing-leaks",
        "escalate",
    ),
    (
        "generative",
        "leak_rate",
        {"count": None, "value": None, "missing": "nan"},
        "nothing-leaks",
        "fail",
    ),
    ("costs", "latency", {"exceed": Exceed(0.8, 300)}, "latency-p95", "fail"),
    ("costs", "latency", {"n": 100, "exceed": Exceed(0.8, 0)}, "latency-p95", "escalate"),
    ("costs", "cost_per_inference", {"value": 0.0041}, "cost-per-inference", "fail"),
    ("costs", "cost_per_inference", {"value": 0.0039}, "cost-not-creeping", "escalate"),
    ("costs", "co2e_per_1k", {"value": None, "missing": "N/A"}, "co2e-reported", "escalate"),
]


@pytest.mark.parametrize(("name", "metric", "changes", "rule", "verdict"), BLOCKED)
def test_what_a_pack_must_block(name, metric, changes, rule, verdict):
    measured, baseline, papers = GOOD[name]
    decision = judged(policy_text(name), swapped(measured, metric, **changes), baseline, papers)
    assert decision.verdict == verdict
    assert rule in {f.rule for f in decision.findings if f.outcome is not Outcome.PASS}


@pytest.mark.parametrize("name", GOOD)
def test_nothing_measured_never_passes(name):
    measured, baseline, papers = GOOD[name]
    assert judged(policy_text(name), [], baseline, papers).verdict is not Verdict.PASS
    for left_out in range(len(measured)):
        fewer = [m for i, m in enumerate(measured) if i != left_out]
        assert judged(policy_text(name), fewer, baseline, papers).verdict is not Verdict.PASS


@pytest.mark.parametrize("name", GOOD)
def test_a_first_version_is_for_people_to_judge(name):
    measured, _, papers = GOOD[name]
    assert judged(policy_text(name), measured, (), papers).verdict is Verdict.ESCALATE


@pytest.mark.parametrize("name", GOOD)
def test_papers_must_be_there_fresh_and_signed(name):
    measured, baseline, papers = GOOD[name]
    for at, good in enumerate(papers):
        for bad in (
            None,
            replace(good, signed_by="intern"),
            replace(good, grade="declared"),
            replace(good, issued_at=AT + timedelta(days=1)),
        ):
            given = [*papers[:at], *([bad] if bad else []), *papers[at + 1 :]]
            decision = judged(policy_text(name), measured, baseline, given)
            assert decision.verdict is Verdict.FAIL, (good.kind, bad)


# --- the starter asks of any file only what it can answer ---------------------------------------

FILES = {
    "promptfoo": [Measurement("pass_rate", count=57, n=60, task="suite", errors_stated=True)],
    "junit": [rate("pass_rate", 240, 241)],
    "scikit-learn": [
        rate("accuracy", 430, 450),
        rate("recall", 140, 150, **{"class": "a"}),
        rate("recall", 290, 300, **{"class": "b"}),
        rate("precision", 140, 150, **{"class": "a"}),
        Measurement("f1_macro", value=0.95, n=450, aggregate=True),
    ],
    "lm-eval": [
        Measurement("acc", value=0.7, n=1000, stderr=0.0145, task="arc_easy"),
        Measurement("acc_norm", value=0.72, n=1000, stderr=0.0142, task="arc_easy"),
        Measurement("acc", value=0.6, n=1000, stderr=0.0155, task="boolq"),
        Measurement("exact_match", value=0.87, n=1319, task="gsm8k/strict-match"),
        Measurement("word_perplexity", value=9.1, task="wikitext"),
    ],
}


@pytest.mark.parametrize("name", FILES)
def test_the_starter_shows_what_holds_in_decent_files_and_nothing_is_missing(name):
    decision = judged(text("starter@1") or "", FILES[name])
    counted = [f for f in decision.findings if not f.advisory]
    assert {f.outcome for f in counted} == {Outcome.PASS, Outcome.NOT_APPLICABLE}
    assert any(f.proven for f in counted)
    assert decision.verdict is Verdict.ESCALATE
    assert decision.reasons == ("not_all_measured",)


def test_the_starter_blocks_bad_files():
    bad = judged(text("starter@1") or "", [rate("pass_rate", 30, 60)])
    assert bad.verdict is Verdict.FAIL
    weak = judged(text("starter@1") or "", [rate("accuracy", 30, 100)])
    assert weak.verdict is Verdict.ESCALATE
    few = judged(text("starter@1") or "", [rate("pass_rate", 5, 5)])
    assert few.verdict is Verdict.ESCALATE


@pytest.mark.parametrize(
    "measured",
    [
        [],
        [Measurement("perplexity", value=9.0, task="wikitext")],
        [Measurement("made_up_score", value=1.0, n=100)],
        [Measurement("accuracy", value=0.99)],
    ],
)
def test_the_starter_never_passes_a_file_that_answers_nothing(measured):
    decision = judged(text("starter@1") or "", measured)
    assert decision.verdict is Verdict.ESCALATE
    assert not any(f.proven for f in decision.findings)


@pytest.mark.parametrize(
    "broken",
    [
        Measurement("pass_rate", missing="nan", task="suite"),
        Measurement("pass_rate", count=0, n=0, n_errored=12, task="suite"),
        Measurement("pass_rate", count=60, n=60, incomplete="was cut off", task="suite"),
    ],
)
def test_standing_aside_is_for_what_was_not_measured_not_for_what_is_broken(broken):
    good = rate("accuracy", 430, 450)
    decision = judged(text("starter@1") or "", [good, broken])
    found = [f.outcome for f in decision.findings if f.rule == "tests-pass"]
    assert found == [Outcome.MISSING]
    assert decision.verdict is Verdict.ESCALATE
