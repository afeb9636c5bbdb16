from dataclasses import replace

import pytest

from gates.formats import FormatError, combined, read
from tests.gates.formats.opened import content

SAMPLES = "samples_gate_mc_a_2026-11-23T06-06-39.180970.jsonl"


def both():
    return read("r.json", content("lm_eval_results.json")), read(SAMPLES, content(SAMPLES))


def test_scores_take_the_place_of_their_mean_and_keep_what_the_summary_knows():
    found = [m for m in combined(both()) if (m.task, m.metric) == ("gate_mc_a", "acc")]
    (m,) = found
    assert m.ids is not None
    assert len(m.scores or ()) == 40
    assert m.direction == "higher"
    assert m.source is not None
    assert m.source.suite == "gate_mc_a@1.0"


def test_other_tasks_stay_as_they_are_and_the_order_of_files_does_not_matter():
    one, two = both()
    there, back = combined([one, two]), combined([two, one])
    assert {str(m) for m in there} == {str(m) for m in back}
    assert any(m.task == "gate_mc_b" and m.value is not None for m in there)
    assert combined([one]) == list(one.measurements)


def test_a_limited_summary_stays_limited():
    one, two = both()
    limited = replace(
        one, measurements=tuple(replace(m, incomplete="limited") for m in one.measurements)
    )
    m = next(m for m in combined([limited, two]) if m.scores and m.task == "gate_mc_a")
    assert m.incomplete == "limited"


def test_files_of_two_runs_contradict_each_other():
    one, two = both()
    other = replace(one, measurements=tuple(replace(m, value=0.9) for m in one.measurements))
    with pytest.raises(FormatError) as caught:
        combined([other, two])
    assert "not of one run" in caught.value.detail


def test_instances_of_helm_complete_its_means():
    files = [read(n, content(n)) for n in ("helm_stats.json", "helm_instances.json")]
    m = [m for m in combined(files) if m.metric == "num_completion_tokens" and not m.slice]
    assert len(m) == 1
    assert m[0].ids is not None
