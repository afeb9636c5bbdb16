from itertools import permutations

import pytest

from gates.policy import Policy, PolicyError, Problem, load, load_document, load_parent
from gates.verdict import Mode
from tests.gates.build import no_parents, policy

WHOLE = """
policy: support-bot-release
description: What the support bot must show before customers meet it.
owner: genai-platform
applies_to: {model: "support-bot*", stage: [limited_release, broad_rollout]}
defaults: {confidence: 0.95}
baseline: {last_passed: limited_release}
gates:
  quality:
    - {metric: accuracy, min: 0.85, target: 0.90}
    - id: no-language-left-behind
      metric: accuracy
      by: [language]
      require: {language: [en, de, no]}
      min: 0.80
    - {metric: f1, versus_baseline: {max_drop: 0.01}}
  safety:
    - {metric: attack_success_rate, by: [category], max: 0.02, confidence: 0.99}
    - {metric: attack_success_rate, where: {category: cbrne}, max_count: 0, rate_below: 0.01}
  cost:
    - {metric: cost_per_inference, max: 0.004, unit: USD, mode: exact}
    - {metric: latency, quantile: 0.95, max: 0.8, unit: s}
  compliance:
    - {document: dpia, signed_by: dpo, max_age_days: 365}
    - {document: redteam_report, signed_by: security, max_age_days: 90, binds: digest}
    - {passed_stage: evaluation, max_age_days: 30}
    - {sign_off: product_owner}
    - {expr: "metrics['over_refusal_rate'].value <= 0.02", on_fail: escalate}
    - {coverage: {dimension: category, require: [cbrne], min_samples: 100}}
escalation:
  reviews: [{role: security, min: 1}, {role: product_owner, min: 1}]
  evidence_first_hours: 24
  due_hours: 24
  ladder: [{after_hours: 24, role: risk_owner}]
  expires_hours: 72
grants: {traffic_max: 0.05, tools: "sha256:abc"}
valid_days: 30
"""

HEAD = "policy: p\nowner: o\napplies_to: {model: '*', stage: '*'}\n"


def problems(text: str, parents: dict[str, str] | None = None) -> list[Problem]:
    with pytest.raises(PolicyError) as caught:
        load(text, (parents or {}).get)
    return caught.value.errors


def one(rule: str) -> Problem:
    (problem,) = problems(f"{HEAD}gates:\n  quality:\n    - {{{rule}}}\n")
    return problem


def test_the_design_page_loads() -> None:
    loaded = load(WHOLE, no_parents)
    assert [gate.name for gate in loaded.gates] == ["quality", "safety", "cost", "compliance"]
    ids = [rule.id for _, rule in loaded.rules()]
    assert ids[:3] == ["accuracy", "no-language-left-behind", "f1-versus-baseline"]
    assert "latency_p95" in ids
    assert loaded.defaults.alpha_fail == 0.05
    assert loaded.defaults.looks == 2
    assert loaded.applies("support-bot-2", "limited_release")
    assert not loaded.applies("other", "limited_release")
    assert not loaded.applies("support-bot", "evaluation")


def test_comments_and_order_of_keys_do_not_change_the_digest() -> None:
    lines = ("owner: o", "policy: p", "applies_to: {stage: a, model: b}")
    rule = "gates: {q: [{metric: accuracy, min: 0.8}]}"
    digests = {
        load("# note\n" + "\n".join([*order, rule]), no_parents).digest
        for order in permutations(lines)
    }
    assert len(digests) == 1
    other = load("\n".join([*lines, rule.replace("0.8", "0.81")]), no_parents).digest
    assert other not in digests


def test_a_resolved_policy_loads_again_from_its_document() -> None:
    first = load(WHOLE, no_parents)
    again = load_document(first.document)
    assert again.digest == first.digest
    assert again.rules() == first.rules()


@pytest.mark.parametrize(
    ("rule", "pointer", "words"),
    [
        ("metric: acuracy, min: 0.8", "/metric", "did you mean accuracy"),
        ("metric: our_own, min: 0.8", "/metric", "declare `direction"),
        ("metric: accuracy", "/metric", "needs `min` or `max`"),
        ("metric: accuracy, min: 85", "/min", "never true"),
        ("metric: accuracy, min: 0", "/min", "always true"),
        ("metric: accuracy, max: 0.8", "/max", "higher is better"),
        ("metric: attack_success_rate, min: 0.8", "/min", "lower is better"),
        ("metric: accuracy, min: 0.9, max: 0.8", "/min", "above max"),
        ("metric: accuracy, min: 0.9, target: 0.8", "/target", "below min"),
        ("metric: accuracy, min: '0.8'", "/min", "a number is needed"),
        ("metric: accuracy, min: true", "/min", "a number is needed"),
        ("metric: accuracy, min: 0.8, minimum: 1", "/minimum", "not a field"),
        ("metric: accuracy, min: 0.8, confidance: 0.9", "/confidance", "did you mean `confidence`"),
        ("metric: accuracy, min: 0.8, confidence: 1", "/confidence", "less than 1"),
        ("metric: accuracy, min: 0.8, confidence: 0.4", "/confidence", "0.5"),
        ("metric: accuracy, min: 0.8, mode: guard", "/mode", "needs `notice`"),
        ("metric: accuracy, min: 0.8, notice: 0.1", "/notice", "guard"),
        ("metric: accuracy, min: 0.8, mode: exact", "/mode", "accepts_point_estimate"),
        ("metric: accuracy, min: 0.8, kind: mean", "/kind", "is a proportion"),
        ("metric: accuracy, min: 0.8, direction: lower", "/direction", "higher is better"),
        ("metric: accuracy, min: 0.8, quantile: 0.95", "/quantile", "not a quantile"),
        ("metric: accuracy, min: 0.8, unit: percent", "/unit", "fractions"),
        ("metric: latency, max: 1", "/metric", "which quantile"),
        ("metric: latency_p95, quantile: 0.99, max: 1", "/quantile", "already names"),
        ("metric: accuracy, min: 0.8, by: [a], where: {a: x}", "/where", "in `by` as well"),
        ("metric: accuracy, min: 0.8, require: {a: [x]}", "/require", "not in `by`"),
        ("metric: accuracy, min: 0.8, when: 'metrics.a.value > 1'", "/when", "not known"),
        ("metric: accuracy, min: 0.8, when: '1 +'", "/when", "does not parse"),
        ("metric: accuracy, max_count: 0, rate_below: 0.1", "/max_count", "higher is better"),
        ("metric: attack_success_rate, max_count: 0", "/max_count", "shows nothing"),
        ("metric: f1, versus_baseline: {}", "/versus_baseline", "exactly one"),
        ("metric: f1, versus_baseline: {max_drop: 1, max_rise: 1}", "/versus_baseline", "one of"),
        ("metric: f1, versus_baseline: {max_rise: 0.1}", "/versus_baseline", "Use `max_drop`"),
        ("metric: f1, versus_baseline: {max_drop: -1}", "/versus_baseline/max_drop", "0"),
        ("document: dpia, max_age_days: 0", "/max_age_days", "greater than 0"),
        ("document: dpia, mode: exact", "/mode", "not a field"),
        ("sign_off: legal, on_fail: advise", "/on_fail", "always escalates"),
        ("expr: 'metrics.acuracy.value > 1.0'", "/expr", "did you mean accuracy"),
        ("expr: 'metrics[stage].value > 1.0'", "/expr", "in quotes"),
        ("coverage: {dimension: a, min_samples: 0}", "/coverage/min_samples", "1"),
        ("coverage: {dimension: a, min_samples: 5}, min_samples: 5", "/min_samples", "inside"),
        ("document: a, sign_off: b", "", "asks one thing"),
        ("owner: nobody", "", "needs one of"),
        ("metric: accuracy, min: 0.8, basis: whim", "/basis/kind", "law"),
    ],
)
def test_what_does_not_load_says_where_and_why(rule: str, pointer: str, words: str) -> None:
    problem = one(rule)
    assert problem.pointer == f"/gates/quality/0{pointer}"
    assert problem.line == 6
    assert words in problem.detail


@pytest.mark.parametrize(
    ("header", "pointer", "words"),
    [
        ("unknwon: 1", "/unknwon", "not a field"),
        ("defualts: {}", "/defualts", "did you mean `defaults`"),
        ("defaults: {looks: often}", "/defaults/looks", "planned(K)"),
        ("defaults: {looks: planned(0)}", "/defaults/looks", "planned(K)"),
        ("defaults: {confidence: 2}", "/defaults/confidence", "less than 1"),
        ("baseline: {}", "/baseline", "exactly one"),
        ("baseline: {version: '1', alias: a}", "/baseline", "exactly one"),
        ("escalation: {reviews: []}", "/escalation/reviews", "ask somebody"),
        ("escalation: {reviews: [{role: a}, {role: a}]}", "/escalation/reviews", "twice"),
        ("escalation: {due_hours: 99}", "/escalation/due_hours", "later than"),
        ("score: {weights: {speed: 1}, pass: 80, escalate: 60}", "/score/weights", "not a gate"),
        ("score: {weights: {quality: 0}, pass: 80, escalate: 60}", "/score/weights", "nothing"),
        ("valid_days: 0", "/valid_days", "greater than 0"),
        ("extends: [nothing@1]", "/extends", "neither a pack nor"),
    ],
)
def test_headers_that_do_not_load(header: str, pointer: str, words: str) -> None:
    text = f"{HEAD}{header}\ngates: {{quality: [{{metric: accuracy, min: 0.8}}]}}\n"
    found = problems(text)
    assert any(p.pointer == pointer and words in p.detail and p.line == 4 for p in found), found


@pytest.mark.parametrize("missing", ["policy", "owner", "applies_to"])
def test_what_is_required(missing: str) -> None:
    lines = [line for line in HEAD.splitlines() if not line.startswith(missing)]
    found = problems("\n".join([*lines, "gates: {q: [{metric: accuracy, min: 0.8}]}"]))
    assert found[0].pointer == f"/{missing}"
    assert "required" in found[0].detail


def test_every_problem_is_reported_at_once() -> None:
    text = (
        f"{HEAD}gates:\n  a:\n    - {{metric: accuracy, min: 9}}\n    - {{metric: nope, min: 1}}\n"
    )
    found = problems(text)
    assert [p.line for p in found] == [6, 7]


def test_two_rules_of_one_id() -> None:
    text = f"{HEAD}gates:\n  a:\n    - {{metric: f1, min: 0.5}}\n    - {{metric: f1, min: 0.6}}\n"
    (problem,) = problems(text)
    assert "called f1" in problem.detail


def test_unknown_metrics_declare_themselves() -> None:
    loaded = policy("metric: our_own, min: 0.8, direction: higher, kind: proportion")
    assert loaded.rules()[0][1].id == "our_own"


PARENT = (
    "policy: base\nowner: pack\napplies_to: {model: '*', stage: '*'}\n"
    "defaults: {confidence: 0.99}\nvalid_days: 10\n"
    "gates:\n  quality:\n"
    "    - {metric: accuracy, min: 0.8, min_samples: 100}\n"
    "    - {metric: latency_p95, max: set_your_own, unit: s}\n"
    "  safety:\n    - {document: dpia, max_age_days: 90}\n"
)


def child(*rules: str, gate: str = "quality") -> str:
    lines = "\n".join(f"    - {{{rule}}}" for rule in rules)
    return (
        "policy: mine\nowner: me\napplies_to: {model: a, stage: b}\nextends: [base@1]\n"
        f"gates:\n  {gate}:\n{lines}\n"
    )


def load_child(*rules: str, gate: str = "quality") -> Policy:
    return load(child(*rules, gate=gate), {"base@1": PARENT}.get)


def test_a_child_adds_and_tightens() -> None:
    loaded = load_child(
        "metric: latency_p95, max: 0.8, unit: s",
        "metric: accuracy, min: 0.85",
        "metric: f1, min: 0.5",
    )
    rules = {rule.id: rule for _, rule in loaded.rules()}
    assert set(rules) == {"accuracy", "latency_p95", "f1", "document-dpia"}
    assert rules["accuracy"].min == 0.85  # type: ignore[attr-defined] # a Threshold
    assert rules["accuracy"].min_samples == 100  # type: ignore[attr-defined] # inherited
    assert rules["accuracy"].confidence == 0.99  # type: ignore[attr-defined] # the parent's default
    assert rules["f1"].mode is Mode.PROVE  # type: ignore[attr-defined] # a Threshold
    assert loaded.header.owner == "me"
    assert loaded.header.valid_days == 10
    assert loaded.loosened == ()


def test_an_opening_must_be_set_by_a_child() -> None:
    found = problems(child("metric: f1, min: 0.5"), {"base@1": PARENT})
    assert any("set your own `max`" in p.detail for p in found)
    with pytest.raises(PolicyError, match="set your own"):
        load(PARENT, no_parents)
    load_parent(PARENT, no_parents)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ("metric: accuracy, min: 0.7", "min"),
        ("metric: accuracy, min_samples: 50", "min_samples"),
        ("metric: accuracy, min_samples: null", "min_samples"),
        ("metric: accuracy, confidence: 0.9", "confidence"),
        ("metric: accuracy, mode: guard, notice: 0.1", "mode"),
        ("metric: accuracy, on_fail: escalate", "on_fail"),
        ("metric: accuracy, on_fail: advise", "on_fail"),
        ("metric: accuracy, on_missing: escalate", "on_missing"),
        ("metric: accuracy, accepts_point_estimate: because", "accepts_point_estimate"),
        ("metric: accuracy, when: model.facts.x", "when"),
        ("metric: accuracy, applies_from: 2030-01-01", "applies_from"),
        ("id: accuracy, metric: accuracy, task: easy", "task"),
        ("id: accuracy, remove: true", "removing"),
    ],
)
def test_loosening_needs_a_reason(rule: str, field: str) -> None:
    set_open = "metric: latency_p95, max: 0.8, unit: s"
    found = problems(child(rule, set_open), {"base@1": PARENT})
    assert any(field in p.detail and "loosens" in p.detail for p in found), found
    loaded = load_child(f"{rule}, loosens: we know why", set_open)
    assert loaded.loosened == (("quality/accuracy", "we know why"),)
    assert any("we know why" in warning for warning in loaded.warnings)


def test_a_parents_defaults_hold_for_its_rules_whatever_the_child_says() -> None:
    text = child("metric: latency_p95, max: 0.8, unit: s") + "defaults: {confidence: 0.8}\n"
    loaded = load(text, {"base@1": PARENT}.get)
    rules = {rule.id: rule for _, rule in loaded.rules()}
    assert rules["accuracy"].confidence == 0.99  # type: ignore[attr-defined] # a Threshold


def test_policies_that_extend_each_other_in_a_circle() -> None:
    circle = PARENT.replace("owner: pack", "owner: pack\nextends: [base@1]")
    found = problems(child("metric: f1, min: 0.5"), {"base@1": circle})
    assert "circle" in found[0].detail


def test_lint_warns() -> None:
    warnings = policy(
        "metric: accuracy, by: [language], min: 0.8",
        "metric: recall, versus_baseline: {max_drop: 0.01}",
        "metric: attack_success_rate, max: 0",
    ).warnings
    assert any("`by` without `require`" in warning for warning in warnings)
    assert any("margin alone" in warning for warning in warnings)
    assert any("max_count: 0" in warning for warning in warnings)
