import json

import pytest

from tests.app.cli.shell import DATA, clearance


@pytest.mark.parametrize("path", sorted(DATA.iterdir()), ids=lambda path: path.name)
def test_real_files_are_understood(path):
    done = clearance("show", path, "-o", "json")
    assert done.returncode == 0
    (found,) = json.loads(done.stdout)
    assert found["measurements"]
    assert found["digest"].startswith("sha256:")


def test_the_table_names_format_and_measurements():
    text = clearance("show", DATA / "sklearn_report.json").stdout
    assert "scikit-learn classification report" in text
    assert "class=cat" in text
    assert "roll-up, never judged" in text


def test_what_is_no_mean_is_not_shown_as_one(tmp_path):
    path = tmp_path / "x.json"
    given = [
        {"metric": "roc_auc", "scores": [0.9, 0.1], "labels": [1, 0]},
        {"metric": "cost_per_success", "unit": "USD", "scores": [2, 3], "denominators": [1, 0]},
        {"metric": "kappa", "table": [[75, 1], [5, 19]]},
        {"metric": "incidents", "count": 3, "exposure": 1000},
    ]
    path.write_text(json.dumps(given))
    text = clearance("show", path).stdout
    for shown in ("scores with labels", "scores with denominators", "table of 100", "3 in 1000"):
        assert shown in text
    assert " mean " not in text


def test_an_unknown_file_says_what_was_tried(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"hello": "world"}')
    done = clearance("show", path)
    assert done.returncode == 2
    assert "Tried" in done.stderr
    assert "clearance formats" in done.stderr


def test_formats_are_listed():
    names = [item["name"] for item in json.loads(clearance("formats", "-o", "json").stdout)]
    assert {"lm-eval", "junit", "sklearn-report"} <= set(names)
    assert "JUnit XML" in clearance("formats").stdout
