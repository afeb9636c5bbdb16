import json

import pytest

from app.policies.difference import differences
from tests.app.cli.shell import DATA, clearance

HEAD = "policy: p\nowner: o\napplies_to: {model: '*', stage: '*'}\n"


@pytest.mark.parametrize(
    "name", ["lm_eval_results.json", "sklearn_report.json", "junit_promptfoo.xml"]
)
def test_a_drafted_policy_loads_and_its_file_passes(tmp_path, name):
    done = clearance("policy", "new", "--from", DATA / name)
    assert done.returncode == 0
    path = tmp_path / "policy.yaml"
    path.write_text(done.stdout)
    assert clearance("policy", "lint", path).returncode == 0
    checked = clearance("check", DATA / name, "--policy", path)
    assert checked.returncode == 0, checked.stdout


def test_nothing_to_draft_is_2(tmp_path):
    path = tmp_path / "r.json"
    path.write_text('{"accuracy": 0.9}')
    done = clearance("policy", "new", "--from", path)
    assert done.returncode == 2
    assert done.stdout == ""


def test_lint_names_every_problem_with_its_line(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(HEAD + "gates:\n  q:\n    - {metric: acuracy, min: 0.5}\n    - {metric: f1}\n")
    done = clearance("policy", "lint", path)
    assert done.returncode == 2
    assert f"{path}:6: /gates/q/0/metric:" in done.stderr
    assert f"{path}:7: " in done.stderr


def test_lint_of_a_pack_and_its_text():
    done = clearance("policy", "lint", "starter", "-o", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["valid"] is True
    assert clearance("policy", "show", "starter@1").stdout.count("policy: starter") == 1


def test_diff_tells_what_changes(tmp_path):
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(HEAD + "gates: {q: [{metric: accuracy, min: 0.8}, {metric: f1, min: 0.5}]}\n")
    new.write_text(
        HEAD + "gates: {q: [{metric: accuracy, min: 0.9}], s: [{metric: recall, min: 0.5}]}\n"
    )
    lines = clearance("policy", "diff", old, new).stdout.splitlines()
    assert lines[0] == "q/accuracy: min 0.8 -> 0.9"
    assert lines[1].startswith("- q/f1 ")
    assert lines[2].startswith("+ s/recall ")
    assert clearance("policy", "diff", old, old).stdout == "They ask for the same.\n"


def test_differences_see_the_header():
    assert differences({"owner": "a"}, {"owner": "b", "valid_days": 3}) == [
        'owner "a" -> "b"',
        "valid_days (not set) -> 3",
    ]


def test_a_policy_without_a_name_cannot_be_pushed(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("owner: o\n")
    done = clearance("policy", "push", path)
    assert done.returncode == 2
    assert "policy: <its name>" in done.stderr


def test_a_plan_names_sizes_and_what_can_never_be_proven(tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(
        "policy: p\nowner: o\napplies_to: {model: m, stage: s}\ngates:\n  quality:\n"
        "    - {metric: accuracy, min: 0.85, target: 0.9}\n    - {metric: precision, min: 1.0}\n",
        "utf-8",
    )
    done = clearance("policy", "plan", str(file), "--n", "500")
    assert done.returncode == 0
    assert "examples if the target 0.9 is the truth. With 500 a pass is likely" in done.stdout
    assert "precision: can never be proven" in done.stdout
    answer = clearance("policy", "plan", str(file), "-o", "json")
    assert [item["provable"] for item in json.loads(answer.stdout)["plan"]] == [True, False]
    assert clearance("policy", "plan", str(tmp_path / "none.yaml")).returncode == 2


def test_a_plan_takes_a_spread_or_a_pilot_and_refuses_what_fits_nothing(tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(
        "policy: p\nowner: o\napplies_to: {model: '*', stage: '*'}\n"
        "gates: {cost: [{metric: cost_per_inference, max: 0.004, target: 0.003, unit: USD}]}\n"
    )
    plan = ("policy", "plan", str(file))
    unknown = clearance(*plan)
    assert unknown.stdout.startswith("? ")
    assert "--sd cost_per_inference=SD" in unknown.stdout
    stated = clearance(*plan, "--sd", "cost_per_inference=40%", "-o", "json")
    assert json.loads(stated.stdout)["plan"][0]["samples"] >= 100
    pilot = tmp_path / "pilot.csv"
    rows = [f"e{i},{0.002 + 0.0001 * (i % 20)}" for i in range(120)]
    pilot.write_text("id,cost_per_inference\n" + "\n".join(rows) + "\n")
    from_it = clearance(*plan, "--from", str(pilot))
    assert "as in the pilot" in from_it.stdout, from_it.stderr
    for wrong, said in (
        (("--sd", "csat=1"), "No rule plans with csat; the policy asks for cost_per_inference."),
        (("--sd", "cost_per_inference"), "Write --sd cost_per_inference=0.002"),
        (("--sd", "cost_per_inference=0"), "must be a number above 0"),
        (("--about", "x=y"), "Write --about selection_rate=0.3"),
        (("--baseline", str(pilot)), "--baseline belongs to --from"),
        (("--from", str(tmp_path / "none.csv")), "cannot be read"),
        (("--from", str(pilot), "--history"), "not both"),
    ):
        done = clearance(*plan, *wrong)
        assert done.returncode == 2
        assert said in done.stderr
