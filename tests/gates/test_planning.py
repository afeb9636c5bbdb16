"""Power before data: sizes are kept, impossible rules are named, nothing is made up."""

from bisect import bisect_left

import pytest
from scipy import stats

from gates.decision import Decision
from gates.evidence import ImpossibleEvidence
from gates.planning import RulePlan, Spread, given, metrics_of, plan, strictly
from gates.planning.pilot import of_pilot
from gates.statistics import binomial
from gates.statistics.betting import BettingMean
from gates.verdict import Outcome, Verdict
from tests.gates.build import AT, judge, m, only, policy, submission

SINGLE = "defaults: {looks: single}"


def one(rule: str, n: int | None = None, header: str = SINGLE) -> RulePlan:
    (found,) = plan(policy(rule, header=header), n)
    return found


def test_the_standard_example() -> None:
    """statistics.md: limit .85, truth .90: 304 for single looks, 331 at the first of two."""
    assert one("metric: accuracy, min: 0.85, target: 0.9").samples == 304
    two = one("metric: accuracy, min: 0.85, target: 0.9", header="defaults: {looks: planned(2)}")
    assert two.samples == 331
    anytime = one(
        "metric: accuracy, min: 0.85, target: 0.9",
        header="defaults: {looks: anytime, n_plan: 500}",
    )
    assert anytime.samples is not None
    assert anytime.samples > 331
    assert one("metric: leak_rate, max_count: 0, rate_below: 0.01").samples == 299


def test_a_candidate_with_the_planned_sample_escalates_at_most_one_time_in_five() -> None:
    """Exactly: the chance that every rule passes at the first look, from the counts that pass."""
    rules = policy(
        "metric: accuracy, min: 0.85, target: 0.92",
        "metric: recall, by: [s], require: {s: [a, b, c]}, min: 0.7, target: 0.85",
        "metric: attack_success_rate, max: 0.05, target: 0.01, confidence: 0.99",
        header="defaults: {looks: planned(2)}",
    )
    cleared = 1.0
    for item, truth, better_up in zip(
        plan(rules), (0.92, 0.85, 0.01), (True, True, False), strict=True
    ):
        assert item.samples is not None
        n, names = item.samples, {0.92: "accuracy", 0.85: "recall", 0.01: "attack_success_rate"}

        def passes(k: int, n: int = n, metric: str = names[truth]) -> bool:
            where = {"s": "a"} if metric == "recall" else {}
            found = judge(rules, m(metric, count=k, n=n, slice=where)).findings
            return any(f.metric == metric and f.outcome is Outcome.PASS for f in found)

        turn = bisect_left(range(n + 1), 1, key=lambda k: passes(k) is better_up)
        law = stats.binom(n, truth)
        power = law.sf(turn - 1) if better_up else law.cdf(turn - 1)
        cleared *= power**item.slices
    assert 0.8 <= cleared < 0.9


def test_an_all_green_suite_of_a_hundred_tests_passes() -> None:
    seen = m("pass_rate", count=100, n=100)
    assert judge("metric: pass_rate, min: 0.95", seen).verdict is Verdict.PASS
    rules = policy("metric: pass_rate, min: 0.95", header="defaults: {looks: planned(2)}")
    assert judge(rules, seen).verdict is Verdict.PASS


def outcome(rule: str, count: int, n: int) -> Outcome:
    made: Decision = judge(rule, m("accuracy", count=count, n=n))
    return only(made).outcome


@pytest.mark.parametrize("n", [20, 100, 500])
def test_what_a_sample_resolves_is_where_the_verdicts_turn(n: int) -> None:
    rule = "metric: accuracy, min: 0.85"
    found = one(rule, n)
    assert found.at_n is not None
    passes, fails = found.at_n["passes_from"], found.at_n["fails_from"]
    counts = [k for k in range(n + 1) if outcome(rule, k, n) is Outcome.PASS]
    if not counts:
        assert passes is None
    else:
        assert passes is not None
        assert stats.binom.sf(counts[0] - 1, n, passes) == pytest.approx(0.8, abs=1e-6)
    lost = [k for k in range(n + 1) if outcome(rule, k, n) is Outcome.FAIL]
    assert fails is not None
    assert stats.binom.cdf(lost[-1], n, fails) == pytest.approx(0.8, abs=1e-6)


def test_the_upper_side_is_the_mirror() -> None:
    low = one("metric: accuracy, min: 0.85", 400).at_n
    high = one("metric: attack_success_rate, max: 0.15", 400).at_n
    assert low is not None
    assert high is not None
    for name in ("passes_from", "fails_from"):
        assert low[name] == pytest.approx(1 - (high[name] or 0))


@pytest.mark.parametrize(
    "rule",
    [
        "metric: precision, min: 1.0",
        "metric: leak_rate, max_count: 0, rate_below: 1.0e-7",
        "metric: model_size, max: 4, unit: GB",
    ],
)
def test_what_can_never_be_proven_is_named(rule: str) -> None:
    found = one(rule)
    assert not found.provable
    assert found.samples is None
    assert "can never be proven" in found.message


def test_pairing_is_planned_beside_separate_samples() -> None:
    """statistics.md section 7: margin .01 at .85: 15,766 per arm against 6,183 paired."""
    _, found = plan(
        policy(
            "metric: accuracy, min: 0.5, target: 0.85, on_fail: advise",
            "metric: accuracy, versus_baseline: {max_drop: 0.01}",
            header=SINGLE,
        )
    )
    # Those are for 80%; the plan keeps a part of the other 20% for what it knows only about.
    assert found.samples is not None
    assert 15_766 <= found.samples < 1.1 * 15_766
    assert found.paired is not None
    assert 6_183 <= found.paired < 1.15 * 6_183


def test_what_pairs_resolve_is_said_beside_separate_samples() -> None:
    found = one("metric: accuracy, versus_baseline: {max_drop: 0.05}", 500)
    assert found.at_n is not None
    apart, paired = (found.at_n[name] for name in ("passes_from", "paired_passes_from"))
    assert apart is not None
    assert paired is not None
    assert -0.05 < paired < 0.0 < apart
    assert (found.at_n["paired_fails_from"] or 0.0) > (found.at_n["fails_from"] or 0.0)
    assert f"as pairs, from {paired:+.4g} on" in found.message
    assert "(say it with --about accuracy=RATE)" in found.message
    (known,) = plan(
        policy("metric: accuracy, versus_baseline: {max_drop: 0.05}", header=SINGLE),
        known=given({}, {"accuracy": 0.9}),
    )
    assert "--about" not in known.message


def test_more_rules_need_more_power_and_slices_count() -> None:
    alone = one("metric: accuracy, min: 0.85, target: 0.9").samples
    rules = policy(
        "metric: accuracy, min: 0.85, target: 0.9",
        "metric: recall, by: [s], require: {s: [a, b, c]}, min: 0.7",
        header=SINGLE,
    )
    first, second = plan(rules)
    assert first.samples is not None
    assert alone is not None
    assert first.samples > alone
    assert (first.slices, second.slices) == (1, 3)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("metric: cost_per_inference, max: 0.004, unit: USD", "standard deviation"),
        ("metric: relevance, min: 4, range: [1, 5]", "a quarter of their range"),
        ("metric: latency, quantile: 0.95, max: 0.8, unit: s", "97.50% of values"),
        ("metric: recall, min: 0.8, mode: guard, notice: 0.1", "the limit itself"),
        ("metric: model_size, max: 4, unit: GB, mode: exact", "compared plainly"),
        ("coverage: {dimension: task, min_samples: 100}", "100 examples in each slice"),
        ("metric: response_length, min: 20, max: 400", "--sd response_length=SD"),
        ("metric: accuracy, min: 0.8, max: 0.95", "from a true 0.8"),
        ("metric: f1, min: 0.8", "TP + FP + FN"),
        ("metric: macro_f1, min: 0.8", "give a pilot of macro_f1 (--from FILE)"),
        ("metric: bleu, min: 30", "add a `target`"),
        ("metric: csat, versus_baseline: {min_gain: 0.1}", "nobody has said"),
        ("metric: accuracy, versus_baseline: {max_drop: 0}", "allow a margin. With 200 a pass is"),
        ("metric: latency, quantile: 0.9, versus_baseline: {max_rise: 1}", "--about latency"),
        ("metric: latency, distribution: {direction: increase}", "--sd latency=40% of its mean"),
        ("metric: roc_auc, min: 0.8", "half of the examples positive"),
        (
            "disparity: recall, groups: [sex], min_ratio: 0.8",
            "two groups (name them with `require`)",
        ),
        (
            "experiment: {primary: {metric: task_completion, min_gain: 0.01}, min_days: 14}",
            "and at least 14 days",
        ),
        ("expr: \"metrics['accuracy'].lower > 0.8\"", "add the same question as a rule"),
        ("expr: \"metrics['accuracy'].value > 0.8\"", "without error control"),
    ],
)
def test_every_assumption_is_said(rule: str, said: str) -> None:
    assert said in one(rule, 200).message


def test_guard_is_planned_for_its_notice() -> None:
    guard = one("metric: recall, min: 0.8, mode: guard, notice: 0.1").samples
    assert guard is not None
    assert binomial.lower(round(0.8 * guard), guard, 0.05) >= 0.7


EVERY_KIND = (
    "metric: accuracy, min: 0.8, max: 0.95",
    "metric: cost_per_inference, max: 0.004, unit: USD",
    "metric: response_length, min: 20, max: 400",
    "metric: macro_f1, min: 0.6",
    "metric: ece, max: 0.05",
    "metric: csat, min: 4.1, target: 4.3",
    "metric: bleu, min: 30, target: 35",
    "metric: f1, versus_baseline: {max_drop: 0.02}",
    "metric: cost_per_success, unit: USD, versus_baseline: {max_rise_percent: 5}",
    "metric: latency, quantile: 0.95, versus_baseline: {max_rise_percent: 10}",
    "disparity: csat, groups: [sex], max_gap: 0.2",
    "metric: latency, distribution: {direction: either}",
    "experiment: {primary: {metric: task_completion, min_gain: 0.01}}",
    "metric: incidents_x, direction: lower, kind: count, max: 0.01",
)
_SPREADS = {
    "cost_per_inference": Spread(1.0, relative=True),
    "response_length": Spread(150.0),
    "macro_f1": Spread(0.5),
    "ece": Spread(0.4),
    "csat": Spread(1.2),
    "bleu": Spread(20.0),
    "cost_per_success": Spread(0.5, relative=True),
    "latency": Spread(0.5, relative=True),
}


@pytest.mark.parametrize("looks", ["single", "planned(2)", "anytime, n_plan: 1000"])
@pytest.mark.parametrize("rule", EVERY_KIND)
def test_every_kind_of_rule_has_a_number_once_its_spread_is_said(rule: str, looks: str) -> None:
    rules = policy(rule, header=f"defaults: {{looks: {looks}}}")
    known = given(_SPREADS, {})
    (found,) = plan(rules, 500, known)
    assert found.provable
    assert found.samples is not None, found.message
    assert found.at_n is not None
    assert found.needs == ()
    (more,) = plan(rules, 4 * found.samples, known)
    assert more.at_n is not None
    assert more.at_n["passes_from"] is not None
    assert more.at_n["fails_from"] is not None


STRICT = (
    "metric: accuracy, strict: true, min: 0.8",
    "metric: relevance, range: [1, 5], strict: true, min: 3.8",
    "metric: accuracy, strict: true, versus_baseline: {max_drop: 0.02}",
    "metric: accuracy, strict: true, versus_baseline: {max_drop_percent: 5}",
    "metric: faithfulness, strict: true, versus_baseline: {max_drop: 0.05}",
    "metric: relevance, range: [1, 5], strict: true, versus_baseline: {max_drop: 0.2}",
    "metric: relevance, range: [1, 5], strict: true, versus_baseline: {max_drop_percent: 5}",
    "metric: f1, strict: true, versus_baseline: {max_drop: 0.05}",
    "metric: latency, quantile: 0.95, strict: true, unit: s, versus_baseline: {max_rise: 0.2}",
)


@pytest.mark.parametrize("looks", ["single", "planned(2)", "anytime, n_plan: 1000"])
@pytest.mark.parametrize("rule", STRICT)
def test_what_strict_costs_is_said_before_the_data(rule: str, looks: str) -> None:
    header = f"defaults: {{looks: {looks}}}"
    known = given(_SPREADS, {"latency": 1.0}) if "latency" in rule else given({}, {})
    (found,) = plan(policy(rule, header=header), 500, known)
    (plain,) = plan(policy(rule.replace("strict: true, ", ""), header=header), 500, known)
    assert (found.provable, found.needs) == (True, ())
    assert found.samples is not None, found.message
    assert found.paired is None or found.paired <= found.samples
    if "anytime" not in looks:  # where bets at the first look may well beat a sequence for all
        assert plain.samples is not None
        assert found.samples >= plain.samples
        assert found.paired is None or found.paired >= (plain.paired or 0)
    assert found.at_n is not None
    assert found.at_n["fails_from"] is not None
    (more,) = plan(policy(rule, header=header), 4 * found.samples, known)
    assert more.at_n is not None
    assert more.at_n["passes_from"] is not None


@pytest.mark.parametrize(
    "rule",
    [
        "metric: nps, strict: true, min: 10",
        "metric: nps, strict: true, versus_baseline: {max_drop: 5}",
        "metric: roc_auc, strict: true, versus_baseline: {max_drop: 0.05}",
        "metric: response_length, strict: true, versus_baseline: {max_rise: 5}",
    ],
)
def test_what_strict_has_no_bound_for_can_never_be_proven(rule: str) -> None:
    """The engine leaves them open whatever the sample: a number would send people astray."""
    (found,) = plan(policy(rule, header=SINGLE), known=given(_SPREADS | {"nps": Spread(50.0)}, {}))
    assert not found.provable
    assert found.samples is None
    assert "`strict`" in found.message
    name = rule.split()[1].rstrip(",")
    values = tuple(0.1 + (i % 7) / 10 for i in range(400))
    labels = {"labels": tuple(float(i % 2) for i in range(400))} if name == "roc_auc" else {}
    sent = m(name, scores=values, ids=tuple(map(str, range(400))), **labels)
    assert only(judge(rule, sent, baseline=[sent])).outcome is Outcome.INCONCLUSIVE


def test_a_sample_beyond_what_is_imagined_draws_bounds_in_by_its_root() -> None:
    """Bets on 12,000 scores reach as far as those on 4,000 by the root of three, to 2%."""
    draw = strictly.mean(lambda _: 1.0, (1.0, 5.0))
    grown = draw(12_000, 4.0, 0.0)
    every = tuple(3.0 if i % 2 else 5.0 for i in range(12_000))
    whole = BettingMean(every, 1.0, 5.0)
    assert grown is not None
    assert grown.n == 12_000
    assert grown.value == pytest.approx(whole.value)
    for alpha in (0.05, 0.005):
        for side in ("lower", "upper"):
            reach = getattr(grown, side)(alpha, errors=False) - grown.value
            exact = getattr(whole, side)(alpha, errors=False) - whole.value
            assert reach == pytest.approx(exact, rel=0.02)
    assert grown.p_below(4.02) == pytest.approx(whole.p_below(4.02), rel=0.1)
    assert grown.p_above(3.98) == pytest.approx(whole.p_above(3.98), rel=0.1)


@pytest.mark.parametrize("rule", EVERY_KIND)
def test_what_is_not_known_is_asked_for_and_never_made_up(rule: str) -> None:
    found = one(rule)
    assert (found.samples is None) is bool(found.needs)
    if found.needs:
        assert "--" in found.message or "`" in found.message


def test_stated_spreads_must_be_spreads_of_the_policy() -> None:
    asked = metrics_of(policy("metric: latency_p95, max: 1, unit: s"))
    assert asked == {"latency"}
    assert given({"latency_p95": Spread(0.4, relative=True)}, {}, asked).sd["latency"].sd == 0.4
    with pytest.raises(ValueError, match="no rule plans with csat; the policy asks for latency"):
        given({"csat": Spread(1.0)}, {}, asked)
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="above 0"):
            given({"latency": Spread(wrong)}, {})
    with pytest.raises(ValueError, match="must be a number"):
        given({}, {"latency": float("nan")})


def test_a_pilot_says_what_a_mean_a_ratio_and_a_pair_vary_by() -> None:
    rules = policy(
        "metric: csat, min: 4.0, target: 4.2",
        "metric: macro_f1, min: 0.6, target: 0.7",
        "metric: accuracy, versus_baseline: {max_drop: 0.05}",
        header=SINGLE,
    )
    ids = tuple(f"e{i}" for i in range(200))
    right = tuple(float(i % 10 != 0) for i in range(200))
    other = tuple(float(i % 10 != 1) for i in range(200))
    sent = (
        m("csat", scores=tuple(3.0 + (i % 3) for i in range(60))),
        m("macro_f1", value=0.7, stderr=0.02, n=400),
        m("accuracy", scores=right, ids=ids),
    )
    pilot = submission(*sent, baseline=[m("accuracy", scores=other, ids=ids)])
    known = of_pilot(rules, pilot, AT)
    assert known.sd["csat"].sd == pytest.approx((2 / 3 * 60 / 59) ** 0.5)
    csat, f1, pair = plan(rules, known=known)
    assert "as in the pilot" in csat.message
    assert csat.needs == f1.needs == ()
    # One example's effective spread is stderr x sqrt n = 0.4: (z + z)^2 (0.4 / 0.1)^2.
    assert f1.samples == pytest.approx(9.5 * 16, rel=0.15)
    assert pair.paired is not None
    # A fifth of the pairs differ here, not a tenth.
    assert "differ as in the pilot" in pair.message
    assert pair.paired == pytest.approx(9.5 * 0.2 / 0.05**2, rel=0.25)
    with pytest.raises(ImpossibleEvidence):
        of_pilot(rules, submission(m("accuracy", count=3, n=2)), AT)


def test_clusters_of_a_pilot_cost_examples() -> None:
    rules = policy("metric: accuracy, min: 0.85, target: 0.9", header=SINGLE)
    clusters = tuple(f"c{i // 10}" for i in range(400))
    scores = tuple(float(i // 10 % 10 != 0) for i in range(400))
    known = of_pilot(rules, submission(m("accuracy", scores=scores, clusters=clusters)), AT)
    (clustered,), (separate,) = plan(rules, known=known), plan(rules)
    assert clustered.samples is not None
    assert separate.samples is not None
    # All ten answers of a cluster are alike: ten times as many examples, about.
    assert 7 * separate.samples < clustered.samples < 16 * separate.samples


SCORED = """defaults: {looks: single}
score: {weights: {quality: 1}, pass: 80, escalate: 40}"""


def test_the_score_is_planned_over_its_weighed_rules() -> None:
    *parts, score = plan(
        policy(
            "metric: accuracy, min: 0.8, target: 0.9, on_fail: weigh",
            "metric: recall, min: 0.8, target: 0.85, on_fail: weigh",
            header=SCORED,
        ),
        1000,
    )
    assert (score.gate, score.rule, score.provable) == ("score", "score", True)
    assert score.samples == max(part.samples or 0 for part in parts)
    assert "1,000 are enough" in score.message
    *_, lost = plan(
        policy(
            "metric: accuracy, min: 0.8, on_fail: weigh",
            "metric: precision, min: 1.0, on_fail: weigh",
            header=SCORED,
        )
    )
    assert not lost.provable
    assert "can reach 50 at most" in lost.message


@pytest.mark.parametrize("n", [1, 2, 20, 1_000_000])
@pytest.mark.parametrize("rule", EVERY_KIND)
def test_any_sample_size_has_an_answer(rule: str, n: int) -> None:
    (found,) = plan(policy(rule, header=SINGLE), n, given(_SPREADS, {}))
    assert found.message


def test_what_is_compared_plainly_takes_one_value_or_what_the_rule_asks() -> None:
    exact = "metric: cost_per_inference, max: 0.004, unit: USD, mode: exact"
    assert one(exact).message == (
        "quality/cost_per_inference: one value will do: it is compared plainly, without a sample."
    )
    accepted = "metric: ece, max: 0.05, accepts_point_estimate: no error is stated"
    assert one(accepted).message.endswith("one value will do: the policy accepts a value alone.")
    least = one(f"{accepted}, min_samples: 1000")
    assert least.message.endswith(": 1,000 examples will do: the policy accepts a value alone.")
