from typing import Any

import pytest

from tests.gates.formats.opened import found, of, of_value, opened, refusal, value

SNAPSHOT = "evidently_snapshot.json"
Metric = tuple[str, Any, dict[str, Any]]


def snapshot(*metrics):
    """Metrics as (type, value, config)."""
    return {
        "metrics": [
            {
                "metric_name": kind,
                "config": {"type": f"evidently:metric_v2:{kind}", **config},
                "value": v,
            }
            for kind, v, config in metrics
        ],
        "tests": [],
    }


def test_a_snapshot_gives_drift_quality_and_gaps():
    m = found(opened(SNAPSHOT, "evidently"))
    assert m[None, "drift_share"].value == pytest.approx(1 / 3)
    assert m[None, "accuracy"].value == pytest.approx(0.7866666)
    assert m[None, "missing_value_share", ("column", "age")].value == 0.0
    assert m[None, "recall", ("class", "0")].value == pytest.approx(0.7215, abs=1e-4)


def test_the_direction_of_drift_is_that_of_its_method():
    m = of_value(
        snapshot(
            ("ValueDrift", 0.01, {"column": "a", "method": "K-S p_value"}),
            ("ValueDrift", 0.3, {"column": "a", "method": "PSI"}),
            ("ValueDrift", 0.2, {"column": "a", "method": "Wasserstein distance (normed)"}),
            ("ValueDrift", 0.1, {"column": "a", "method": "My-Own"}),
        )
    )
    assert m[None, "drift_p_value", ("column", "a")].direction == "higher"
    assert m[None, "psi", ("column", "a")].direction == "lower"
    assert m[None, "wasserstein", ("column", "a")].direction == "lower"
    # Of a method of one's own nobody can say which end is drift.
    assert m[None, "drift_my_own", ("column", "a")].direction is None


@pytest.mark.parametrize(
    "method",
    [
        *("K-S p_value", "Z-test p_value", "chi-square p_value", "t_test", "g_test", "ks", "z"),
        *("Anderson-Darling", "Cramer-von Mises", "Epps-Singleton", "Fisher's Exact test"),
        *("Mann-Whitney U-rank test", "empirical_mmd"),
    ],
)
def test_tests_that_do_not_say_so_give_p_values_all_the_same(method):
    m = of_value(snapshot(("ValueDrift", 0.01, {"column": "a", "method": method})))
    assert m[None, "drift_p_value", ("column", "a")].direction == "higher"


@pytest.mark.parametrize(
    "method",
    [
        *("Hellinger distance", "Kullback-Leibler divergence", "Total-Variation-Distance"),
        *("Energy-distance", "Percentile text content drift", "Absolute text content drift"),
    ],
)
def test_distances_are_better_when_small(method):
    (m,) = of_value(snapshot(("ValueDrift", 0.01, {"column": "a", "method": method}))).values()
    assert m.direction == "lower"
    assert m.metric != "drift_p_value"


def test_missing_values_of_all_columns_are_a_share_of_cells_never_more_than_one():
    gaps: Metric = ("DatasetMissingValueCount", {"count": 100, "share": 2.0}, {})
    m = of_value(snapshot(gaps))
    assert m[None, "missing_values_per_row"].value == 2.0
    counts: tuple[Metric, ...] = (("RowCount", 50, {}), ("ColumnCount", 10, {}))
    typed: Metric = ("ColumnCount", 3, {"column_type": "num"})
    m = of_value(snapshot(typed, *counts, gaps))
    assert (m[None, "missing_value_share"].count, m[None, "missing_value_share"].n) == (100, 500)


def test_n_comes_only_from_row_count():
    quality: tuple[str, float, dict[str, str]] = ("Accuracy", 0.8, {})
    gaps = ("MissingValueCount", {"count": 3, "share": 0.06}, {"column": "a"})
    assert of_value(snapshot(quality))[None, "accuracy"].n is None
    m = of_value(snapshot(("RowCount", 50, {}), quality, gaps))
    assert m[None, "accuracy"].n == 50
    share = m[None, "missing_value_share", ("column", "a")]
    assert (share.count, share.n) == (3, 50)
    assert (None, "row_count") not in m


def test_precision_is_not_given_the_number_of_rows():
    m = of_value(snapshot(("RowCount", 50, {}), ("Precision", 0.8, {})))
    assert m[None, "precision"].n is None


def test_a_metric_that_stands_twice_for_its_tests_is_read_once():
    understood = opened(SNAPSHOT)
    assert len([m for m in understood.measurements if m.metric == "accuracy"]) == 1
    assert any("twice" in note for note in understood.notes)


def test_two_names_of_one_metric_are_read_once():
    names = [m.metric for m in opened(SNAPSHOT).measurements if not m.slice]
    assert "recall" in names
    assert "true_positive_rate" not in names


def test_a_failed_test_of_evidently_is_no_verdict():
    root = value(SNAPSHOT)
    for test in root["tests"]:
        test["status"] = "FAIL"
    assert of_value(root).keys() == of(SNAPSHOT).keys()


def test_the_printed_name_is_no_key():
    root = value(SNAPSHOT)
    for metric in root["metrics"]:
        metric["metric_name"] = "renamed"
    assert of_value(root).keys() == of(SNAPSHOT).keys()


def test_a_dump_says_the_same_with_model_and_no_zoneless_time():
    understood = opened("evidently_dump_dict.json", "evidently")
    assert understood.model == "candidate-1"
    assert understood.measured_at is None
    both = found(understood), of(SNAPSHOT)
    assert both[0].keys() == both[1].keys()
    assert all(both[0][key].value == both[1][key].value for key in both[0])


def test_shares_of_values_have_counts():
    m = of("evidently_summary.json")
    share = m[None, "value_share", ("column", "region"), ("value", "b")]
    assert (share.count, share.n) == (84, 150)
    assert (m[None, "duplicate_share"].count, m[None, "duplicate_share"].n) == (0, 150)


def test_legacy_reports_and_suites():
    drift = {
        "metric": "DataDriftTable",
        "result": {
            "share_of_drifted_columns": 0.5,
            "drift_by_columns": {"age": {"stattest_name": "K-S p_value", "drift_score": 0.2}},
        },
    }
    quality = {"metric": "ClassificationQualityMetric", "result": {"current": {"accuracy": 0.9}}}
    m = of_value({"metrics": [drift, quality], "timestamp": "x"})
    assert m[None, "drift_share"].value == 0.5
    assert m[None, "drift_p_value", ("column", "age")].value == 0.2
    assert m[None, "accuracy"].value == 0.9
    tests = [{"status": s} for s in ("SUCCESS", "FAIL", "ERROR", "SKIPPED")]
    rate = of_value({"tests": tests, "summary": {"total_tests": 4}})[None, "pass_rate"]
    assert (rate.count, rate.n, rate.n_errored) == (1, 2, 1)


def test_a_legacy_report_of_unknown_metrics_says_what_to_do():
    error = refusal({"metrics": [{"metric": "Other", "result": {}}], "timestamp": "x"})
    assert error.slug == "nothing-measured"
    assert "0.7" in error.detail


def test_errors_of_regression_are_a_mean_with_its_standard_error_and_no_classes():
    errors: tuple[Metric, ...] = (
        ("RowCount", 400, {}),
        ("MAE", {"mean": 0.5, "std": 0.2}, {}),
        ("MeanError", {"mean": -0.1, "std": 0.4}, {}),
        ("MAPE", {"mean": 12.5, "std": 0.03}, {}),
    )
    m = of_value(snapshot(*errors))
    mae = m[None, "mae"]
    assert (mae.value, mae.n, mae.stderr) == (0.5, 400, pytest.approx(0.01))
    assert m[None, "mean_error"].stderr == pytest.approx(0.02)
    mape = m[None, "mape"]
    assert (mape.value, mape.stderr) == (0.125, None)
    assert not any(len(key) > 2 for key in m)


def test_metrics_of_a_later_version_are_refused_with_what_to_do():
    later = {"metrics": [{"config": {"type": "evidently:metric_v3:RowCount"}, "value": 3}]}
    error = refusal(later)
    assert error.slug == "unsupported-version"
    assert "Evidently 0.7, or update Clearance" in error.detail
