import json

import pytest

from gates.formats import read
from tests.gates.formats.opened import content, found, of, of_value, opened, refusal, value


def test_n_of_helm_is_instances_and_not_trials():
    m = found(opened("helm_stats.json", "helm"))
    row = next(r for r in value("helm_stats.json") if r["name"]["name"] == "perplexity")
    assert row["count"] == 1
    assert m[None, "perplexity"].n == 10
    assert m[None, "perplexity"].stderr is None


def test_perturbed_rows_are_slices_and_bookkeeping_is_no_metric():
    m = of("helm_stats.json")
    worst = ("perturbation", "robustness (worst)")
    assert (None, "num_completion_tokens", worst) in m
    assert m[None, "num_completion_tokens", worst].n is None
    assert not {"num_references", "num_instances"} & {key[1] for key in m}


def test_a_statistic_of_nothing_has_no_mean():
    rows = value("helm_stats.json")
    bare = {"name": {"name": "exact_match", "split": "test"}, "count": 0, "sum": 0}
    m = of_value([*rows, bare | {"sum_squared": 0}])[None, "exact_match"]
    assert m.missing == "not_a_number"


def test_the_validation_split_says_nothing_of_the_model():
    stat = {"name": {"name": "f1", "split": "valid"}, "count": 1, "sum": 1, "sum_squared": 1}
    assert refusal([stat]).slug == "nothing-measured"


def test_instances_have_scores_and_ids():
    m = found(opened("helm_instances.json", "helm"))
    assert m[None, "latency"].ids is not None
    assert len(m[None, "latency"].ids) == 10
    assert m[None, "latency"].unit == "s"


def test_trials_of_an_instance_are_repeats_and_its_perturbations_slices():
    rows = value("helm_instances.json")
    again = [row | {"train_trial_index": 1} for row in rows]
    changed = [row | {"perturbation": {"name": "typos"}} for row in rows]
    m = of_value([*rows, *again, *changed])
    assert len(set(m[None, "latency"].clusters or ())) == 10
    assert len(m[None, "latency"].scores or ()) == 20
    assert len(m[None, "latency", ("perturbation", "typos")].scores or ()) == 10


def test_other_files_of_helm_are_told_what_to_send():
    assert "per_instance_stats.json" in refusal(content("helm_run_spec.json")).detail


def test_swebench_counts_all_instances_and_not_those_that_were_completed():
    m = opened("swebench.json", "swebench").measurements[0]
    assert (m.metric, sum(m.scores or ()), len(m.scores or ())) == ("task_completion", 3, 8)
    assert m.ids is not None


def test_failures_of_the_infrastructure_are_errors_apart():
    root = value("swebench.json")
    root["infra_failure_ids"] = ["acme__repo-6"]
    m = of_value(root)[None, "task_completion"]
    assert (len(m.scores or ()), m.n_errored) == (7, 1)


def test_without_all_names_the_counts_remain():
    root = value("swebench.json") | {"total_instances": 500}
    m = of_value(root)[None, "task_completion"]
    assert (m.count, m.n, m.ids) == (3, 500, None)


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"schema_version": 3}, "unsupported-version"),
        ({"total_instances": 0}, "nothing-measured"),
        ({"total_instances": 2}, "malformed-file"),
    ],
)
def test_reports_that_cannot_be_believed_are_refused(change, slug):
    assert refusal(value("swebench.json") | change).slug == slug


def lighteval(**general):
    return {
        "config_general": {"model_name": "m", **general},
        "results": {
            "leaderboard|gsm8k|5": {"qem": 0.5, "qem_stderr": 0.05},
            "leaderboard|mmlu:_average|5": {"acc": 0.25, "acc_stderr": 0.01},
            "all": {"qem": 0.5, "qem_stderr": 0.05},
        },
        "summary_tasks": {"leaderboard|gsm8k|5": {"effective_num_docs": 100}},
        "versions": {"leaderboard|gsm8k|5": 0},
    }


def test_lighteval_has_values_spreads_and_roll_ups():
    understood = read("x", json.dumps(lighteval()).encode())
    m = found(understood)
    task = m["leaderboard|gsm8k|5", "qem"]
    assert (task.value, task.stderr, task.n, task.aggregate) == (0.5, 0.05, 100, False)
    assert m["all", "qem"].aggregate
    assert m["leaderboard|mmlu:_average|5", "acc"].aggregate
    assert understood.model == "m"


def test_a_limited_run_of_lighteval_is_incomplete():
    m = of_value(lighteval(max_samples=10))["leaderboard|gsm8k|5", "qem"]
    assert m.incomplete is not None
    assert "limited" in m.incomplete


def test_the_times_of_lighteval_are_a_stopwatch_and_no_instant():
    """Both are `time.perf_counter()`, and the key of their difference is misspelt in the tool."""
    times = {"start_time": 8e6, "end_time": 1e7, "total_evaluation_time_secondes": "2000000.0"}
    assert read("x", json.dumps(lighteval(**times)).encode()).measured_at is None


def test_lighteval_names_the_model_in_its_configuration_and_counts_docs_of_a_task():
    root = lighteval(model_name=None, model_config={"model_name": "org/m"})
    root["config_tasks"] = {"leaderboard|gsm8k|5": {"effective_num_docs": 50, "hf_repo": "gsm8k"}}
    del root["summary_tasks"]
    understood = read("x", json.dumps(root).encode())
    assert understood.model == "org/m"
    assert found(understood)["leaderboard|gsm8k|5", "qem"].n == 50


def modelbench(**score):
    hazard = {"score": {"lower": 0.8, "estimate": 0.9, "upper": 0.95, "samples": 200}}
    other = {"score": {"lower": 0.7, "estimate": 0.8537, "upper": 0.9, "samples": 100}}
    entry = {"sut": {"uid": "llm"}, "hazard_scores": [hazard, other], "numeric_grade": 3}
    entry |= {"end_time": "2026-11-01T00:00:00Z"} | score
    return {
        "run_uid": "run-1",
        "benchmark": {"uid": "general-1.1", "hazards": ["vcr", "hte"]},
        "scores": [entry],
    }


def test_modelbench_has_counts_where_they_are_determined_else_the_interval():
    m = of_value(modelbench())
    sure = m[None, "safe_rate", ("category", "vcr")]
    assert (sure.count, sure.n, sure.ci) == (180, 200, None)
    open_ = m[None, "safe_rate", ("category", "hte")]
    assert (open_.value, open_.ci, open_.confidence, open_.n) == (0.8537, (0.7, 0.9), 0.95, 100)
    assert m[None, "benchmark_grade"].value == 3


def test_modelbench_without_an_end_did_not_finish_and_two_systems_are_refused():
    assert all(
        m.incomplete for k, m in of_value(modelbench(end_time=None)).items() if k[1] == "safe_rate"
    )
    root = modelbench()
    assert "2 systems" in refusal(root | {"scores": root["scores"] * 2}).detail


def moonshot(nested=False, **about):
    details = [
        {
            "model_id": "llm",
            "dataset_id": "d",
            "prompt_template_id": "t",
            "data": [{}] * 40,
            "metrics": [{"accuracy": 72.5, "grading_criteria": {"accuracy": 1}}],
        }
    ]
    recipe = {"id": "bbq", "details": details}
    books = {"cookbooks": [{"id": "c", "recipes": [recipe]}]}
    metadata = {"id": "r", "endpoints": ["llm"], "status": "completed"}
    return {
        "metadata": metadata | {"prompt_selection_percentage": 100} | about,
        "results": books if nested else {"recipes": [recipe]},
    }


@pytest.mark.parametrize("nested", [False, True])
def test_moonshot_values_are_percent_of_the_prompts(nested):
    m = of_value(moonshot(nested))["bbq", "accuracy"]
    assert (m.count, m.n, m.unit, m.incomplete) == (29, 40, None, None)
    assert ("bbq", "grading_criteria") not in of_value(moonshot(nested))


@pytest.mark.parametrize("about", [{"status": "running"}, {"prompt_selection_percentage": 1}])
def test_a_part_of_moonshot_is_incomplete(about):
    assert of_value(moonshot(**about))["bbq", "accuracy"].incomplete is not None


CARD = """---
license: mit
model-index:
- name: tiny
  results:
  - task: {type: text-classification}
    dataset: {type: glue, config: sst2, split: validation, revision: abc}
    metrics:
    - {type: accuracy, value: 91.5, verified: false}
    - {type: f1, value: 0.9}
    - {type: loss, value: "n/a"}
---
# A card
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_model_card_is_a_claim_without_n(ends):
    understood = read("README.md", CARD.replace("\n", ends).encode())
    m = found(understood)
    assert understood.format == "model-index"
    assert understood.model == "tiny"
    task = "glue/sst2/validation"
    assert (m[task, "accuracy"].value, m[task, "accuracy"].unit) == (91.5, "percent")
    assert (m[task, "f1"].value, m[task, "f1"].unit) == (0.9, None)
    assert m[task, "loss"].missing == "not_a_number"
    assert all(x.n is None for x in understood.measurements)


@pytest.mark.parametrize(
    "change",
    [
        ("- name: tiny", "- nothing"),
        ("  results:", "  results: {}\n  other:"),
        ("{type: glue", "{type: !!python/name:os.system"),
    ],
)
def test_a_broken_model_card_is_refused_in_words(change):
    assert refusal(CARD.replace(*change).encode()).slug in ("malformed-file", "nothing-measured")


def test_a_model_card_may_state_one_question_twice_and_both_stay_in_sight():
    twice = CARD.replace("    - {type: f1, value: 0.9}", "    - {type: accuracy, value: 12.5}")
    m = [x.value for x in read("README.md", twice.encode()).measurements if x.metric == "accuracy"]
    assert m == [91.5, 12.5]


def test_a_claim_written_as_a_text_is_its_number():
    card = CARD.replace("value: 91.5", 'value: "91.5"')
    assert found(read("README.md", card.encode()))["glue/sst2/validation", "accuracy"].value == 91.5


@pytest.mark.parametrize("value", ["{a: 1}", "[1, 2]", "about 90"])
def test_a_claim_that_is_no_number_has_no_value(value):
    card = CARD.replace("value: 91.5", f"value: {value}")
    m = found(read("README.md", card.encode()))["glue/sst2/validation", "accuracy"]
    assert (m.value, m.missing) == (None, "not_a_number")


def test_tokens_of_an_instance_are_those_read_and_written():
    assert (of("helm_instances.json")[None, "tokens_per_request"].scores or ())[:2] == (
        220.0,
        221.0,
    )


def test_the_grade_of_an_unfinished_run_is_incomplete():
    assert of_value(modelbench(end_time=None))[None, "benchmark_grade"].incomplete is not None
