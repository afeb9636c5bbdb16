import pytest

from tests.gates.formats.opened import found, of, of_value, opened, refusal, value


def judged(name, *cases, **more):
    """A run with one metric; each case is (score, threshold, success)."""
    listed = [
        {
            "name": f"case {i}",
            "success": success,
            "metricsData": [
                {"name": name, "score": score, "threshold": threshold, "success": success}
            ],
        }
        for i, (score, threshold, success) in enumerate(cases)
    ]
    return {"testCases": listed, "metricsScores": [], **more}


def test_a_run_gives_scores_case_by_case():
    understood = opened("deepeval_evaluate.json", "deepeval")
    m = found(understood)
    assert m[None, "length"].scores == (0.5, 0.3)
    assert m[None, "exact_match"].direction == "higher"
    assert m[None, "exact_match", ("tag", "geo")].scores == (1.0, 0.0)
    assert understood.model == "cand-1"
    assert m[None, "cost_per_inference"].scores == (0.00021,)
    assert m[None, "evaluation_cost"].value == 0.0024


def test_an_errored_metric_is_an_error_and_its_case_no_failure():
    m = of("deepeval_evaluate.json")
    assert (m[None, "broken"].scores, m[None, "broken"].n_errored) == ((), 2)
    assert (m[None, "pass_rate"].scores, m[None, "pass_rate"].n_errored) == ((), 2)


def test_both_cases_and_the_wrapper_are_read_alike():
    snake, camel = of("deepeval_result.json"), of("deepeval_evaluate.json")
    for key in ((None, "length"), (None, "exact_match")):
        assert snake[key].scores == camel[key].scores
        assert snake[key].ids == camel[key].ids
    assert opened("deepeval_latest.json", "deepeval").measurements[0].scores == (1.0, 0.0)


@pytest.mark.parametrize("root", [{"testRunData": None}, {"testCases": [], "metricsScores": []}])
def test_an_empty_stub_is_refused(root):
    error = refusal(root)
    assert error.slug == "nothing-measured"
    assert "stub" in error.detail


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("Hallucination", "hallucination_rate"),
        ("Bias", "bias_rate"),
        ("Toxicity", "toxicity"),
        ("PII Leakage", "leak_rate"),
    ],
)
def test_the_sense_of_harm_follows_the_version_that_success_reveals(name, called):
    before = of_value(judged(name, (0.25, 0.5, True), (0.75, 0.5, False)))[None, called]
    since = of_value(judged(name, (0.75, 0.5, True), (0.25, 0.5, False)))[None, called]
    assert before.scores == since.scores == (0.25, 0.75)
    assert before.direction == since.direction == "lower"


@pytest.mark.parametrize(
    "cases",
    [[(0.5, 0.5, True)], [(0.25, 0.5, True), (0.75, 0.5, True)], [(None, None, True)]],
)
def test_where_nothing_reveals_it_there_is_no_value(cases):
    understood = of_value(judged("Toxicity", *cases))[None, "toxicity"]
    assert (understood.missing, understood.scores) == ("not_a_number", None)


def test_the_direction_of_other_metrics_is_what_passed():
    m = of_value(judged("My Delay", (3.0, 5.0, True), (9.0, 5.0, False)))
    assert m[None, "my_delay"].direction == "lower"
    assert of_value(judged("Fresh", (1.0, 1.0, True)))[None, "fresh"].direction is None


def test_the_suffix_of_geval_is_no_part_of_the_name():
    assert (None, "correctness") in of_value(judged("Correctness [GEval]", (0.9, 0.5, True)))


def test_conversations_are_cases_too():
    root = judged("Role Adherence", (0.9, 0.5, True))
    root["conversationalTestCases"] = root["testCases"]
    root["testCases"] = []
    assert of_value(root)[None, "role_adherence"].scores == (0.9,)


def test_inputs_stay_out_of_the_evidence():
    assert "Capital" not in str(of("deepeval_evaluate.json"))


def test_a_case_has_one_id_whatever_was_answered():
    root = value("deepeval_evaluate.json")
    for case in root["testCases"]:
        case["actualOutput"] = "something else"
    key = (None, "length")
    assert of_value(root)[key].ids == of("deepeval_evaluate.json")[key].ids
