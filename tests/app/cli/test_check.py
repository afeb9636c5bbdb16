import json
import re
import shlex
import subprocess
import sys

import pytest
from defusedxml.ElementTree import fromstring

from tests.app.cli.shell import DATA, clearance, clearance_here, environment

RATE = "accuracy=1148/1319"
GSM8K = [{"task": "gsm8k/strict-match", "metric": "exact_match", "count": 1148, "n": 1319}]


@pytest.fixture
def gsm8k(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(GSM8K))
    return path


def test_a_file_is_shown_with_its_bounds_and_a_line_to_copy(gsm8k):
    done = clearance("check", gsm8k)
    assert done.returncode == 0
    assert done.stderr == ""
    words = "gsm8k/strict-match exact_match 87.0% (1148 of 1319), shown to be at least 85.3%"
    assert words in done.stdout
    (line,) = (line for line in done.stdout.splitlines() if "--require" in line)
    assert "gsm8k/strict-match.exact_match>=0.85" in line
    copied = clearance(*shlex.split(line)[1:])
    assert copied.returncode == 0
    assert "PASSED" in copied.stdout


@pytest.mark.parametrize("path", sorted(DATA.iterdir()), ids=lambda path: path.name)
def test_real_files_are_shown_and_what_is_proposed_passes(path):
    done = clearance("check", path)
    assert done.returncode == 0
    for line in done.stdout.splitlines():
        if "--require" in line:
            copied = clearance_here(*shlex.split(line)[1:])
            assert copied.returncode in {0, 3}, copied.stdout
            assert "✗" not in copied.stdout
            assert "∅" not in copied.stdout


@pytest.mark.parametrize(
    ("count", "code", "word"),
    [("445/500", 0, "PASSED"), ("400/500", 1, "FAILED"), ("435/500", 3, "NEEDS A DECISION")],
)
def test_a_requirement_decides(count, code, word):
    done = clearance("check", "--set", f"accuracy={count}", "--require", "accuracy>=0.85")
    assert done.returncode == code
    assert word in done.stdout
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name a result file"),
        (["/does/not/exist"], "No such file"),
        ([str(DATA)], "is a directory"),
        (["--set", "accuracy"], "--set"),
        (["--set", "accuracy=nan"], "--set"),
        (["--set", "accuracy=1e999"], "not a finite number"),
        (["--set", "accuracy=5/4"], "more than all"),
        (["--set", "accuracy=1.7:100"], "accuracy is a proportion"),
        (["--set", RATE, "--require", "accuracy>0.85"], "--require"),
        (["--set", RATE, "--require", "accuracy>=high"], "--require"),
        (["--set", RATE, "--require", "accuracy<=0.9"], "higher is better"),
        (["--set", RATE, "--require", "accuracy>=85"], "never true"),
        (["--set", RATE, "--require", "acuracy>=0.85"], "Did you mean accuracy"),
        (["--set", "mine=0.9:99", "--require", "mine>=0.5"], "what kind of number mine is"),
        (["--set", RATE, "--policy", "startr"], "Did you mean starter"),
        (["--set", RATE, "--policy", "starter", "--require", "accuracy>=0.5"], "--policy or"),
        (["--set", RATE, "--set", "accuracy=3/4", "--require", "accuracy>=0.5"], "has 2 values"),
        (["--set", RATE, "--output", "junit"], "needs a decision"),
        (["--set", RATE, "--output", "xml"], "xml"),
        (["--set", RATE, "--policy", "starter", "--document", "dpia"], "--document"),
        (["--set", RATE, "--policy", "starter", "--document", "kind=dpia,issued_at=x"], "no time"),
        (["--set", RATE, "--nonsense"], "nonsense"),
    ],
)
def test_wrong_usage_is_2_and_says_what_to_do(arguments, said):
    done = clearance("check", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\x00\x01\x02", b"[" * 100_000, b'{"a": 1, "a": 2}', b"hello world"]
)
def test_broken_files_are_2(tmp_path, content):
    path = tmp_path / "results.json"
    path.write_bytes(content)
    done = clearance("check", path, "--require", "accuracy>=0.5")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "results.json" in done.stderr


def test_json_is_the_decision_and_nothing_else():
    arguments = ("--set", RATE, "--require", "accuracy>=0.8", "-o", "json")
    decision = json.loads(clearance("check", *arguments).stdout)
    assert decision["verdict"] == "pass"
    assert decision["id"] is None
    assert decision["audit"] is None
    assert decision["policy"]["name"] == "command-line"
    (gate,) = decision["gates"]
    (finding,) = gate["findings"]
    assert finding["observed"]["count"] == 1148
    assert finding["observed"]["lower"] > 0.8
    assert finding["limit"] == {"min": 0.8}
    assert finding["slice"] == {}


def test_junit_and_reports_come_alone():
    arguments = ("check", "--set", "accuracy=400/500", "--require", "accuracy>=0.85", "-o")
    junit = clearance(*arguments, "junit")
    assert junit.returncode == 1
    assert fromstring(junit.stdout).get("failures") == "2"
    assert clearance(*arguments, "markdown").stdout.startswith("## ❌ Failed")
    assert clearance(*arguments, "html").stdout.startswith("<!doctype html>")


def test_github_output_annotates_and_writes_its_files(tmp_path):
    out, summary = tmp_path / "out", tmp_path / "summary"
    done = clearance(
        *("check", "--set", "accuracy=400/500", "--require", "accuracy>=0.85", "-o", "github"),
        env={"GITHUB_OUTPUT": str(out), "GITHUB_STEP_SUMMARY": str(summary)},
    )
    assert done.returncode == 1
    assert all(line.startswith("::") for line in done.stdout.splitlines())
    assert done.stdout.startswith("::error title=required/accuracy::Accuracy 80.0%25 (400 of 500)")
    assert re.search(r"^status<<(\S+)\nfailed\n\1$", out.read_text(), re.MULTILINE)
    assert summary.read_text().startswith("## ❌ Failed")


def test_hostile_names_reach_neither_terminal_nor_workflow(tmp_path):
    name = "accuracy\x1b]0;owned\x07\u202e\n::set-output name=status::passed"
    path = tmp_path / "results.json"
    path.write_text(json.dumps([{"task": name, "metric": "accuracy", "count": 1, "n": 99}]))
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "policy: p\nowner: o\napplies_to: {model: '*', stage: '*'}\n"
        "gates: {q: [{metric: accuracy, task: '*', min: 0.8}]}\n"
    )
    for output in ("table", "github", "markdown", "html"):
        done = clearance("check", path, "--policy", policy, "-o", output)
        assert done.returncode == 1
        assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", done.stdout), output
        assert not re.search("^::set-output", done.stdout, re.MULTILINE)


def test_a_hostile_name_is_shown_safely_without_a_policy(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps([{"metric": "a\x1b[2Jb", "count": 1, "n": 99}]))
    done = clearance("check", path)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout


def test_a_policy_file_with_parent_baseline_and_documents(tmp_path):
    (tmp_path / "parent.yaml").write_text(
        "policy: parent\nowner: o\napplies_to: {model: '*', stage: '*'}\n"
        "gates: {quality: [{metric: accuracy, min: 0.5}]}\n"
    )
    child = tmp_path / "child.yaml"
    child.write_text(
        "policy: child\nowner: o\napplies_to: {model: 'bot*', stage: '*'}\n"
        "extends: [parent]\ngates:\n"
        "  quality: [{id: drop, metric: accuracy, versus_baseline: {max_drop: 0.1}}]\n"
        "  papers: [{document: dpia, signed_by: dpo}]\n"
    )
    for name, count in (("new", 445), ("old", 440)):
        rows = [{"metric": "accuracy", "count": count, "n": 500}]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    done = clearance(
        *("check", tmp_path / "new.json", "--policy", child, "-o", "json"),
        *("--baseline", tmp_path / "old.json", "--model", "bot", "--version", "7"),
        *("--document", "kind=dpia,signed_by=dpo,issued_at=2026-09-01"),
    )
    decision = json.loads(done.stdout)
    found = {f["rule"]: f for gate in decision["gates"] for f in gate["findings"]}
    assert done.returncode == 3
    assert found["accuracy"]["outcome"] == "pass"
    assert found["drop"]["outcome"] == "pass"
    assert found["document-dpia"]["reason"] == "needs_service"
    assert decision["candidate"]["version"] == "7"
    other = clearance("check", tmp_path / "new.json", "--policy", child, "--model", "cat")
    assert other.returncode == 2
    assert "does not apply to cat" in other.stderr


def test_a_policy_that_does_not_load_names_file_and_line(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("policy: p\nowner: o\napplies_to: {model: '*', stage: '*'}\ngate: {}\n")
    done = clearance("check", "--set", RATE, "--policy", path)
    assert done.returncode == 2
    assert f"{path}:4: /gate:" in done.stderr
    assert "`gate` is not a field here" in done.stderr


def test_standard_input_is_a_file():
    rows = json.dumps([{"metric": "accuracy", "count": 445, "n": 500}]).encode()
    done = clearance("check", "-", "--require", "accuracy>=0.85", stdin=rows)
    assert done.returncode == 0


def test_an_unwritable_github_file_is_no_verdict():
    done = clearance(
        *("check", "--set", RATE, "--require", "accuracy>=0.5", "-o", "github"),
        env={"GITHUB_OUTPUT": "/does/not/exist"},
    )
    assert done.returncode == 2
    assert "GITHUB_OUTPUT" in done.stderr


HEAVY = (
    *("numpy", "scipy", "fastapi", "starlette", "uvicorn", "sqlalchemy", "httpx", "cryptography"),
    *("pandas", "mlflow", "evidently", "sklearn", "jinja2", "cel"),
)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["check", str(DATA / "lm_eval_results.json")],
        ["check", "--set", RATE, "--require", "accuracy>=0.8"],
        ["check", "--set", "accuracy=435/500", "--require", "accuracy>=0.85", "-o", "github"],
        ["show", str(DATA / "sklearn_report.json")],
        ["policy", "new", "--from", str(DATA / "junit_pytest.xml")],
    ],
    ids=lambda arguments: " ".join(arguments[:2])[:20],
)
def test_a_plain_rate_loads_nothing_heavy(arguments):
    code = (
        "import sys\nfrom app.cli import main\n"
        f"sys.argv = ['clearance', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=environment(),
    )
    assert done.stderr.strip().splitlines()[-1] == "[]"
