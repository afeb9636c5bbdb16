import json

import pytest

from gates.formats import read
from tests.gates.formats.opened import content, found, of, of_value, opened, refusal, value

REPEAT = "promptfoo_errors_repeat.json"


def rows(*changes):
    base = value("promptfoo_0.121.json")["results"]["results"][0]
    return [base | change for change in changes]


def run(*changes, **results):
    root = value("promptfoo_0.121.json")
    root["results"] |= {"results": rows(*changes), "stats": {}, "prompts": []} | results
    return root


def test_errors_stand_apart_from_failures():
    m = of(REPEAT)[None, "pass_rate"]
    assert m.scores is not None
    assert (sum(m.scores), len(m.scores), m.n_errored) == (10, 20, 4)


def test_error_also_holds_the_reason_of_a_plain_failure():
    m = of_value(run({"failureReason": 1, "error": "expected", "success": False}))
    assert m[None, "pass_rate"].scores == (0.0,)
    assert m[None, "pass_rate"].n_errored == 0


def test_an_error_without_a_reason_code_is_told_by_its_missing_grading():
    m = of_value(run({"failureReason": None, "error": "boom", "gradingResult": None}))
    assert m[None, "pass_rate"].n_errored == 1


def test_repeats_of_a_test_share_a_cluster():
    m = of(REPEAT)[None, "pass_rate", ("prompt", "formal"), ("provider", "candidate-model")]
    assert m.clusters is not None
    assert (len(m.clusters), len(set(m.clusters))) == (6, 3)


def test_a_named_score_is_a_sum_in_the_file_and_a_mean_here():
    totals = value(REPEAT)["results"]["prompts"][0]["metrics"]["namedScores"]
    assert totals["relevance"] == 2
    assert set(of(REPEAT)[None, "relevance"].scores or ()) == {1.0}


@pytest.mark.parametrize(
    ("metrics", "mean"),
    [
        ({"namedScores": {"m": 4}, "namedScoresCount": {"m": 2}, "namedScoreWeights": {"m": 4}}, 1),
        ({"namedScores": {"m": 1}, "namedScoresCount": {"m": 2}}, 0.5),
    ],
)
def test_without_rows_a_named_score_is_divided_by_its_weights_else_its_count(metrics, mean):
    root = run(prompts=[{"provider": "p", "label": "l", "metrics": metrics}], results=[])
    m = of_value(root)[None, "m"]
    assert (m.value, m.n) == (mean, 2)


def test_without_rows_the_counts_of_tests_remain():
    metrics = {"testPassCount": 7, "testFailCount": 2, "testErrorCount": 1, "cost": 0.9}
    root = run(prompts=[{"provider": "p", "label": "l", "metrics": metrics}], results=[])
    m = of_value(root)
    assert (m[None, "pass_rate"].count, m[None, "pass_rate"].n) == (7, 9)
    assert m[None, "pass_rate"].n_errored == 1
    assert m[None, "cost_per_inference"].value == pytest.approx(0.1)


def test_weights_within_a_row_count():
    parts = [
        {"score": 1, "assertion": {"metric": "m", "weight": 3}},
        {"score": 0, "assertion": {"metric": "m"}},
        {"score": 0, "assertion": {"metric": "m", "weight": 0}},
    ]
    m = of_value(run({"gradingResult": {"componentResults": parts}}))
    assert m[None, "m"].scores == (0.75,)


def test_an_errored_row_is_missing_from_named_scores_and_is_counted_here():
    m = of(REPEAT)[None, "correctness"]
    assert (len(m.scores or ()), m.n_errored) == (12, 4)


def test_a_derived_metric_has_a_value_and_no_n():
    m = of("promptfoo_0.121.json")[None, "quality_index", ("prompt", "formal")]
    assert (m.value, m.n) == (1.0, None)


def test_cost_and_tokens_of_zero_are_unknown_and_left_out():
    m = of("promptfoo_0.121.json")
    assert not {"cost_per_inference", "tokens_per_request"} & {key[1] for key in m}
    cost = of(REPEAT)[None, "cost_per_inference"]
    assert (len(cost.scores or ()), cost.unit) == (8, "USD")


def test_a_cached_answer_has_no_latency():
    understood = found(read("x", json.dumps(run({"response": {"cached": True}})).encode()))
    assert (None, "latency") not in understood
    assert of("promptfoo_0.121.json")[None, "latency"].unit == "ms"


def test_in_a_red_team_success_means_defended():
    red = {"pluginId": "pii", "strategyId": "jailbreak", "severity": "high"}
    m = of_value(
        run(
            {"success": True, "failureReason": 0, "metadata": red},
            {"success": False, "failureReason": 1, "metadata": red | {"pluginId": "bola"}},
        )
    )
    assert sum(m[None, "attack_success_rate"].scores or ()) == 1
    assert m[None, "attack_success_rate", ("category", "pii")].scores == (0.0,)
    assert m[None, "attack_success_rate", ("category", "bola")].scores == (1.0,)
    assert (None, "attack_success_rate", ("strategy", "jailbreak")) in m
    assert (None, "pass_rate") not in m


def test_metadata_of_tests_are_slices():
    assert (None, "pass_rate", ("category", "geo")) in of("promptfoo_0.121.json")


def test_lines_say_the_same_as_json():
    one, two = of("promptfoo.jsonl"), of("promptfoo_0.121.json")
    assert opened("promptfoo.jsonl").format == "promptfoo"
    key = (None, "pass_rate")
    assert sorted(one[key].ids or ()) == sorted(two[key].ids or ())
    assert sum(one[key].scores or ()) == sum(two[key].scores or ())


def test_fewer_rows_than_the_summary_says_are_no_whole_run():
    root = run({}, stats={"successes": 5, "failures": 0, "errors": 0})
    m = of_value(root)[None, "pass_rate"]
    assert m.incomplete == "only 1 of 5 results are in the file"


def test_no_results_are_nothing_measured():
    assert refusal(run()).slug == "nothing-measured"


def test_its_table_is_told_what_to_send():
    assert "-o results.json" in refusal(content("promptfoo.csv")).detail


def test_no_answer_and_no_variable_stays_in_the_evidence():
    marks = str(of("promptfoo_0.121.json"))
    assert "capital of France" not in marks


@pytest.mark.parametrize("version", [1, 2, 4, None])
def test_results_of_another_version_are_refused_with_what_to_do(version):
    results = {"version": version, "stats": {}, "table": {"head": {}, "body": []}}
    for root in ({"evalId": "e", "results": results}, {"results": results, "config": {}}):
        error = refusal(root)
        assert error.slug == "unsupported-version"
        assert "promptfoo export eval" in error.detail


def test_the_order_of_rows_says_nothing():
    root = value(REPEAT)
    root["results"]["results"].reverse()
    one, two = (m[None, "pass_rate"] for m in (of(REPEAT), of_value(root)))
    assert one.source is not None
    assert two.source is not None
    assert one.source.prompt_set_digest == two.source.prompt_set_digest
    assert sorted(one.clusters or ()) == sorted(two.clusters or ())


def test_tokens_of_graders_stand_apart():
    use = {"total": 300, "assertions": {"total": 9000}}
    metrics = {"testPassCount": 3, "testFailCount": 0, "tokenUsage": use}
    root = run(prompts=[{"provider": "p", "label": "l", "metrics": metrics}], results=[])
    m = of_value(root)[None, "tokens_per_request"]
    assert (m.value, m.n) == (100.0, 3)
