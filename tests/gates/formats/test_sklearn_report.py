import json
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import classification_report

from gates.formats import FormatError, read, read_json

DATA = Path(__file__).parents[2] / "data" / "formats"


def load(name):
    return json.loads((DATA / f"{name}.json").read_text())


def found(report):
    return {(m.metric, dict(m.slice).get("class")): m for m in read_json("r", report).measurements}


def counts(m):
    return m.count, m.n


def test_counts_of_a_real_report_are_recovered():
    rows = found(load("sklearn_report"))
    assert counts(rows["recall", "dog"]) == (2, 3)
    assert counts(rows["precision", "bird"]) == (3, 4)
    assert counts(rows["f1", "bird"]) == (3, 5)
    assert counts(rows["accuracy", None]) == (8, 10)
    assert rows["accuracy", None].direction == "higher"
    assert not rows["accuracy", None].errors_stated


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, 400), min_size=3, max_size=3), min_size=3, max_size=3))
def test_recovered_counts_are_the_true_ones_at_full_precision(matrix):
    assume(all(sum(row) for row in matrix))
    rows = found(report_of(matrix))
    for i in range(3):
        hits, support = matrix[i][i], sum(matrix[i])
        predicted = sum(row[i] for row in matrix)
        truths = {
            "recall": (hits, support),
            "precision": (hits, predicted),
            "f1": (hits, support + predicted - hits),
        }
        for metric, truth in truths.items():
            m = rows[metric, str(i)]
            assert m.count is None or counts(m) == truth
        digits = max(len(repr(x)) for x in values_of(report_of(matrix)))
        if hits and digits > 12:
            assert all(rows[metric, str(i)].count is not None for metric in truths)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 3000), min_size=3, max_size=3), min_size=3, max_size=3),
    st.integers(2, 4),
)
def test_a_rounded_report_never_gives_a_wrong_count(matrix, digits):
    assume(all(sum(row) for row in matrix))
    report = {
        name: {k: round(v, digits) for k, v in row.items()}
        if isinstance(row, dict)
        else round(row, digits)
        for name, row in report_of(matrix).items()
    }
    rows = found(report)
    for i in range(3):
        hits, support = matrix[i][i], sum(matrix[i])
        predicted = sum(row[i] for row in matrix)
        assert rows["recall", str(i)].n == support
        assert rows["recall", str(i)].count in (None, hits)
        assert rows["precision", str(i)].n in (None, predicted)
        assert rows["f1", str(i)].n in (None, support + predicted - hits)


def values_of(report):
    return [x for row in report.values() if isinstance(row, dict) for x in row.values()]


def report_of(matrix):
    """The report's own formulas, zero where nothing was predicted (zero_division=0)."""
    report: dict[str, object] = {}
    total = sum(map(sum, matrix))
    for i in range(3):
        hits, support = matrix[i][i], sum(matrix[i])
        predicted = sum(row[i] for row in matrix)
        report[str(i)] = {
            "precision": hits / predicted if predicted else 0.0,
            "recall": hits / support,
            "f1-score": 2 * hits / (support + predicted),
            "support": float(support),
        }
    report["accuracy"] = sum(matrix[i][i] for i in range(3)) / total
    mean = {"precision": 0.5, "recall": 0.5, "f1-score": 0.5, "support": float(total)}
    return report | {"macro avg": mean, "weighted avg": mean}


def test_the_installed_scikit_learn_is_read():
    truth = ["a"] * 70 + ["b"] * 30
    guess = ["a"] * 61 + ["b"] * 9 + ["b"] * 26 + ["a"] * 4
    rows = found(classification_report(truth, guess, output_dict=True))
    assert counts(rows["accuracy", None]) == (87, 100)
    assert counts(rows["precision", "b"]) == (26, 35)
    assert counts(rows["f1", "a"]) == (61, 74)


def test_rounded_numbers_give_value_and_n_only_where_n_is_right():
    row = {"precision": 0.91, "recall": 0.67, "f1-score": 0.77, "support": 1000.0}
    report = {"x": row, "y": row, "accuracy": 0.67, "macro avg": row, "weighted avg": row}
    rows = found(report)
    assert (rows["recall", "x"].value, *counts(rows["recall", "x"])) == (0.67, None, 1000)
    assert (rows["precision", "x"].value, *counts(rows["precision", "x"])) == (0.91, None, None)
    assert (rows["f1", "x"].value, *counts(rows["f1", "x"])) == (0.77, None, None)
    assert (rows["accuracy", None].value, *counts(rows["accuracy", None])) == (0.67, None, 1000)


def test_averages_are_aggregates_without_a_sample_size():
    rows = found(load("sklearn_report_multilabel"))
    names = {
        f"{m}_{a}"
        for m in ("precision", "recall", "f1")
        for a in ("micro", "macro", "weighted", "samples")
    }
    assert {name for name, _ in rows if "_" in name} == names
    assert all(m.aggregate == ("_" in name) for (name, _), m in rows.items())
    assert all(rows[name, None].n is None for name in names)
    assert ("accuracy", None) not in rows


def test_zero_division_as_nan_is_missing():
    rows = found(load("sklearn_report_nan"))
    m = rows["precision", "1"]
    assert (m.value, m.count, m.missing) == (None, None, "not_a_number")
    assert counts(rows["recall", "1"]) == (0, 1)
    assert rows["f1", "1"].value == 0.0
    assert rows["f1", "1"].n is None


def test_a_class_called_accuracy_is_never_taken_for_the_accuracy():
    overwritten = classification_report(
        ["accuracy", "b", "b", "accuracy", "b"],
        ["accuracy", "b", "accuracy", "accuracy", "b"],
        output_dict=True,
    )
    understood = read_json("r", overwritten)
    assert found(overwritten)["accuracy", None].count == 4
    assert any("overwritten" in note for note in understood.notes)

    cut = classification_report(
        ["accuracy", "b", "b", "c"],
        ["accuracy", "b", "accuracy", "c"],
        labels=["accuracy", "b"],
        output_dict=True,
    )
    assert cut["accuracy"] == 0.5  # the precision of that class; the accuracy is 0.75
    assert ("accuracy", None) not in found(cut)
    assert any("cut to one number" in note for note in read_json("r", cut).notes)


def test_fractional_supports_are_weights_and_not_numbers_of_examples():
    row = {"precision": 0.5, "recall": 0.4, "f1-score": 0.5, "support": 2.5}
    rows = found({"x": row, "accuracy": 1 / 3, "macro avg": row, "weighted avg": row})
    assert {m.n for m in rows.values()} == {None}
    assert {m.count for m in rows.values()} == {None}


def test_a_class_that_nobody_has_proves_nothing():
    empty = {"precision": 0.0, "recall": 0.0, "f1-score": 0.0, "support": 0.0}
    report = load("sklearn_report") | {"ghost": empty}
    assert counts(found(report)["recall", "ghost"]) == (0, 0)
    assert found(report)["precision", "ghost"].n is None


def test_a_damaged_report_is_refused():
    report = load("sklearn_report")
    for broken in (
        report | {"dog": {"precision": 1.0}},
        report | {"dog": 0.5},
        report | {"dog": report["dog"] | {"recall": "high"}},
    ):
        with pytest.raises(FormatError) as caught:
            read_json("r", broken)
        assert caught.value.slug == "malformed-file"
        assert "dog" in caught.value.detail


def test_bare_nan_tokens_of_the_file_itself_are_accepted():
    content = (DATA / "sklearn_report_nan.json").read_bytes()
    assert b"NaN" in content
    assert read("r", content).format == "sklearn-report"


def test_a_subset_of_the_labels_has_a_micro_average_in_place_of_the_accuracy():
    truth, guess = ["a", "a", "b", "c", "c"], ["a", "b", "b", "c", "a"]
    subset = classification_report(truth, guess, labels=["a", "b"], output_dict=True)
    assert "accuracy" not in subset
    rows = found(subset)
    assert ("accuracy", None) not in rows
    assert (rows["recall_micro", None].aggregate, rows["recall_micro", None].n) == (True, None)
    assert counts(rows["recall", "a"]) == (1, 2)
    # c was taken for an a: precision counts that, though c is not among the labels.
    assert counts(rows["precision", "a"]) == (1, 2)


def test_whole_numbers_as_labels_are_texts_and_a_report_says_neither_model_nor_time():
    report = classification_report([0, 0, 1, 1], [0, 1, 1, 1], output_dict=True)
    understood = read("r.json", json.dumps(report).encode())
    classes = {dict(m.slice).get("class") for m in understood.measurements}
    assert classes == {"0", "1", None}
    assert (understood.model, understood.measured_at) == (None, None)
    assert any("model, the data set or the time" in note for note in understood.notes)
