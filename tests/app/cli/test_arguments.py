from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli import arguments
from app.cli.exits import CliError, code_of
from gates.evidence import Measurement


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("accuracy=0.87", Measurement("accuracy", value=0.87)),
        ("accuracy=0.87:1319", Measurement("accuracy", value=0.87, n=1319)),
        ("accuracy=87%:1319", Measurement("accuracy", value=0.87, n=1319)),
        ("accuracy=1148/1319", Measurement("accuracy", count=1148, n=1319)),
        ("faq.accuracy=1e-3", Measurement("accuracy", value=0.001, task="faq")),
        ("arc.easy.acc=.5:10", Measurement("acc", value=0.5, n=10, task="arc.easy")),
        (
            "gsm8k/strict-match.exact_match=1/2",
            Measurement("exact_match", count=1, n=2, task="gsm8k/strict-match"),
        ),
        ("latency_p95=0.7", Measurement("latency_p95", value=0.7)),
        ("safety.refusals=0.1:9", Measurement("refusals", value=0.1, n=9, task="safety")),
    ],
)
def test_measurements(text, wanted):
    assert arguments.measurement(text) == wanted


@pytest.mark.parametrize(
    ("text", "metric", "task", "sign", "limit", "unit"),
    [
        ("accuracy>=0.85", "accuracy", None, ">=", 0.85, None),
        ("accuracy >= 85%", "accuracy", None, ">=", 0.85, None),
        ("latency_p95<=800ms", "latency_p95", None, "<=", 800.0, "ms"),
        ("cost_per_inference<=0.004USD", "cost_per_inference", None, "<=", 0.004, "USD"),
        ("faq.accuracy>=.5", "accuracy", "faq", ">=", 0.5, None),
        ("a.b.accuracy>=1e-1", "accuracy", "a.b", ">=", 0.1, None),
    ],
)
def test_requirements(text, metric, task, sign, limit, unit):
    found = arguments.requirement(text, ())
    assert (found.metric, found.task, found.sign, found.limit, found.unit) == (
        metric,
        task,
        sign,
        limit,
        unit,
    )


def test_what_was_measured_settles_where_a_name_divides():
    known = {("arc", "easy.score"), ("arc.easy", "acc"), (None, "f.g")}
    assert arguments.split("arc.easy.score", known) == ("arc", "easy.score")
    assert arguments.split("f.g", known) == (None, "f.g")
    with pytest.raises(CliError, match="can mean"):
        arguments.split("a.b.c", {("a", "b.c"), ("a.b", "c")})


def test_a_metric_of_any_task_needs_no_task():
    assert arguments.split("accuracy", {("faq", "accuracy")}) == (None, "accuracy")


@given(st.text(max_size=40))
def test_no_text_breaks_the_arguments(text):
    for read in (arguments.measurement, arguments.document, arguments.time):
        with suppress(CliError):
            read(text)
    with suppress(CliError):
        arguments.requirement(text, {("a", "b")})


def test_documents():
    found = arguments.document("kind=dpia, signed_by=dpo,issued_at=2026-09-01")
    assert found.kind == "dpia"
    assert found.signed_by == "dpo"
    assert found.issued_at == datetime(2026, 9, 1, tzinfo=UTC)
    assert found.grade == "declared"


@pytest.mark.parametrize(
    "text", ["", "dpia", "kind=", "kind=a,kind=b", "kind=a,grade=signed", "uri=x"]
)
def test_documents_cannot_vouch_for_themselves(text):
    with pytest.raises(CliError):
        arguments.document(text)


def test_times_need_their_zone():
    assert arguments.time("2026-09-01T12:00:00+02:00") == datetime(2026, 9, 1, 10, tzinfo=UTC)
    with pytest.raises(CliError, match="zone"):
        arguments.time("2026-09-01T12:00:00")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("passed", 0),
        ("failed", 1),
        ("expired", 1),
        ("revoked", 1),
        ("superseded", 1),
        ("pending", 3),
        ("observed", 3),
        ("anything else", 1),
        (None, 1),
    ],
)
def test_exit_codes(status, code):
    assert code_of(status) == code
