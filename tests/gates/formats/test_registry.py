import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.formats import FormatError, names, read, read_json
from gates.formats.registry import GENERIC, TOOLS
from gates.formats.result_file import ResultFile

DATA = Path(__file__).parents[2] / "data" / "formats"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lm_eval_results.json", "lm-eval"),
        ("lm_eval_limited.json", "lm-eval"),
        ("samples_gate_mc_a_2026-11-23T06-06-39.180970.jsonl", "lm-eval-samples"),
        ("sklearn_report.json", "sklearn-report"),
        ("sklearn_report_micro.json", "sklearn-report"),
        ("sklearn_report_multilabel.json", "sklearn-report"),
        ("sklearn_report_nan.json", "sklearn-report"),
        ("junit_pytest.xml", "junit"),
        ("junit_promptfoo.xml", "junit"),
        ("ragas.csv", "ragas"),
        ("ragas_records.json", "ragas"),
        ("deepeval_evaluate.json", "deepeval"),
        ("deepeval_result.json", "deepeval"),
        ("evidently_snapshot.json", "evidently"),
        ("evidently_dump_dict.json", "evidently"),
        ("garak.report.jsonl", "garak"),
        ("inspect_capitals.json", "inspect"),
        ("inspect_capitals.eval", "inspect"),
        ("mlflow_run.json", "mlflow"),
        ("mlflow_table.json", "mlflow-table"),
        ("promptfoo_0.121.json", "promptfoo"),
        ("promptfoo.jsonl", "promptfoo"),
        ("aequitas.csv", "aequitas"),
        ("aif360.json", "aif360"),
        ("codecarbon.csv", "codecarbon"),
        ("fairlearn.csv", "fairlearn"),
        ("fairlearn_frame.json", "fairlearn"),
        ("fairlearn_index.json", "fairlearn"),
        ("fairlearn_split.json", "fairlearn"),
        ("helm_instances.json", "helm"),
        ("helm_stats.json", "helm"),
        ("locust.json", "locust"),
        ("locust_stats.csv", "locust"),
        ("swebench.json", "swebench"),
        ("ragas_scores.json", "generic"),
        ("mlflow_metrics.json", "generic"),
    ],
)
def test_each_file_is_recognised_by_its_content_and_by_one_tool_only(name, expected):
    content = (DATA / name).read_bytes()
    # lm-eval-samples takes its task from the name, so a name of no help is used here.
    assert read("upload", content).format == expected
    assert read("upload", content, expected).format == expected
    fitting = [f.NAME for f in TOOLS if f.mismatch(ResultFile("upload", content)) is None]
    assert fitting == ([] if expected == "generic" else [expected])


def test_what_fits_two_formats_is_refused():
    both = {
        "results": {},
        "versions": {},
        "config": {},
        **{
            f"{kind} avg": {"precision": 1, "recall": 1, "f1-score": 1, "support": 1}
            for kind in ("macro", "weighted")
        },
    }
    with pytest.raises(FormatError) as caught:
        read_json("both.json", both)
    assert caught.value.slug == "ambiguous-format"
    assert "lm-eval and sklearn-report" in caught.value.detail


def test_what_fits_none_is_told_what_was_tried_and_what_to_do():
    with pytest.raises(FormatError) as caught:
        read("x.json", b'{"outer": {"inner": {"accuracy": 1}}}')
    assert caught.value.slug == "unrecognised-format"
    for name, _, _ in names():
        assert name in caught.value.detail
    assert "no object `results`" in caught.value.detail
    assert "metric, value, n" in caught.value.detail


def test_a_format_that_is_asked_for_is_not_forced_on_another_file():
    with pytest.raises(FormatError) as caught:
        read("x.json", b'{"accuracy": 1}', "junit")
    assert caught.value.slug == "unrecognised-format"
    with pytest.raises(FormatError) as caught:
        read("x.json", b'{"accuracy": 1}', "no-such")
    assert caught.value.slug == "unknown-format"
    assert "junit" in caught.value.detail


@pytest.mark.parametrize(
    ("content", "tool"),
    [
        (b"question,Status,Score,Named Scores\nhi,PASS,1.0,\n", "promptfoo"),
        (b'{"runs": []}', "MLflow"),
        (b'{"columns": ["inputs", "toxicity/v1/score"], "data": [["q", 0.1]]}', "MLflow 2"),
        (b'{"adapter_spec": {}}', "HELM"),
        (b"Timestamp,User Count,Requests/s\n1,1,2\n", "locust"),
        (b'{"goal": "g", "probe": "p", "detector": "d", "attempt_id": "a", "score": 1}', "garak"),
        (b"evalId: eval-1\nresults:\n  version: 3\n", "promptfoo"),
        (
            b"- dataset:\n    id: cais/hle\n    task_id: default\n  value: 20.9\n",
            "the Hugging Face hub",
        ),
        (b'[{"task_id": 0, "reward": 1.0, "info": {}, "traj": [], "trial": 0}]', "tau-bench"),
        (b'{"timestamp": "t", "info": {}, "tasks": [], "simulations": []}', "tau-bench"),
        (b'{"spec": {"eval_name": "e"}}\n{"final_report": {"accuracy": 1}}\n', "OpenAI evals"),
        (b'{"attack_results": {}, "scenario_run_state": "COMPLETED"}', "PyRIT"),
        (b'{"resolved": ["a"], "no_generation": []}', "SWE-bench"),
        (b'{"Harmfulness": {"major": ["x"], "medium": []}}', "Giskard"),
        (
            b'{"regression_metrics": {"mse": {"value": 1, "standard_deviation": "NaN"}}}',
            "SageMaker Model Monitor",
        ),
        (b'{"post_training_bias_metrics": {"label": "y", "facets": {}}}', "SageMaker Clarify"),
    ],
)
def test_files_of_known_tools_that_are_not_read_are_never_taken_for_a_plain_table(content, tool):
    with pytest.raises(FormatError) as caught:
        read("upload", content)
    assert caught.value.slug == "unrecognised-format"
    assert f"a file of {tool}" in caught.value.detail
    assert "Tried" not in caught.value.detail


def test_every_format_says_how_it_is_recognised():
    assert [name for name, _, _ in names()] == [f.NAME for f in (*TOOLS, GENERIC)]
    assert all(title and sign for _, title, sign in names())


def test_too_many_measurements_are_refused_and_remarks_are_cut_short():
    with pytest.raises(FormatError) as caught:
        read_json("big.json", {"measurements": [{"metric": "m", "value": 1}] * 50_001})
    assert caught.value.slug == "file-too-large"
    row = {f"metric{i}": 1 for i in range(200)} | {"acc,none": 0.5}
    root = {"results": {"t": row}, "versions": {}, "config": {}}
    understood = read_json("big.json", root)
    assert len(understood.notes) == 51
    assert understood.notes[-1] == "and 150 more remarks"


def assert_finite(understood):
    for m in understood.measurements:
        numbers = [*(m.scores or ()), *(m.ci or ())]
        numbers += [x for x in (m.value, m.stderr, m.confidence, m.quantile) if x is not None]
        assert all(math.isfinite(x) and abs(x) <= 1e300 for x in numbers)
        forms = [m.value, m.count, m.scores, m.exceed]
        assert sum(form is not None for form in forms) == (0 if m.missing else 1)
        assert m.ids is None or m.scores is None or len(m.ids) == len(m.scores)


WORDS = """
metric value n count n_errored stderr ci scores ids exceed task slice slice.lang source model
eval_loss eval_samples accuracy results versions config configs group_subtasks n-samples groups
higher_is_better acc,none acc_stderr,none sample_len date model_name measurements cat
doc_id resps filtered_resps filter metrics precision recall f1-score support
"""
KEYS = st.sampled_from(WORDS.split()) | st.text(max_size=5)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["N/A", " ", "NaN", "1e999", "0.5", "-Infinity", "1_0", "none"])
    | st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)
ROW = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("precision", "recall", "f1-score", "support"), SCALARS)
)
SHAPED = st.one_of(
    st.fixed_dictionaries(
        {
            "results": st.dictionaries(KEYS, st.dictionaries(KEYS, SCALARS, max_size=4)),
            "versions": st.just({}),
            "config": st.dictionaries(st.sampled_from(["limit", "model_args"]), VALUES),
        },
        optional=dict.fromkeys(
            ("n-samples", "group_subtasks", "groups", "configs", "date"), VALUES
        ),
    ),
    st.fixed_dictionaries(
        {"macro avg": ROW, "weighted avg": ROW}, optional={"cat": ROW, "accuracy": SCALARS}
    ),
    st.fixed_dictionaries({"measurements": st.lists(st.dictionaries(KEYS, VALUES), max_size=3)}),
    st.lists(st.dictionaries(KEYS, SCALARS, max_size=6), max_size=5),
)
FORMATS = st.sampled_from(["auto", *(f.NAME for f in (*TOOLS, GENERIC))])


def assert_understood_or_refused(read_it):
    try:
        understood = read_it()
    except FormatError as error:
        refusal = error
    else:
        assert_finite(understood)
        return
    assert refusal.slug in SLUGS
    assert refusal.detail.startswith("fuzz: ")


SLUGS = {
    "unrecognised-format",
    "ambiguous-format",
    "malformed-file",
    "nothing-measured",
    "impossible-value",
    "unsupported-version",
    "file-too-deep",
    "file-too-large",
}
TABLE_LETTERS = "metricvalu,;\n\"'0123456789.eE-+{}[]<>/&: naN"


@settings(max_examples=300, deadline=None)
@given(st.one_of(VALUES, SHAPED), FORMATS)
def test_any_json_is_understood_with_finite_numbers_or_refused(value, format_name):
    assert_understood_or_refused(lambda: read_json("fuzz", value, format_name))


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=300) | st.text(alphabet=TABLE_LETTERS, max_size=300).map(str.encode), FORMATS
)
def test_any_bytes_are_understood_with_finite_numbers_or_refused(content, format_name):
    assert_understood_or_refused(lambda: read("fuzz", content, format_name))


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(path.name for path in DATA.iterdir())),
    st.integers(0, 20_000),
    st.binary(max_size=3),
    st.integers(0, 50),
)
def test_damaged_files_of_real_tools_are_understood_or_refused(name, at, inserted, removed):
    content = (DATA / name).read_bytes()
    at %= len(content)
    damaged = content[:at] + inserted + content[at + removed :]
    assert_understood_or_refused(lambda: read("fuzz", damaged))
