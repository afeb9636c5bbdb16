import pytest

from gates.formats import read
from tests.gates.formats.opened import content, found, of, of_value, opened, refusal, value


@pytest.mark.parametrize("name", ["ragas.csv", "ragas_records.json"])
def test_rows_give_scores_and_a_failed_judge_is_an_error(name):
    m = found(opened(name, "ragas"))
    # Ragas itself prints 0.9, as if one sample had been all.
    assert (m[None, "faithfulness"].scores, m[None, "faithfulness"].n_errored) == ((0.9,), 1)
    assert m[None, "exact_match"].scores == (1.0, 0.0)
    assert not {"user_input", "response", "reference", "retrieved_contexts"} & {k[1] for k in m}


def test_old_column_names_are_read():
    rows = [{"question": "q", "answer": "a", "contexts": ["c"], "faithfulness": 0.5}]
    assert of_value(rows)[None, "faithfulness"].scores == (0.5,)


def test_noise_is_better_when_lower():
    rows = [{"user_input": "q", "response": "a", "noise_sensitivity(mode=relevant)": 0.1, "f": 1}]
    m = of_value(rows)
    assert m[None, "noise_sensitivity(mode=relevant)"].direction == "lower"
    assert m[None, "f"].direction == "higher"


def test_a_metric_of_which_every_row_failed_stays_in_sight():
    m = found(read("x", b"user_input,response,faithfulness,f1\nq,a,,1\nr,b,,0\n"))
    assert (m[None, "faithfulness"].scores, m[None, "faithfulness"].n_errored) == ((), 2)


def test_two_runs_are_paired_by_their_questions():
    shuffled = value("ragas_records.json")[::-1]
    for row in shuffled:
        row["response"] = "another answer"
    one, two = (
        of_value(shuffled)[None, "exact_match"],
        of("ragas_records.json")[None, "exact_match"],
    )
    assert one.ids is not None
    assert sorted(one.ids) == sorted(two.ids or ())
    assert one.source == two.source or one.source is not None
    assert one.source is not None
    assert two.source is not None
    assert one.source.prompt_set_digest == two.source.prompt_set_digest


def test_means_alone_are_flat_json_without_n():
    m = opened("ragas_repr.json", "generic")
    assert all(item.n is None for item in m.measurements)


def test_two_columns_metric_and_score_are_a_plain_table():
    assert read("ragas_results.csv", b"metric,score\nfaithfulness,0.9\n").format == "generic"


def test_rows_without_numbers_or_without_rows_are_stubs():
    assert refusal(b"user_input,response,note\nq,a,fine\n").slug == "nothing-measured"
    assert refusal(b"user_input,response,f1\n").slug == "nothing-measured"


def test_questions_stay_out_of_the_evidence():
    assert b"Capital of France" in content("ragas.csv")
    assert "France" not in str(of("ragas.csv"))
