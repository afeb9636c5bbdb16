import json
import os
import shutil

import pytest

from app.cli.beside import MAX_FILES, given
from tests.app.cli.shell import DATA, clearance

STAMP = "2026-11-23T06-06-39.180970"
OTHER = "2026-11-24T06-06-39.180970"
SUMMARY, SCORES = f"results_{STAMP}.json", f"samples_gate_mc_a_{STAMP}.jsonl"


def run(folder, stamp=STAMP, name="results"):
    """A folder as lm_eval leaves it: the summary, and the samples of one of its tasks."""
    folder.mkdir(exist_ok=True)
    shutil.copy(DATA / "lm_eval_results.json", folder / f"{name}_{stamp}.json")
    shutil.copy(DATA / SCORES, folder / f"samples_gate_mc_a_{stamp}.jsonl")
    return folder / f"{name}_{stamp}.json"


POLICY = """
policy: p
owner: o
applies_to: {model: "*", stage: "*"}
gates:
  quality:
    - {id: not-worse, metric: acc, task: gate_mc_a, versus_baseline: {max_drop: 0.1}}
"""


def names(*paths, alone=False):
    return [item.name for item in given([str(path) for path in paths], alone=alone)]


@pytest.mark.parametrize("name", ["results", "my_output"])
def test_samples_of_the_same_stamp_belong_to_a_summary(tmp_path, name):
    path = run(tmp_path, name=name)
    assert names(path) == [f"{name}_{STAMP}.json", SCORES]
    assert names(path, alone=True) == [f"{name}_{STAMP}.json"]


def test_samples_of_another_stamp_do_not(tmp_path):
    run(tmp_path)
    path = run(tmp_path, OTHER)
    assert names(path) == [f"results_{OTHER}.json", f"samples_gate_mc_a_{OTHER}.jsonl"]


def test_a_file_that_was_named_is_not_taken_twice(tmp_path):
    path = run(tmp_path)
    assert names(tmp_path / SCORES, path) == [SCORES, SUMMARY]
    assert names(path, os.path.relpath(tmp_path / SCORES)) == [SUMMARY, SCORES]


def test_a_renamed_summary_is_not_paired_by_guessing(tmp_path, capsys):
    path = run(tmp_path).rename(tmp_path / "results.json")
    assert names(path) == ["results.json"]
    assert "does not say of which run" in capsys.readouterr().err


def test_instances_of_helm_have_a_fixed_name(tmp_path):
    shutil.copy(DATA / "helm_stats.json", tmp_path / "stats.json")
    assert names(tmp_path / "stats.json") == ["stats.json"]
    shutil.copy(DATA / "helm_instances.json", tmp_path / "per_instance_stats.json")
    assert names(tmp_path / "stats.json") == ["stats.json", "per_instance_stats.json"]


def test_links_and_what_is_no_file_are_left_out(tmp_path, capsys):
    path = run(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("s")
    (tmp_path / SCORES).unlink()
    (tmp_path / SCORES).symlink_to(secret)
    assert names(path) == [SUMMARY]
    assert "is a link" in capsys.readouterr().err
    (tmp_path / SCORES).unlink()
    os.mkfifo(tmp_path / SCORES)
    assert names(path) == [SUMMARY]


def test_more_than_the_service_takes_is_left_out_whole(tmp_path, capsys):
    path = run(tmp_path)
    for number in range(MAX_FILES):
        (tmp_path / f"samples_t{number}_{STAMP}.jsonl").touch()
    assert names(path) == [SUMMARY]
    assert f"{MAX_FILES + 1} files" in capsys.readouterr().err


def test_files_that_are_too_large_together_are_left_out(tmp_path, capsys):
    path = run(tmp_path)
    os.truncate(tmp_path / SCORES, 2**30 + 1)
    assert names(path) == [SUMMARY]
    assert "1,024 MiB" in capsys.readouterr().err


def test_stdin_and_absent_files_have_nothing_beside_them(tmp_path):
    assert names("-", tmp_path / "no" / SUMMARY) == ["stdin", SUMMARY]


def test_show_says_what_it_found(tmp_path):
    path = run(tmp_path)
    text = clearance("show", path).stdout
    assert f"{SCORES} was found beside {SUMMARY}" in text
    first, second = json.loads(clearance("show", path, "-o", "json").stdout)
    assert "beside" not in first
    assert second["beside"] == str(path)
    assert len(json.loads(clearance("show", path, "--only-named", "-o", "json").stdout)) == 1


def test_check_pairs_candidate_and_baseline_by_example(tmp_path):
    new, old = run(tmp_path / "new"), run(tmp_path / "old", OTHER)
    policy = tmp_path / "p.yaml"
    policy.write_text(POLICY)
    arguments = ("check", new, "--baseline", old, "--policy", policy, "-o", "json")
    made = json.loads(clearance(*arguments).stdout)
    ((finding,),) = (gate["findings"] for gate in made["gates"])
    assert (finding["outcome"], finding["observed"]["method"]) == ("pass", "tango")
    for folder, stamp in (("new", STAMP), ("old", OTHER)):
        place = tmp_path / folder / f"samples_gate_mc_a_{stamp}.jsonl"
        assert any(note.startswith(f"{place} was found beside") for note in made["notes"])
    # Without the single scores the same question is open.
    assert clearance(*arguments, "--only-named").returncode == 3


def test_a_broken_file_that_nobody_named_is_an_error_that_says_how_to_leave_it_out(tmp_path):
    path = run(tmp_path)
    (tmp_path / SCORES).write_text('{"doc_id": 1, "resps": [], "filtered_resps": [], "acc": 1}\n{')
    done = clearance("check", path)
    assert done.returncode == 2
    assert "--only-named" in done.stderr
    assert clearance("check", path, "--only-named").returncode == 0


def test_submit_names_what_it_sends_unasked(tmp_path):
    path = run(tmp_path)
    nobody = {"CLEARANCE_URL": "http://127.0.0.1:9", "CLEARANCE_TOKEN": "clr_x"}
    what = ("submit", path, "-m", "bot", "-v", "1", "-s", "evaluation")
    done = clearance(*what, env=nobody)
    assert done.returncode == 4
    assert f"Also sending {tmp_path / SCORES}" in done.stderr
    assert "prompts and answers" in done.stderr
    assert "Also sending" not in clearance(*what, "--only-named", env=nobody).stderr
