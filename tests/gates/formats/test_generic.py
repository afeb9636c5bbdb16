from pathlib import Path

import pytest

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


@pytest.mark.parametrize("text", ["{%s}", "{%s}\n", "[{%s}]", "{%s}\n{%s}"])
def test_one_line_of_json_lines_is_one_measurement(text):
    fields = '"metric": "accuracy", "count": 1826, "n": 2000, "task": "faq"'
    for m in read("rows.jsonl", text.replace("%s", fields).encode()).measurements:
        assert (m.metric, m.count, m.n, m.task) == ("accuracy", 1826, 2000, "faq")


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


@pytest.mark.parametrize("cell", ["91%", "0;9", "high", "1_000", "١", "0x10", "true1"])  # noqa: RUF001 - letters that look alike are what is tested
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
    for column in ("n", "support", "group_size"):
        error = refusal(f"language,accuracy,{column}\nen,0.9,500\nde,0.5,20\n".encode())
        assert error.slug == "unrecognised-format"
        assert f"`{column}`" in error.detail
    # With the name that Fairlearn gives it, each row is a group.
    groups = read("x", b"language,accuracy,count\nen,0.9,500\nde,0.5,20\n").measurements
    assert [(m.count, m.n) for m in groups] == [(450, 500), (10, 20)]


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
