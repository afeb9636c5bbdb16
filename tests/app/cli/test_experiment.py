"""`clearance experiment`: arms on the line or in a file, exit codes, refusals."""

import json

import pytest

from tests.app.cli.shell import clearance


@pytest.mark.parametrize(
    ("counts", "code", "word"),
    [("1400/10000", 0, "ADOPT"), ("1000/10000", 1, "KEEP"), ("1230/10000", 3, "NOT DECIDED")],
)
def test_the_exit_code_is_the_verdict(counts, code, word):
    done = clearance("experiment", "--arm", "control=1200/10000", "--arm", f"new={counts}")
    assert done.returncode == code, done.stderr
    assert word in done.stdout
    assert "per 1" in done.stdout


def test_a_file_holds_what_a_line_cannot(tmp_path):
    file = tmp_path / "experiment.json"
    arms = [
        {"name": "control", "values": [1.0, 2.0] * 100},
        {"name": "new\u001b[31m", "values": [2.0, 3.0] * 100},
    ]
    file.write_text(json.dumps({"metric": "stars", "arms": arms}), "utf-8")
    done = clearance("experiment", str(file))
    assert done.returncode == 0
    assert "\u001b" not in done.stdout
    answer = clearance("experiment", str(file), "-o", "json")
    assert json.loads(answer.stdout)["primary"][0]["outcome"] == "better"


def test_a_plan_says_how_many_units():
    done = clearance("experiment", "--plan", "0.10+0.01")
    assert done.returncode == 0
    assert "units in each of 2 arms" in done.stdout
    assert clearance("experiment", "--plan", "0.10-0.01", "--lower").returncode == 0
    assert clearance("experiment", "--plan", "10+0.5", "--sd", "5", "-o", "json").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--arm", "control=1/2"],
        ["--arm", "control=1/2", "--arm", "nonsense"],
        ["--arm", "control=1/2", "--arm", "b=x,sd=1,n=4"],
        ["--arm", "control=1/2", "--arm", "b=3/2"],
        ["--arm", "control=1/2", "--arm", "b=1/2", "--plan", "0.1+0.1"],
        ["--arm", "control=1/2", "--arm", "b=1/2", "--confidence", "2"],
        ["--plan", "lots"],
        ["--plan", "0.1+0.01", "--power", "1.5"],
        ["--plan", "0.1+0.01", "--power", "0.9", "--anytime"],
        ["--plan", "0.1+0.01", "--unit", "s"],
        ["--arm", "control=1/2", "--arm", "b=1/2", "--power", "0.9"],
    ],
)
def test_wrong_usage_is_2(arguments):
    done = clearance("experiment", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""


def test_what_other_calculators_show_is_there():
    """Uplift, both ends of the interval and a p-value; a relative effect, power, days and arms."""
    done = clearance("experiment", "--arm", "control=120/1000", "--arm", "new=150/1010")
    assert "against the control" in done.stdout
    assert "+23.8%" in done.stdout
    assert "-0.001315" in done.stdout
    assert "0.05845" in done.stdout
    assert "4 times in 5" in done.stdout
    share = clearance("experiment", "--plan", "0.10+10%", "--power", "0.9", "--per-day", "2000")
    points = clearance("experiment", "--plan", "0.10+0.01", "--power", "0.9", "--per-day", "2000")
    assert share.stdout == points.stdout
    assert "with a chance of 90%" in share.stdout
    assert "20 days at 2,000 a day" in share.stdout
    assert "each of 3 arms" in clearance("experiment", "--plan", "0.1+0.01", "--arms", "3").stdout
    wrong_way = clearance("experiment", "--plan", "0.10-0.01")
    assert "because more is better here" in wrong_way.stdout
    few = ("--arm", "control=3.1,sd=1,n=40", "--arm", "new=4.2,sd=1,n=41")
    assert "cannot answer" in clearance("experiment", *few).stdout
    assert clearance("experiment", *few, "--range", "1", "5").returncode == 0


def test_one_arm_and_misplaced_options_say_what_to_do():
    one = clearance("experiment", "--arm", "control=1/2")
    assert "give the control first" in one.stderr
    assert (
        "--sd belongs to --plan"
        in clearance("experiment", "--arm", "a=1/2", "--arm", "b=1/2", "--sd", "1").stderr
    )


def test_an_arm_that_cannot_be_is_the_only_thing_named():
    done = clearance("experiment", "--arm", "control=5/3", "--arm", "new=0/100")
    assert done.returncode == 2
    assert "/arms/0: 5 of 3 is more than all" in done.stderr
    assert "at least 2 items" not in done.stderr
