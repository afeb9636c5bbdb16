import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gates.formats import FormatError, read, read_json

DATA = Path(__file__).parents[2] / "data" / "formats"


def results(**changes):
    root = json.loads((DATA / "lm_eval_results.json").read_text())
    return root | changes


def by_task(understood):
    return {(m.task, m.metric): m for m in understood.measurements}


def minimal(rows, **more):
    return {"results": rows, "versions": {}, "config": {"limit": None}, "configs": {}} | more


def test_a_real_file_gives_value_n_stderr_direction_and_where_from():
    understood = read_json("results.json", results())
    m = by_task(understood)["gate_mc_a", "acc"]
    assert (m.value, m.n, m.stderr) == (0.25, 40, 0.06933752452815363)
    assert (m.direction, m.aggregate, m.incomplete, m.missing) == ("higher", False, None, None)
    assert m.count is None
    assert not m.errors_stated
    assert m.source is not None
    assert (m.source.tool, m.source.tool_version) == ("lm-evaluation-harness", "0.4.13")
    assert (m.source.suite, m.source.dataset_name) == ("gate_mc_a@1.0", "json")
    assert m.source.prompt_set_digest == results()["task_hashes"]["gate_mc_a"]
    assert understood.tool_version == "0.4.13"
    assert understood.model == "z5s3n4sz"
    assert understood.measured_at == datetime(2026, 11, 23, 6, 6, 39, 180970, UTC)


def test_a_filter_is_part_of_the_task_unless_it_is_none():
    tasks = {m.task for m in read_json("results.json", results()).measurements}
    assert tasks == {
        "gate_mc_a",
        "gate_mc_b",
        "gate_gen/strict-match",
        "gate_gen/flexible-extract",
        "gate_ppl",
        "gate_group",
    }


def test_the_filter_stands_after_the_last_comma():
    rows = {"t": {"f1,macro,none": 0.5, "f1_stderr,macro,none": 0.1}}
    found = read_json("r", minimal(rows)).measurements
    assert [(m.metric, m.task) for m in found] == [("f1,macro", "t"), ("f1_stderr,macro", "t")]


def test_a_group_is_an_aggregate_and_read_once():
    found = [m for m in read_json("r", results()).measurements if m.task == "gate_group"]
    assert [(m.metric, m.n, m.aggregate) for m in found] == [
        ("acc", 80, True),
        ("acc_norm", 80, True),
    ]


def test_a_group_whose_tasks_are_not_in_the_file_rolls_up_nothing():
    root = results()
    for name in ("gate_mc_a", "gate_mc_b"):
        del root["results"][name]
    assert not by_task(read_json("r", root))["gate_group", "acc"].aggregate


def test_a_task_with_an_empty_list_of_subtasks_is_no_group():
    rows = {"gsm8k": {"exact_match,none": 0.5, "sample_len": 10}}
    found = read_json("r", minimal(rows, group_subtasks={"gsm8k": []}))
    assert not found.measurements[0].aggregate


def test_a_stderr_that_is_not_a_number_is_none_and_the_value_stays():
    m = by_task(read_json("r", results()))["gate_ppl", "word_perplexity"]
    assert (m.value, m.stderr, m.direction, m.n) == (1.16911751259801, None, "lower", 40)
    blank = minimal({"t": {"acc,none": 0.5, "acc_stderr,none": " ", "sample_len": 4}})
    assert read_json("r", blank).measurements[0].stderr is None


@pytest.mark.parametrize("value", ["N/A", " ", None, float("nan"), float("inf"), 1e301, "text"])
def test_a_value_that_is_not_a_number_is_missing_and_stays_in_sight(value):
    (m,) = read_json("r", minimal({"t": {"acc,none": value, "sample_len": 4}})).measurements
    assert (m.value, m.missing, m.n) == (None, "not_a_number", 4)


def test_a_limited_run_is_incomplete_in_every_row():
    understood = read("r", (DATA / "lm_eval_limited.json").read_bytes())
    assert understood.measurements
    assert all("--limit 1.0" in (m.incomplete or "") for m in understood.measurements)


def test_a_limit_of_nothing_is_a_limit():
    root = minimal({"t": {"acc,none": 0.5}}, config={"limit": 0.0})
    assert read_json("r", root).measurements[0].incomplete is not None


def test_fewer_examples_than_the_task_has_are_incomplete_without_a_limit():
    root = results()
    root["n-samples"]["gate_mc_a"]["effective"] = 39
    found = by_task(read_json("r", root))
    assert found["gate_mc_a", "acc"].incomplete == "only 39 of 40 examples of gate_mc_a were run"
    assert found["gate_group", "acc"].incomplete is not None
    assert found["gate_mc_b", "acc"].incomplete is None


def test_n_is_the_number_run_else_the_length_of_the_task():
    rows = {"t": {"acc,none": 0.5, "sample_len": 7}}
    assert read_json("r", minimal(rows)).measurements[0].n == 7
    sizes = {"t": {"original": 9, "effective": 9}}
    assert read_json("r", minimal(rows, **{"n-samples": sizes})).measurements[0].n == 9
    with pytest.raises(FormatError):
        read_json("r", minimal({"t": {"acc,none": 0.5, "sample_len": "many"}}))


def test_an_unknown_direction_is_not_guessed_and_configs_are_the_fallback():
    rows = {"t": {"acc,none": 0.5, "brier,none": 0.5, "odd,none": 0.5}}
    found = read_json(
        "r",
        minimal(
            rows,
            higher_is_better={"t": {"acc": None}},
            configs={"t": {"metric_list": [{"metric": "brier", "higher_is_better": False}]}},
        ),
    )
    assert [m.direction for m in found.measurements] == [None, "lower", None]


def test_bypass_is_left_out_with_a_note():
    understood = read_json("r", minimal({"t": {"bypass,none": 999, "acc,none": 0.5}}))
    assert [m.metric for m in understood.measurements] == ["acc"]
    assert any("bypass" in note for note in understood.notes)


def test_a_run_without_metrics_is_refused():
    for rows in ({}, {"t": {"alias": "t"}}, {"t": {"bypass,none": 999}}):
        with pytest.raises(FormatError) as caught:
            read_json("r", minimal(rows))
        assert caught.value.slug == "nothing-measured"


def test_a_negative_sample_size_is_impossible():
    with pytest.raises(FormatError) as caught:
        read_json("r", minimal({"t": {"acc,none": 0.5, "sample_len": -1}}))
    assert caught.value.slug == "impossible-value"


def test_version_0_3_has_values_and_errors_without_n():
    understood = read_json(
        "r",
        {
            "results": {
                "gsm8k": {"acc": 0.25, "acc_stderr": 0.01},
                "lambada": {"ppl": 5.5, "ppl_stderr": 0.2},
            },
            "versions": {"gsm8k": 0},
            "config": {"model": "hf", "model_args": "pretrained=acme/tiny,dtype=auto"},
        },
    )
    acc, ppl = understood.measurements
    assert (acc.metric, acc.value, acc.stderr, acc.n, acc.task) == (
        "acc",
        0.25,
        0.01,
        None,
        "gsm8k",
    )
    assert (ppl.metric, ppl.direction) == ("ppl", "lower")
    assert understood.tool_version == "0.3"
    assert understood.model == "acme/tiny"
    assert any("how many" in note for note in understood.notes)


@pytest.mark.parametrize(
    "arguments", ["pretrained=acme/tiny,dtype=auto", {"pretrained": "acme/tiny"}]
)
def test_the_model_is_taken_from_its_arguments_in_either_form(arguments):
    root = results(config={"model": "hf", "model_args": arguments, "limit": None}, model_name=None)
    assert read_json("r", root).model == "acme/tiny"


def test_lighteval_is_another_tool():
    root = {"config_general": {}, "results": {"t|0": {"acc": 0.5}}, "versions": {}}
    assert read_json("r", root).format == "lighteval"


def test_what_stands_beside_metrics_is_no_metric():
    beside = {"name": "t", "alias": " - t", "sample_len": 7, "sample_count": {"acc,none": 7}}
    found = read_json("r", minimal({"t": {"acc,none": 0.5, **beside}}))
    assert [(m.task, m.metric, m.n) for m in found.measurements] == [("t", "acc", 7)]
    assert not found.notes


def test_a_blank_stderr_of_a_group_is_none():
    rows = {"g": {"acc,none": 0.5, "acc_stderr,none": " "}}
    assert read_json("r", minimal(rows)).measurements[0].stderr is None


@pytest.mark.parametrize(("version", "suite"), [(1.0, "t@1.0"), ("v2", "t@v2"), (None, "t")])
def test_the_version_of_a_task_is_a_number_or_a_text(version, suite):
    m = read_json("r", minimal({"t": {"acc,none": 1}}, versions={"t": version})).measurements[0]
    assert m.source is not None
    assert m.source.suite == suite
