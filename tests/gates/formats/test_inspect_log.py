import io
import json
import zipfile

import pytest
import zstandard

from gates.formats import read
from tests.gates.formats.opened import content, found, of, of_value, opened, refusal, value

LOGS = ["inspect_capitals.json", "inspect_capitals.eval", "inspect_header_only.json"]


@pytest.mark.parametrize("name", LOGS)
def test_json_zstd_archive_and_header_say_the_same(name):
    understood = opened(name, "inspect")
    m = found(understood)["capitals", "accuracy"]
    assert m.scores == (0.0, 0.0, 1.0, 1.0)
    assert m.ids == ("q1", "q2", "q3", "q4")
    assert (m.clusters, m.n_errored, m.errors_stated, m.incomplete) == (None, 0, True, None)
    assert m.source is not None
    assert (m.source.tool, m.source.suite, m.source.dataset_name) == (
        "inspect",
        "capitals",
        "capitals",
    )
    assert understood.model == "mockllm/model"
    assert understood.tool_version == "0.3.285"
    assert understood.measured_at is not None
    assert "headline is includes/accuracy" in understood.notes[0]


def test_the_same_questions_have_one_digest_however_the_log_came():
    digests = {
        m.source.dataset_digest for name in LOGS for m in opened(name).measurements if m.source
    }
    assert len(digests) == 1
    assert None not in digests


def test_epochs_are_clusters_and_not_new_examples():
    m = of("inspect_grouped_epochs.json")["capitals_grouped/includes", "accuracy"]
    assert m.scores is not None
    assert len(m.scores) == 8
    assert m.ids is not None
    assert m.clusters is not None
    assert len(set(m.ids)) == 8
    assert sorted(set(m.clusters)) == ["q1", "q2", "q3", "q4"]


def test_another_reducer_than_the_mean_is_read_from_the_reductions():
    root = value("inspect_grouped_epochs.json")
    for part in (*root["results"]["scores"], *root["reductions"]):
        part["reducer"] = "max"
    m = of_value(root)["capitals_grouped/includes", "accuracy"]
    assert (m.scores, m.clusters) == ((0.0, 0.0, 1.0, 1.0), None)


def test_groups_are_slices_and_all_is_no_group():
    slices = {key[2] for key in of("inspect_grouped_epochs.json") if len(key) > 2}
    assert slices == {("region", name) for name in ("europe", "asia", "africa", "america")}


def test_groups_stay_where_there_are_no_samples():
    root = value("inspect_grouped_epochs.json")
    del root["samples"], root["reductions"]
    m = of_value(root)
    assert m["capitals_grouped/includes", "accuracy", ("region", "asia")].value == 0.0
    assert m["capitals_grouped/includes", "accuracy", ("region", "asia")].n is None
    whole = m["capitals_grouped/includes", "accuracy"]
    # 8 samples are 4 examples in 2 epochs: the reduced number is the n.
    assert (whole.value, whole.n, whole.stderr) == (0.5, 4, 0.28867513459481287)


def test_a_score_of_a_dict_is_a_metric_by_its_own_name():
    m = of("inspect_dict_scorer.json")
    assert m["multi", "helpful"].scores == (0.75,) * 4
    assert m["multi", "harmful"].scores == (0.0,) * 4


def test_stderr_beside_a_metric_is_its_spread_and_no_metric():
    root = value("inspect_capitals.json")
    del root["samples"], root["reductions"]
    m = of_value(root)
    assert ("capitals", "stderr") not in m
    assert m["capitals", "accuracy"].stderr == 0.28867513459481287


def test_an_errored_sample_is_an_error_and_not_a_zero():
    m = of("inspect_one_error.json")["flaky_task", "accuracy"]
    assert m.scores == (0.0, 0.0, 1.0)
    assert m.n_errored == 1


def test_an_errored_sample_shows_without_the_samples_too():
    root = value("inspect_one_error.json")
    del root["samples"], root["reductions"]
    m = of_value(root)["flaky_task", "accuracy"]
    assert (m.n, m.n_errored) == (3, 1)


def test_letters_booleans_and_numbers_are_scores():
    root = value("inspect_capitals.json")
    for sample, score in zip(root["samples"], ["C", "P", True, "N"], strict=True):
        sample["scores"]["includes"]["value"] = score
    root["results"]["scores"][0]["metrics"]["accuracy"]["value"] = 0.625
    assert of_value(root)["capitals", "accuracy"].scores == (1.0, 0.5, 1.0, 0.0)


def test_samples_that_do_not_add_up_to_the_metric_are_not_its_scores():
    root = value("inspect_capitals.json")
    root["results"]["scores"][0]["metrics"]["accuracy"]["value"] = 0.9
    m = of_value(root)["capitals", "accuracy"]
    assert (m.scores, m.value, m.n) == (None, 0.9, 4)


def test_a_nan_stays_in_sight_and_is_no_value():
    raw = content("inspect_header_only.json").replace(b'"value":0.5', b'"value":NaN')
    m = found(read("x", raw))["capitals", "accuracy"]
    assert m.scores is not None or m.missing == "not_a_number"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "cancelled"}, "status is cancelled"),
        ({"status": "started"}, "status is started"),
        ({"invalidated": True}, "invalidated"),
    ],
)
def test_a_run_that_did_not_succeed_is_incomplete(change, why):
    m = of_value(value("inspect_capitals.json") | change)["capitals", "accuracy"]
    assert m.incomplete is not None
    assert why in m.incomplete


@pytest.mark.parametrize("key", ["limit", "sample_id"])
def test_a_limited_run_is_incomplete(key):
    root = value("inspect_capitals.json")
    root["eval"]["config"][key] = 2
    m = of_value(root)["capitals", "accuracy"]
    assert m.incomplete is not None
    assert "limited" in m.incomplete


def test_an_error_without_results_keeps_its_samples_in_sight():
    understood = opened("inspect_status_error.json", "inspect")
    assert all("upstream 500" in (m.incomplete or "") for m in understood.measurements)


def test_an_error_with_nothing_scored_says_so():
    root = value("inspect_status_error.json")
    del root["samples"]
    error = refusal(root)
    assert error.slug == "nothing-measured"
    assert "upstream 500" in error.detail


def test_version_1_has_one_scorer_and_bootstrap_std():
    root = value("inspect_header_only.json")
    root["version"] = 1
    del root["reductions"]
    metrics = {"accuracy": {"value": 0.5}, "bootstrap_std": {"value": 0.2}}
    root["results"] = {"scorer": {"name": "includes"}, "metrics": metrics, "completed_samples": 4}
    m = of_value(root)["capitals", "accuracy"]
    assert (m.value, m.stderr, m.n) == (0.5, 0.2, 4)


def test_an_unknown_log_version_is_refused_with_what_to_do():
    error = refusal(value("inspect_capitals.json") | {"version": 9})
    assert error.slug == "unsupported-version"
    assert "inspect log convert" in error.detail


def test_tokens_and_cost_are_those_of_the_model_and_not_of_judges():
    root = value("inspect_capitals.json")
    for sample in root["samples"]:
        sample["model_usage"]["judge"] = {"total_tokens": 9000}
        sample["model_usage"]["mockllm/model"]["total_cost"] = 0.002
    m = of_value(root)
    assert m["capitals", "tokens_per_request"].scores == (66.0, 64.0, 64.0, 63.0)
    cost = m["capitals", "cost_per_inference"]
    assert (cost.scores, cost.unit) == ((0.002,) * 4, "USD")
    assert m["capitals", "latency"].unit == "s"


def archive(members, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return buffer.getvalue()


def members():
    root = value("inspect_capitals.json")
    samples, reductions = root.pop("samples"), root.pop("reductions")
    return {
        "_journal/start.json": json.dumps({"version": 2, "eval": root["eval"]}),
        "summaries.json": json.dumps(samples),
        "reductions.json": json.dumps(reductions),
        "header.json": json.dumps(root),
    }


def test_older_archives_are_deflated():
    assert of("inspect_capitals.json").keys() == found(read("x", archive(members()))).keys()


def test_an_archive_without_a_header_was_never_finished():
    unfinished = members()
    del unfinished["header.json"], unfinished["reductions.json"]
    m = found(read("x", archive(unfinished)))
    assert all(item.incomplete == "the run's status is started" for item in m.values())


def test_an_archive_that_grows_without_end_is_refused():
    bomb = members() | {"header.json": b" " * (80 * 2**20)}
    error = refusal(archive(bomb))
    assert error.slug == "file-too-large"
    assert "header.json" in error.detail


def test_a_zstd_member_that_lies_about_its_size_is_refused():
    data = zstandard.ZstdCompressor().compress(b" " * (80 * 2**20))
    raw = archive(members() | {"header.json": data}, zipfile.ZIP_STORED)
    with zipfile.ZipFile(io.BytesIO(raw)) as made:
        info = made.getinfo("header.json")
    assert info.compress_size < 100_000
    # Stored becomes zstd (93) in the directory: what it holds is then decompressed.
    at = raw.rfind(b"header.json") - 46 + 10
    error = refusal(raw[:at] + b"\x5d\x00" + raw[at + 2 :])
    assert error.slug == "file-too-large"


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b", "c:\\x"])
def test_members_outside_of_the_archive_are_refused(name):
    error = refusal(archive(members() | {name: "{}"}))
    assert error.slug == "malformed-file"
    assert "outside" in error.detail


def test_too_many_members_are_refused_before_they_are_listed():
    many = members() | {f"samples/{i}.json": "" for i in range(50_001)}
    assert refusal(archive(many, zipfile.ZIP_STORED)).slug == "file-too-large"


def test_a_cut_or_broken_archive_is_refused():
    raw = content("inspect_capitals.eval")
    assert "cut off" in refusal(raw[:-100]).detail
    broken = raw.replace(b"\x28\xb5\x2f\xfd", b"\x00\x00\x00\x00")
    assert refusal(broken).slug == "malformed-file"


def test_an_archive_in_an_archive_is_not_opened():
    inner = archive(members())
    error = refusal(archive({"log.eval": inner}))
    assert error.slug == "unrecognised-format"
    assert "zip archive" in error.detail


def old_groups(*samples):
    metrics = {"easy": {"value": 1.0}, "hard": {"value": 0.0}, "all": {"value": 0.5}}
    root = value("inspect_capitals.json") | {"samples": list(samples), "reductions": []}
    root["results"] = {
        "total_samples": 2,
        "completed_samples": 2,
        "scores": [{"name": "s", "scorer": "s", "metrics": metrics}],
    }
    return of_value(root)


def test_older_logs_write_groups_as_metrics_without_a_mark():
    m = old_groups()
    assert (m["capitals", "s"].value, m["capitals", "s"].n) == (0.5, 2)
    # How many samples a group had is not in the log.
    assert (
        m["capitals", "s", ("group", "easy")].value,
        m["capitals", "s", ("group", "easy")].n,
    ) == (1.0, None)
    assert ("capitals", "all") not in m


def test_the_samples_of_an_older_log_say_more_than_its_groups():
    m = old_groups(
        *(
            {"id": level, "epoch": 1, "metadata": {"level": level}, "scores": {"s": {"value": v}}}
            for level, v in (("easy", "C"), ("hard", "I"))
        )
    )
    assert m["capitals", "s"].scores == (1.0, 0.0)
    assert m["capitals", "s", ("level", "easy")].scores == (1.0,)
    assert ("capitals", "s", ("group", "easy")) not in m


def test_older_logs_count_completed_samples_only():
    root = value("inspect_header_only.json") | {"reductions": []}
    score = {"name": "s", "scorer": "s", "metrics": {"f1": {"value": 0.5}}}
    root["results"] = {"total_samples": 8, "completed_samples": 6, "scores": [score]}
    m = of_value(root)["capitals", "f1"]
    assert (m.n, m.n_errored, m.errors_stated) == (6, 2, True)


def test_the_version_of_a_task_is_part_of_its_name():
    root = value("inspect_capitals.json")
    for version, suite in ((0, "capitals"), (2, "capitals@2"), ("b", "capitals@b")):
        root["eval"]["task_version"] = version
        m = of_value(root)["capitals", "accuracy"]
        assert m.source is not None
        assert m.source.suite == suite
