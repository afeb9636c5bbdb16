from math import sqrt

import pytest

from tests.gates.formats.opened import content, found, of, of_value, opened, refusal, value


def logged(**metrics):
    root = value("mlflow_run.json")
    root["run"]["data"]["metrics"] = [{"key": k, "value": v} for k, v in metrics.items()]
    return root


def test_a_run_gives_its_metrics_with_n_where_n_is_the_denominator():
    understood = opened("mlflow_run.json", "mlflow")
    m = found(understood)
    assert (m[None, "accuracy_score"].value, m[None, "accuracy_score"].n) == (
        0.9733333333333334,
        150,
    )
    assert m[None, "roc_auc"].n is None
    assert (None, "example_count") not in m
    assert understood.model == "m-a8dd6216521344f09ee642303a16a848"
    assert understood.measured_at is not None
    source = m[None, "roc_auc"].source
    assert source is not None
    assert (source.dataset_name, source.dataset_digest) == ("dataset", "8f9eb48c")
    assert source.run_id == "461486b1b17945599ab11dbd2fb45205"


@pytest.mark.parametrize("metric", ["nan_metric", "inf_metric"])
def test_nan_as_text_and_a_clipped_infinity_are_missing(metric):
    m = of("mlflow_run.json")[None, metric]
    assert (m.value, m.missing) == (None, "not_a_number")


def test_score_repeats_the_accuracy():
    assert (None, "score") not in of("mlflow_run.json")
    assert of_value(logged(score=0.5))[None, "score"].value == 0.5


def test_params_and_tags_may_be_absent():
    root = value("mlflow_run.json")
    del root["run"]["data"]["params"], root["run"]["data"]["tags"]
    assert of_value(root)


def test_a_scorer_of_genai_has_no_n_unless_its_variance_is_logged():
    m = of("mlflow_genai_run.json")
    assert (m[None, "verdict"].value, m[None, "verdict"].n) == (0.3333333333333333, None)
    run = logged(**{"tone/mean": 0.5, "tone/variance": 0.25, "example_count": 100})
    spread = of_value(run)[None, "tone"]
    assert (spread.n, spread.stderr) == (100, sqrt(0.25 / 100))


@pytest.mark.parametrize("status", ["RUNNING", "FAILED", "KILLED", None])
def test_a_run_that_did_not_finish_is_incomplete(status):
    root = value("mlflow_run.json")
    root["run"]["info"]["status"] = status
    assert all("status" in (m.incomplete or "") for m in of_value(root).values())


def test_a_search_is_read_where_it_found_one_run():
    root = value("mlflow_search.json")
    detail = refusal(root).detail
    assert "2 runs" in detail
    # Each is named, and so is the way to send one of them.
    assert "58642c3f737543268f340cd890310f34 (intrigued-midge-439)" in detail
    assert "461486b1b17945599ab11dbd2fb45205 (classic)" in detail
    assert "attributes.run_id = '…'" in detail
    many = refusal(root | {"runs": root["runs"] * 4}).detail
    assert "8 runs" in many
    assert many.count("classic") == 2
    assert "and 3 more" in many
    assert of_value(root | {"runs": root["runs"][:1]})


def test_a_run_without_metrics_and_a_history_are_refused():
    assert refusal(logged()).slug == "nothing-measured"
    assert "runs/get" in refusal(content("mlflow_history.json")).detail


def test_the_table_gives_scores_by_what_was_asked():
    m = found(opened("mlflow_table.json", "mlflow-table"))
    assert m[None, "verdict"].scores == (1.0, 0.0, 0.0)
    assert sum(m[None, "exact"].scores or ()) == 2
    assert (None, "expected_response") not in m
    other = value("mlflow_table.json")
    for row in other:
        row["trace_id"] = "tr-other"
    assert of_value(other)[None, "exact"].ids == m[None, "exact"].ids


def test_a_trace_that_failed_is_an_error():
    rows = value("mlflow_table.json")
    rows[0]["state"] = "ERROR"
    m = of_value(rows)[None, "verdict"]
    assert (m.scores, m.n_errored) == ((0.0, 0.0), 1)


def test_a_trace_says_how_long_it_took_and_what_it_cost():
    rows = value("mlflow_table.json")
    for number, row in enumerate(rows):
        row["execution_duration"] = 100 + number
        row["trace_metadata"] = {
            "mlflow.trace.tokenUsage": '{"output_tokens": 2, "total_tokens": 10}',
            "mlflow.trace.cost": '{"total_cost": 0.002}' if number else "no JSON",
        }
    rows[2]["state"] = "ERROR"
    m = of_value(rows)
    assert (m[None, "latency"].scores, m[None, "latency"].unit) == ((100.0, 101.0), "ms")
    assert m[None, "tokens_per_request"].scores == (10.0, 10.0)
    cost = m[None, "cost_per_inference"]
    assert (cost.scores, cost.unit) == ((0.002,), "USD")
    assert set(cost.ids or ()) <= set(m[None, "latency"].ids or ())
