import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gates.evidence import Exceed
from gates.formats import FormatError, read, read_json

DATA = Path(__file__).parents[2] / "data" / "formats"


def refusal(content, **options):
    reader = read if isinstance(content, bytes) else read_json
    with pytest.raises(FormatError) as caught:
        reader("file", content, **options)
    return caught.value


def test_flat_numbers_are_values_without_n():
    found = read_json("f", {"accuracy": 0.9, "latency_ms": 412, "drift": None, "x": "N/A"})
    assert [(m.metric, m.value, m.n, m.unit, m.missing) for m in found.measurements] == [
        ("accuracy", 0.9, None, None, None),
        ("latency_ms", 412.0, None, None, None),
        ("drift", None, None, None, "not_a_number"),
        ("x", None, None, None, "not_a_number"),
    ]


def test_what_is_no_number_is_noted_and_what_is_nested_is_refused():
    understood = read_json("f", {"accuracy": 0.9, "passed": True, "commit": "abc"})
    assert [m.metric for m in understood.measurements] == ["accuracy"]
    assert sum("not read" in note for note in understood.notes) == 2
    for value in ({"accuracy": {"mean": 0.9}}, {"accuracy": [0.9]}, {"commit": "abc"}, {}):
        assert refusal(value).slug == "unrecognised-format"


def test_the_trainer_states_n_for_shares_of_examples_only():
    understood = read_json(
        "eval_results.json",
        {
            "epoch": 3.0,
            "eval_accuracy": 0.91,
            "eval_f1": 0.88,
            "eval_precision": 0.9,
            "eval_loss": 0.31,
            "eval_runtime": 12.5,
            "eval_samples": 872,
        },
    )
    found = {m.metric: m for m in understood.measurements}
    assert (found["accuracy"].value, found["accuracy"].n) == (0.91, 872)
    assert {found[name].n for name in ("f1", "precision", "loss")} == {None}
    assert "samples" not in found
    assert found["accuracy"].source is not None
    assert found["accuracy"].source.tool == "transformers"


def test_what_the_trainer_writes_beside_the_metrics_is_no_metric():
    beside = {"epoch": 3.0, "total_flos": 1e9, "train_loss": 0.2, "train_samples": 10}
    # A step a second is no share of the examples.
    beside |= {"eval_runtime": 9.0, "eval_steps_per_second": 0.9, "eval_samples_per_second": 11.0}
    understood = read_json("all_results.json", beside | {"eval_accuracy": 0.5, "eval_samples": 8})
    assert [m.metric for m in understood.measurements] == ["accuracy"]


def test_the_score_of_mlflow_repeats_its_accuracy():
    root = {"example_count": 150, "score": 0.97, "accuracy_score": 0.97}
    assert [m.metric for m in read_json("metrics.json", root).measurements] == ["accuracy_score"]
    assert read_json("f", {"score": 0.97}).measurements[0].metric == "score"


def test_a_trainer_prefix_stays_where_the_bare_name_is_taken():
    found = read_json("f", {"eval_accuracy": 0.5, "accuracy": 0.9, "eval_samples": 10})
    assert [(m.metric, m.value) for m in found.measurements] == [
        ("eval_accuracy", 0.5),
        ("accuracy", 0.9),
    ]


def test_evaluate_and_mlflow_files_are_flat():
    understood = read_json(
        "f", {"accuracy": 0.9, "_evaluate_version": "0.4.6", "_timestamp": "2026-05-30T22:09:11"}
    )
    assert [m.metric for m in understood.measurements] == ["accuracy"]
    assert (understood.tool_version, understood.measured_at) == ("0.4.6", None)
    mlflow = read("metrics.json", (DATA / "mlflow_metrics.json").read_bytes())
    found = {m.metric: m.n for m in mlflow.measurements}
    assert found["accuracy_score"] == 150
    assert {found[name] for name in ("precision_score", "f1_score", "roc_auc", "log_loss")} == {
        None
    }
    assert "example_count" not in found


def test_sample_sizes_must_be_numbers_and_agree():
    assert "contradict" in refusal({"accuracy": 0.9, "n": 10, "eval_samples": 20}).detail
    assert "whole number" in refusal({"accuracy": 0.9, "n": 10.5}).detail


def test_metrics_may_be_measurement_objects():
    (m,) = read_json("f", {"accuracy": {"value": 0.9, "n": 500}}).measurements
    assert (m.metric, m.value, m.n) == ("accuracy", 0.9, 500)
    error = refusal({"accuracy": {"value": 0.9, "N": 500}})
    assert error.slug == "unrecognised-format"
    assert "'N'" in error.detail


def test_our_own_measurements_are_read_whole():
    content = {
        "model": "support-bot",
        "measured_at": "2026-11-20T10:00:00Z",
        "measurements": [
            {"metric": "asr", "count": 12, "n": 1000, "n_errored": 3, "slice": {"b": "x", "a": 1}},
            {
                "metric": "faithfulness",
                "scores": [0.9, None, True],
                "ids": ["q1", "q2", "q3"],
                "clusters": ["d1", "d1", "d2"],
            },
            {"metric": "latency", "exceed": {"limit": 0.8, "count": 31}, "n": 1000, "unit": "s"},
            {
                "metric": "latency_p95",
                "value": 0.71,
                "ci": [0.66, 0.78],
                "confidence": 0.95,
                "direction": "lower",
                "source": {"tool": "k6", "dataset": {"name": "d", "digest": "sha256:0"}},
            },
        ],
    }
    understood = read_json("f", content)
    asr, faithfulness, latency, p95 = understood.measurements
    assert (asr.count, asr.n_errored, asr.slice) == (12, 3, (("a", "1"), ("b", "x")))
    assert (faithfulness.scores, faithfulness.ids) == ((0.9, 1.0), ("q1", "q3"))
    assert (faithfulness.clusters, faithfulness.n_errored) == (("d1", "d2"), 1)
    assert (latency.exceed, latency.n, latency.unit) == (Exceed(0.8, 31), 1000, "s")
    assert (p95.ci, p95.direction) == ((0.66, 0.78), "lower")
    assert p95.source is not None
    assert (p95.source.tool, p95.source.dataset_digest) == ("k6", "sha256:0")
    assert understood.model == "support-bot"
    assert understood.measured_at == datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "entry",
    [
        {"value": 1},
        {"metric": "m", "value": 1, "scores": [1]},
        {"metric": "m", "count": 1, "n": 2, "exceed": {"limit": 1, "count": 1}},
        {"metric": "m", "value": True},
        {"metric": "m", "value": 1, "extra": 1},
        {"metric": "m", "value": 1, "slice": {"a": {}}},
        {"metric": "m", "value": 1, "slice": "de"},
        {"metric": "m", "value": 1, "direction": "up"},
        {"metric": "m", "value": 1, "source": {"who": "me"}},
        {"metric": "m", "value": 1, "ci": [1]},
        {"metric": "m", "exceed": {"limit": 1, "count": 1}},
        {"metric": "m", "scores": [1, 0], "ids": ["a"]},
        {"metric": "m", "scores": [1, 0], "n": 5},
        {"metric": "m", "scores": [1, "high"]},
        {"metric": 3, "value": 1},
        "accuracy",
    ],
)
def test_a_measurement_that_says_two_things_or_nothing_is_refused(entry):
    error = refusal({"measurements": [entry]})
    assert error.slug == "malformed-file"
    assert "/measurements/0" in error.detail


def test_beside_measurements_nothing_unknown_and_no_empty_list():
    assert refusal({"measurements": [{"metric": "m", "value": 1}], "x": 1}).slug == "malformed-file"
    assert refusal({"measurements": []}).slug == "nothing-measured"
    assert (
        "zone"
        in refusal(
            {"measurements": [{"metric": "m", "value": 1}], "measured_at": "2026-11-20T10:00:00"}
        ).detail
    )


def test_rows_of_measurement_objects_may_hold_nested_parts():
    content = json.dumps([{"metric": "a", "value": 0.5, "n": 4, "slice": {"lang": "de"}}]).encode()
    (m,) = read("rows.json", content).measurements
    assert m.slice == (("lang", "de"),)
