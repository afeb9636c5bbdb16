import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gates.evidence import Exceed
from gates.formats import FormatError, read, read_json

DATA = Path(__file__).parents[2] / "data" / "formats"


def csv(text):
    return read("table.csv", text.encode()).measurements


def refusal(content, **options):
    reader = read if isinstance(content, bytes) else read_json
    with pytest.raises(FormatError) as caught:
        reader("file", content, **options)
    return caught.value


# One measurement a row


def test_a_long_table_is_one_measurement_a_row():
    found = csv(
        "metric,value,n,count,stderr,task,slice.language,slice_tier,n_errored,unit,tool\n"
        "accuracy,0.913,2000,,,faq,,,,,promptfoo\n"
        "attack_success_rate,,1000,12,,,de,gold,3,,\n"
        "relevance,4.12,300,,0.05,,,,,points,\n"
    )
    first, second, third = found
    assert (first.metric, first.value, first.n, first.task) == ("accuracy", 0.913, 2000, "faq")
    assert (first.slice, first.errors_stated, first.count) == ((), False, None)
    assert first.source is not None
    assert first.source.tool == "promptfoo"
    assert (second.count, second.n, second.value) == (12, 1000, None)
    assert second.slice == (("language", "de"), ("tier", "gold"))
    assert (second.n_errored, second.errors_stated) == (3, True)
    assert (third.stderr, third.unit) == (0.05, "points")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_usual_separators_are_understood(separator):
    text = "metric,value,n\nf1,0.5,10\n".replace(",", separator)
    assert [(m.metric, m.value, m.n) for m in csv(text)] == [("f1", 0.5, 10)]


def test_metric_and_score_columns_alone_have_no_n():
    (m,) = csv("metric,score\nfaithfulness,0.9\n")
    assert (m.metric, m.value, m.n, m.stderr) == ("faithfulness", 0.9, None, None)


@pytest.mark.parametrize(
    "cell", ["", " ", "N/A", "nan", "NaN", "null", "-inf", "1e999", "1e301", "-"]
)
def test_a_value_that_is_none_is_missing(cell):
    (m, _) = csv(f"metric,value,n\naccuracy,{cell},10\nf1,0.5,10\n")
    assert (m.value, m.missing, m.n) == (None, "not_a_number", 10)


@pytest.mark.parametrize("cell", ["91%", "0;9", "high", "1_000", "١", "0x10", "true1"])  # noqa: RUF001
def test_a_value_that_is_text_is_refused_with_its_row(cell):
    error = refusal(f"metric,value\naccuracy,{cell}\n".encode())
    assert error.slug == "malformed-file"
    assert "data row 1: value" in error.detail


def test_a_count_needs_n_and_must_be_what_the_value_says():
    assert "of how many" in refusal(b"metric,count\nasr,3\n").detail
    (agrees,) = csv("metric,value,count,n\nasr,0.33,1,3\n")
    assert (agrees.count, agrees.n, agrees.value) == (1, 3, None)
    assert "is not 2 of 3" in refusal(b"metric,value,count,n\nasr,0.33,2,3\n").detail
    (percent,) = csv("metric,value,count,n,unit\nasr,33.3,1,3,percent\n")
    assert (percent.count, percent.unit) == (1, None)
    (f1,) = csv("metric,value,count,n\nf1,0.5,1,3\n")
    assert (f1.count, f1.n) == (1, 3)
    assert refusal(b"metric,count,n\nasr,4,3\n").slug == "impossible-value"
    assert refusal(b"metric,value,n\nasr,0.5,-3\n").slug == "impossible-value"
    assert "whole number" in refusal(b"metric,value,n\nasr,0.5,2.5\n").detail


def test_a_count_beside_a_value_that_is_nan_stays_missing():
    (m,) = csv("metric,value,count,n\nasr,NaN,1,3\n")
    assert (m.count, m.missing) == (None, "not_a_number")


def test_interval_columns_make_a_confidence_interval():
    (m,) = csv("metric,value,n,ci_lower,ci_upper,confidence\nf1,0.5,10,0.4,0.6,0.95\n")
    assert (m.ci, m.confidence) == ((0.4, 0.6), 0.95)
    error = refusal(b"metric,value,ci_lower,ci_upper\nf1,0.5,0.7,0.6\n")
    assert "ci is not" in error.detail


def test_rows_that_only_an_unread_column_tells_apart_are_refused():
    error = refusal(b"metric,value,language\naccuracy,0.9,en\naccuracy,0.5,de\n")
    assert "'slice.language'" in error.detail
    understood = read("t", b"metric,value,language\naccuracy,0.9,en\nf1,0.5,de\n")
    assert any("language" in note for note in understood.notes)


def test_the_model_is_taken_where_all_rows_agree():
    assert read("t", b"model,metric,value\nm1,a,1\nm1,b,1\n").model == "m1"
    assert read("t", b"model,metric,value\nm1,a,1\nm2,b,1\n").model is None


# One example a row


def test_a_column_of_numbers_is_a_metric_with_its_scores_and_ids():
    (m, safe) = csv("id,question,correct,safe\nq1,hi,1,true\nq2,you,0,False\n")
    assert (m.metric, m.scores, m.ids, m.n_errored) == ("correct", (1.0, 0.0), ("q1", "q2"), 0)
    assert (safe.scores, safe.errors_stated, safe.clusters) == ((1.0, 0.0), True, None)


def test_an_empty_cell_is_an_errored_example_whose_id_goes_with_it():
    for content in (
        b"id,score\na,1\nb,\nc,NaN\nd,0\n",
        b'[{"id":"a","score":1},{"id":"b"},{"id":"c","score":NaN},{"id":"d","score":0}]',
        b'{"id":"a","score":1}\n{"id":"b"}\n{"id":"c","score":"N/A"}\n{"id":"d","score":0}',
    ):
        (m,) = read("file", content).measurements
        assert (m.scores, m.ids, m.n_errored) == ((1.0, 0.0), ("a", "d"), 2)


def test_a_judge_that_failed_on_half_of_the_samples_stays_visible():
    for name in ("ragas.csv", "ragas_scores.json"):
        found = {m.metric: m for m in read(name, (DATA / name).read_bytes()).measurements}
        assert (found["faithfulness"].scores, found["faithfulness"].n_errored) == ((0.9,), 1)
        assert found["exact_match"].n_errored == 0


def test_a_metric_that_errored_everywhere_is_still_there():
    (a, b) = read_json("r", [{"a": 1, "b": float("nan")}, {"a": 0, "b": None}]).measurements
    assert (b.metric, b.scores, b.n_errored) == ("b", (), 2)
    assert a.n_errored == 0


def test_in_a_single_column_an_empty_line_is_a_lost_score():
    (m,) = csv("score\n1\n\n0\n\n")
    assert (m.scores, m.n_errored) == ((1.0, 0.0), 1)
    (quoted,) = csv('score\n1\n""\n')
    assert (quoted.scores, quoted.n_errored) == ((1.0,), 1)


def test_slices_stand_beside_the_whole():
    found = csv("id,ok,slice.lang,slice_tier\n1,1,de,a\n2,0,de,\n3,,fr,a\n")
    assert [(m.slice, m.scores, m.ids, m.n_errored) for m in found] == [
        ((), (1.0, 0.0), ("1", "2"), 1),
        ((("lang", "de"),), (1.0, 0.0), ("1", "2"), 0),
        ((("lang", "fr"),), (), (), 1),
        ((("tier", "a"),), (1.0,), ("1",), 1),
    ]


def test_a_task_column_keeps_test_sets_apart():
    found = csv("task,ok,slice.lang\nx,1,de\ny,0,de\nx,0,de\n")
    assert [(m.task, m.slice, m.scores) for m in found] == [
        ("x", (), (1.0, 0.0)),
        ("x", (("lang", "de"),), (1.0, 0.0)),
        ("y", (), (0.0,)),
        ("y", (("lang", "de"),), (0.0,)),
    ]


def test_clusters_are_taken_and_repeated_ids_are_clusters():
    (m,) = csv("id,cluster,ok\na,d1,1\nb,d1,0\n")
    assert (m.ids, m.clusters) == (("a", "b"), ("d1", "d1"))
    understood = read("t.csv", b"id,ok\na,1\na,0\nb,\n")
    (m,) = understood.measurements
    assert (m.ids, m.clusters, m.n_errored) == (None, ("a", "a"), 1)
    assert any("repeat" in note for note in understood.notes)
    assert "has no cluster" in refusal(b"id,cluster,ok\na,d1,1\nb,,0\n").detail
    assert "has no id" in refusal(b"id,ok\na,1\n,0\n").detail


def test_a_column_with_a_stray_text_is_no_metric_and_a_note_says_so():
    understood = read("t.csv", b"a,b\n1,1\n0,ERROR\n")
    assert [m.metric for m in understood.measurements] == ["a"]
    assert any("b" in note for note in understood.notes)


def test_row_numbers_saved_by_pandas_are_no_metric():
    assert [m.metric for m in csv(",Unnamed: 0,index,ok\n0,0,0,1\n1,1,1,0\n")] == ["ok"]


def test_rows_that_stand_for_many_examples_are_not_taken_for_one_each():
    for column in ("n", "count", "support", "group_size"):
        error = refusal(f"language,accuracy,{column}\nen,0.9,500\nde,0.5,20\n".encode())
        assert error.slug == "unrecognised-format"
        assert f"`{column}`" in error.detail


def test_a_slice_column_of_ids_is_refused():
    rows = "\n".join(f"{i},1" for i in range(1_001))
    error = refusal(f"slice.user,ok\n{rows}\n".encode())
    assert error.slug == "file-too-large"
    assert "slice.user" in error.detail


# Broken tables


@pytest.mark.parametrize(
    ("text", "slug", "says"),
    [
        ("metric,value\naccuracy\n", "malformed-file", "line 2 has 1 cells"),
        ("metric,value\naccuracy,1,2\n", "malformed-file", "line 2 has 3 cells"),
        ("metric,value,value\naccuracy,1,2\n", "malformed-file", "'value' twice"),
        ('metric,value\n"accuracy,1\n', "malformed-file", "not CSV"),
        ("metric,value\n" + "x" * 200_000 + ",1\n", "malformed-file", "field larger"),
        ("metric,value\n", "nothing-measured", "no rows"),
        ("a,b\n", "unrecognised-format", "without rows"),
        ("a,b\nx,y\n", "unrecognised-format", "no column of numbers"),
        ("metric,message\nx,1\n", "unrecognised-format", "`metric` without"),
        (",".join(f"c{i}" for i in range(2_001)) + "\n", "file-too-large", "columns"),
    ],
)
def test_a_broken_table_is_refused(text, slug, says):
    error = refusal(text.encode())
    assert error.slug == slug
    assert says in error.detail


def test_cells_and_rows_are_bounded():
    wide = ",".join(f"c{i}" for i in range(1_000)) + "\n"
    assert refusal((wide + ("1," * 999 + "1\n") * 5_001).encode()).slug == "file-too-large"
    sparse = [{f"k{i}": 1} for i in range(2_001)]
    assert refusal(sparse).slug == "file-too-large"
    assert refusal(b"metric,value\n" + b"m,1\n" * 50_001).slug == "file-too-large"


def test_a_hundred_thousand_examples_are_read():
    (m,) = csv("ok\n" + "1\n" * 100_000)
    assert m.scores is not None
    assert len(m.scores) == 100_000


# Flat JSON and our own words


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
    assert {found[name].n for name in ("f1", "precision", "loss", "runtime", "epoch")} == {None}
    assert "samples" not in found
    assert found["accuracy"].source is not None
    assert found["accuracy"].source.tool == "transformers"


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
