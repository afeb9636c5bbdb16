import json

import pytest

from gates.formats import read
from tests.gates.formats.opened import content, found, of, of_value, opened, refusal, value


def test_a_metric_frame_gives_counts_by_group_where_count_is_among_its_metrics():
    m = found(opened("fairlearn_frame.json", "fairlearn"))
    assert (m[None, "selection_rate", ("group", "F")].count, 70) == (70, 70)
    assert m[None, "selection_rate", ("group", "F")].n == 146
    assert m[None, "accuracy"].n == 300
    assert m[None, "accuracy_difference"].aggregate
    # Its denominator is the negatives, which the table does not have.
    assert (m[None, "fpr", ("group", "F")].n, m[None, "fpr", ("group", "F")].count) == (None, None)


def test_without_count_a_group_has_no_n():
    root = value("fairlearn_frame.json")
    for row in (root["overall"], *root["by_group"].values()):
        del row["count"]
    m = of_value(root)[None, "accuracy", ("group", "F")]
    assert (m.value, m.n) == (0.815068493150685, None)


def test_a_group_too_small_is_nan_and_stays_in_sight():
    root = value("fairlearn_frame.json")
    root["by_group"]["F"]["accuracy"] = float("nan")
    raw = json.dumps(root).encode()
    assert found(read("x", raw))[None, "accuracy", ("group", "F")].missing == "not_a_number"


def test_bootstrapped_counts_are_no_counts():
    root = value("fairlearn_frame.json") | {"by_group_ci": [{"F": {"count": 145.3}}]}
    assert of_value(root)[None, "accuracy", ("group", "F")].n == 146
    root["by_group"]["F"]["count"] = 145.3
    assert of_value(root)[None, "accuracy", ("group", "F")].n is None


@pytest.mark.parametrize("name", ["fairlearn_split.json", "fairlearn.csv"])
def test_several_features_are_crossed_slices(name):
    m = opened(name, "fairlearn").measurements
    assert [(x.count, x.n) for x in m] == [(62, 73), (57, 73), (57, 76), (56, 78)]
    assert all(len(x.slice) == 2 for x in m)


def test_groups_written_as_tuples_are_refused_with_what_to_do():
    error = refusal({"('F', '40+')": {"accuracy": 0.5, "count": 10}})
    assert 'orient="split"' in error.detail


def test_aequitas_gives_every_rate_with_its_own_denominator():
    m = found(opened("aequitas.csv", "aequitas"))
    race = ("race", "a")
    assert (m[None, "recall", race].count, m[None, "recall", race].n) == (37, 71)
    assert (m[None, "precision", race].count, m[None, "precision", race].n) == (37, 71)
    assert m[None, "false_positive_rate", race].n == 60
    assert m[None, "selection_rate", race].n == 131


def test_counts_that_do_not_add_up_to_the_group_are_refused():
    assert "do not add up" in refusal(content("aequitas.csv").replace(b",131,", b",132,")).detail


def test_several_models_in_one_table_are_refused():
    lines = content("aequitas.csv").splitlines()
    assert "several models" in refusal(b"\n".join([*lines, b"1" + lines[1][1:]])).detail


def test_aif360_gives_the_counts_of_both_groups():
    m = found(opened("aif360.json", "aif360"))
    rate = m[None, "selection_rate", ("group", "unprivileged")]
    assert (rate.count, rate.n) == (117, 201)
    assert (m[None, "recall", ("group", "privileged")].count) == 54
    assert m[None, "disparate_impact"].value == 1.1138059701492538
    assert m[None, "disparate_impact"].n is None


def test_aif360_explanations_come_as_texts_too():
    texts = [json.dumps(item) for item in value("aif360.json")]
    assert of_value(texts).keys() == of("aif360.json").keys()


def test_a_value_that_is_not_at_the_end_of_the_sentence_is_none():
    item = value("aif360.json")[0] | {"message": "Disparate impact: nan"}
    assert of_value([item])[None, "disparate_impact"].missing == "not_a_number"
