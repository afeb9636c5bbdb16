import pytest

from gates.expressions import (
    RULE_VARIABLES,
    WHEN_VARIABLES,
    ExpressionError,
    compile_expression,
    metric_uses,
    run,
)


def test_names_of_metrics_are_found_in_every_spelling() -> None:
    text = "metrics['a'].value < 2.0 * baseline[\"b-c\"].upper && metrics.d.n > 5 && stage == 'x'"
    assert metric_uses(text) == [
        ("metrics", "a", "value"),
        ("baseline", "b-c", "upper"),
        ("metrics", "d", "n"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "metrics[stage].value < 1.0",
        "metrics.all(m, true)",
        "[metrics].size() == 1",
        "metrics['a'] == 1",
        "metrics['a'].stderr < 1.0",
    ],
)
def test_computed_or_whole_metrics_are_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        metric_uses(text)


def test_a_name_inside_a_string_is_not_a_use() -> None:
    assert metric_uses("stage == 'metrics.all'") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 +", "does not parse"),
        ("(" * 4000, "characters"),
        ("(" * 450 + "1" + ")" * 450, "does not parse"),
        ("secret == 1", "secret is not known"),
    ],
)
def test_what_does_not_compile(text: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=words):
        compile_expression(text, RULE_VARIABLES)


def test_when_may_not_read_measurements() -> None:
    with pytest.raises(ExpressionError, match="metrics is not known"):
        compile_expression("metrics.a.value > 1.0", WHEN_VARIABLES)


@pytest.mark.parametrize(
    ("text", "words"),
    [("1", "gave a int"), ("stage", "gave a str"), ("1 / 0 == 1", "failed"), ("model.x", "'x'")],
)
def test_what_is_no_boolean_is_an_error(text: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=words):
        run(text, {"stage": "evaluation", "model": {}})


def test_facts_decide() -> None:
    text = "model.facts.risk == 'high' && stage.startsWith('eval')"
    values = {"stage": "evaluation", "model": {"facts": {"risk": "high"}}}
    assert run(text, values) is True
