import json
from pathlib import Path

import pytest

from gates.formats import FormatError, read

DATA = Path(__file__).parents[2] / "data" / "formats"
NAME = "samples_gate_mc_a_2026-11-23T06-06-39.180970.jsonl"


def sample(doc_id, **more):
    return {"doc_id": doc_id, "resps": [], "filtered_resps": []} | more


def lines(*rows):
    return "\n".join(json.dumps(row) for row in rows).encode()


def test_a_real_file_gives_the_scores_that_the_results_file_averages():
    understood = read(NAME, (DATA / NAME).read_bytes())
    averages = json.loads((DATA / "lm_eval_results.json").read_text())
    assert [m.metric for m in understood.measurements] == ["acc", "acc_norm"]
    for m in understood.measurements:
        assert m.scores is not None
        assert m.ids is not None
        assert m.task == "gate_mc_a"
        assert m.ids[:3] == ("0", "1", "2")
        mean = sum(m.scores) / len(m.scores)
        assert mean == averages["results"]["gate_mc_a"][f"{m.metric},none"]
        assert m.source is not None
        assert m.source.prompt_set_digest == averages["task_hashes"]["gate_mc_a"]


def test_each_filter_is_a_task_of_its_own():
    rows = [
        sample(i, filter=name, metrics=["exact_match"], exact_match=score)
        for i, score in enumerate((1.0, 0.0))
        for name in ("strict-match", "none")
    ]
    found = read("samples_gsm8k.jsonl", lines(*rows)).measurements
    assert [(m.task, m.scores) for m in found] == [
        ("gsm8k/strict-match", (1.0, 0.0)),
        ("gsm8k", (1.0, 0.0)),
    ]


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("samples_gsm8k_2026-11-23T06-06-39.180970.jsonl", "gsm8k"),
        ("out/acme__tiny/samples_mmlu_law.jsonl", "mmlu_law"),
        ("C:\\out\\samples_mmlu_law.jsonl", "mmlu_law"),
        ("anything", "anything"),
    ],
)
def test_the_task_is_taken_from_the_name_and_a_note_says_so(name, task):
    understood = read(name, lines(sample(0, acc=1.0), sample(1, acc=0.0)))
    assert understood.measurements[0].task == task
    assert any(task in note for note in understood.notes)


def test_an_example_without_a_score_is_errored_and_its_id_goes_with_it():
    rows = lines(sample(7, acc=1.0), sample(8, acc=None), sample(9, acc=float("nan")), sample(10))
    (m,) = read("samples_t.jsonl", rows).measurements
    assert (m.scores, m.ids, m.n_errored, m.errors_stated) == ((1.0,), ("7",), 3, True)


def test_a_metric_that_is_not_one_number_per_example_is_left_out():
    rows = lines(sample(0, acc=1.0, word_perplexity=[-1.5, 3]), sample(1, acc=0.0))
    understood = read("samples_t.jsonl", rows)
    assert [m.metric for m in understood.measurements] == ["acc"]
    assert any("word_perplexity" in note for note in understood.notes)
    with pytest.raises(FormatError) as caught:
        read("samples_t.jsonl", lines(sample(0, word_perplexity=[-1.5, 3]), sample(1)))
    assert caught.value.slug == "nothing-measured"


def test_an_example_that_stands_twice_is_refused():
    with pytest.raises(FormatError) as caught:
        read("samples_t.jsonl", lines(sample(3, acc=1.0), sample(3, acc=1.0)))
    assert "doc_id 3 stands 2 times" in caught.value.detail


def test_a_line_that_is_no_sample_is_refused():
    with pytest.raises(FormatError):
        read("samples_t.jsonl", lines(sample(3, acc=1.0), {"acc": 1.0}))
