import re

import click
import pytest

from app.cli.exits import CliError
from app.cli.table import columns, decision_table
from app.pages.reading import line
from tests.app.pages import samples


def plain(decision):
    return click.unstyle(decision_table(decision))


@pytest.mark.parametrize("name", samples.ALL)
def test_the_verdict_and_every_finding_stand_there(name):
    decision = samples.ALL[name]
    text = plain(decision)
    for gate in decision["gates"]:
        for finding in gate["findings"]:
            assert finding["rule"] in text
            if finding["outcome"] not in {"pass", "not_applicable"}:
                first = finding["message"].split(" (")[0]
                assert first in re.sub(r"\s+", " ", text)


def test_hostile_text_moves_no_cursor():
    text = plain(samples.hostile())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_a_pass_looks_like_one_and_nothing_else_does():
    assert "\nPASSED  support-bot 42 → limited_release\n" in plain(samples.PASSED)
    for status in ("failed", "expired", "pending", "unheard-of"):
        assert "PASSED" not in plain({**samples.PASSED, "status": status})


def test_what_does_not_apply_is_one_line():
    lines = plain(samples.WAIVED).splitlines()
    assert "  · not applicable: later" in lines


def test_columns_count_wide_characters_twice():
    rows = columns([("日本", "x"), ("abcd", "y"), ("é", "z")])
    assert rows == ["日本  x", "abcd  y", "é     z"]


def test_errors_are_made_harmless(capsys):
    CliError("bad \x1b[31m name", "second\nline").show()
    assert capsys.readouterr().err == "Error: bad \ufffd[31m name\n  second line\n"


def test_what_percentiles_only_enclose_gets_no_made_up_middle():
    """A p99 under the limit says 99 to 100% lie within it, and not 99.5%."""
    enclosed = {**samples.LATENCY["observed"], "value": 0.995, "count": None}
    shown = line("operations", {**samples.LATENCY, "observed": enclosed})
    assert shown.seen == "n = 1,000"
    assert shown.bounds is not None
    assert shown.bounds.value is None
    counted = line("operations", samples.LATENCY)
    assert counted.seen == "96.9% (969 of 1,000)"
