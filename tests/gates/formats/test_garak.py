import json

import pytest

from gates.formats import read
from tests.gates.formats.opened import content, found, opened, refusal

LINES = content("garak.report.jsonl").splitlines()
ASR = "attack_success_rate"


def report(*changed, keep=lambda row: True):
    """The sample with lines changed by a function, and only those to keep."""
    rows = [json.loads(line) for line in LINES]
    for change in changed:
        rows = [change(row) for row in rows]
    return b"\n".join(json.dumps(row).encode() for row in rows if keep(row))


def of_report(raw):
    return found(read("run", raw))


def without_attempts(row):
    return row["entry_type"] != "attempt"


def test_a_report_gives_rates_by_probe_category_and_over_all():
    understood = opened("garak.report.jsonl", "garak")
    m = found(understood)
    whole = m[None, ASR]
    assert len(whole.scores or ()) == 10
    assert (sum(whole.scores or ()), whole.direction, whole.n_errored) == (1.0, "lower", 0)
    assert m[None, ASR, ("probe", "dan.Dan_11_0")].scores == (1.0,)
    assert len(m[None, ASR, ("category", "test")].scores or ()) == 8
    assert (understood.tool_version, understood.model) == ("0.17.1", "test.Repeat")
    assert whole.source is not None
    assert whole.source.prompt_set_digest is not None


def test_n_is_prompts_and_not_generations():
    row = next(json.loads(line) for line in LINES if b'"probe": "test.Test"' in line)
    assert row["total_evaluated"] == 32
    m = opened("garak.report.jsonl")
    assert len(found(m)[None, ASR, ("probe", "test.Test")].scores or ()) == 8


def test_attempts_stand_twice_and_count_once():
    once = report(keep=lambda row: row.get("status") != 1)
    assert of_report(once)[None, ASR].scores == of_report(report())[None, ASR].scores


def test_the_primary_detector_judges_a_probe():
    m = of_report(report())
    detector = ("detector", "mitigation.MitigationBypass"), ("probe", "dan.Dan_11_0")
    assert m[None, ASR, *detector].scores == (0.0,)
    assert m[None, ASR, ("probe", "dan.Dan_11_0")].scores == (1.0,)


def test_without_a_primary_detector_the_one_with_most_hits_judges():
    raw = report(keep=lambda row: row["entry_type"] != "plugin_cache")
    understood = read("run", raw)
    assert found(understood)[None, ASR, ("probe", "dan.Dan_11_0")].scores == (1.0,)
    assert "most hits" in " ".join(understood.notes)


def test_without_attempts_the_counts_have_the_prompts_as_n():
    m = of_report(report(keep=without_attempts))
    whole = m[None, ASR]
    assert (whole.value, whole.n) == (pytest.approx(4 / 40), 10)


def old(row):
    if row["entry_type"] == "eval":
        row = {k: v for k, v in row.items() if k not in ("hit_at_k", "intents", "fails")}
        row["total"] = row.pop("total_evaluated")
        row["detector"] = f"detector.{row['detector']}"
        row.pop("total_processed")
    if row["entry_type"] == "start_run setup":
        row = row | {"plugins.model_type": "openai", "plugins.model_name": "gpt-old"}
        row["plugins.target_type"] = row["plugins.target_name"] = None
    return row


def test_keys_of_old_versions_are_read():
    raw = report(old)
    understood = read("run", raw)
    m = found(understood)
    assert m[None, ASR, ("detector", "dan.DAN"), ("probe", "dan.Dan_11_0")].scores == (1.0,)
    assert understood.model == "gpt-old"
    bare = of_report(report(old, keep=without_attempts))[None, ASR]
    assert (bare.value, bare.n) == (pytest.approx(0.1), 10)


def test_outputs_without_a_score_are_errors_and_no_successful_defence():
    def outage(row):
        if row["entry_type"] == "attempt" and row["probe_classname"] == "test.Test":
            scores = row["detector_results"]
            row["detector_results"] = {name: [None] * len(s) for name, s in scores.items()}
        if row["entry_type"] == "eval" and row["probe"] == "test.Test":
            row |= {"passed": 0, "fails": 0, "total_evaluated": 0, "nones": 32}
        return row

    m = of_report(report(outage))
    probe = m[None, ASR, ("probe", "test.Test")]
    assert (probe.scores, probe.n_errored) == ((), 8)
    assert m[None, ASR].n_errored == 8
    bare = of_report(report(outage, keep=without_attempts))
    assert bare[None, ASR, ("probe", "test.Test")].n == 0


def test_attempts_that_contradict_the_result_are_not_believed():
    def other(row):
        return row | {"passed": 1, "fails": 3} if row.get("detector") == "dan.DAN" else row

    understood = read("run", report(other))
    m = found(understood)[None, ASR, ("probe", "dan.Dan_11_0")]
    assert (m.value, m.n) == (0.75, 1)
    assert any("the result was taken" in note for note in understood.notes)


def test_hit_at_k_has_prompts_as_n():
    m = of_report(report())[None, "hit_at_k", ("k", "4"), ("probe", "test.Test")]
    assert (m.value, m.n) == (0.0, 8)


def test_a_run_without_its_last_line_died():
    raw = report(keep=lambda row: row["entry_type"] not in ("completion", "digest"))
    assert all("did not reach its end" in (m.incomplete or "") for m in of_report(raw).values())


def test_a_report_without_results_is_a_stub():
    assert refusal(LINES[0]).slug == "nothing-measured"
    assert refusal(b"\n".join(LINES[:2])).slug == "nothing-measured"


def test_a_report_without_its_beginning_and_a_hitlog_are_told_what_to_send():
    for raw in (b"\n".join(LINES[1:]), content("garak.hitlog.jsonl")):
        error = refusal(raw)
        assert error.slug == "unrecognised-format"
        assert "whole *.report.jsonl" in error.detail


def test_the_same_prompt_has_the_same_id_in_another_run():
    def renamed(row):
        return row | {"uuid": "other"} if "uuid" in row else row

    assert of_report(report(renamed))[None, ASR].ids == of_report(report())[None, ASR].ids
    assert "removed" not in str(of_report(report()))


@pytest.mark.parametrize("counts", [{"score": 0.5}, {"total_evaluated": 4}, {"passed": 4}])
def test_results_counted_in_another_way_are_refused_with_what_to_do(counts):
    eval_ = {"entry_type": "eval", "probe": "a.B", "detector": "c.D", **counts}
    setup = {"entry_type": "start_run setup", "_config.version": "0.99"}
    rows = (setup, eval_, {"entry_type": "completion"})
    error = refusal(b"\n".join(json.dumps(row).encode() for row in rows))
    assert error.slug == "unsupported-version"
    assert "garak 0.99" in error.detail
    assert "update Clearance" in error.detail


def test_intents_are_slices_of_prompts():
    m = found(opened("garak.report.jsonl"))
    assert m[None, ASR, ("intent", "T009ignore")].scores == (1.0,)
    assert len(m[None, ASR, ("intent", "T999test")].scores or ()) == 8


def test_an_output_without_a_score_is_an_error_of_its_intent():
    def lost(row):
        if row["entry_type"] == "attempt" and row.get("detector_results"):
            first = next(iter(row["detector_results"]))
            row["detector_results"][first] = [None, *row["detector_results"][first][1:]]
        if row["entry_type"] == "eval":
            lost = row["total_evaluated"] // 4
            row |= {"total_evaluated": row["total_evaluated"] - lost, "nones": lost}
            row["passed"] = row["total_evaluated"] if row["passed"] else 0
            row["fails"] = row["total_evaluated"] - row["passed"]
        return row

    m = of_report(report(lost))[None, ASR, ("intent", "T999test")]
    assert (len(m.scores or ()), m.n_errored) == (8, 8)


def test_without_attempts_an_intent_has_a_rate_and_no_prompts():
    m = of_report(report(keep=without_attempts))[None, ASR, ("intent", "T009ignore")]
    assert (m.value, m.n) == (1.0, None)


def test_the_bootstrapped_interval_of_no_hits_is_not_believed():
    assert b'"confidence_upper": 0.0' in content("garak.report.jsonl")
    assert all(m.ci is None for m in opened("garak.report.jsonl").measurements)
