import pytest

from gates.yaml_text import MAX_DEPTH, YamlError, load


def test_core_schema_keeps_words_and_dates_as_text() -> None:
    value, _ = load("a: no\nb: on\nc: 2026-01-01\nd: 1.50\ne: 0x1f\nf: ~\ng: 'true'\nh: true")
    assert value == {
        "a": "no",
        "b": "on",
        "c": "2026-01-01",
        "d": 1.5,
        "e": 31,
        "f": None,
        "g": "true",
        "h": True,
    }


def test_every_pointer_knows_its_line() -> None:
    _, lines = load("a: 1\nb:\n  - x: 1\n  - y/z: 2\n")
    assert lines["/a"] == 1
    assert lines["/b/0/x"] == 3
    assert lines["/b/1/y~1z"] == 4


def test_json_is_yaml() -> None:
    value, lines = load('{\n "a": [1, {"b": null}]\n}')
    assert value == {"a": [1, {"b": None}]}
    assert lines["/a/1/b"] == 2


def test_aliases_repeat_values() -> None:
    value, _ = load("a: &x [1, 2]\nb: *x")
    assert value == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3", 3, "stands twice"),
        ("a: !!python/object:os.system x", 1, "tags are not allowed"),
        ("a: !custom x", 1, "tags are not allowed"),
        ("a:\n  b: .nan", 2, "not a finite number"),
        ("a: -.inf", 1, "not a finite number"),
        ("a: 1e999", 1, "not a finite number"),
        ("a: 9007199254740993", 1, "too large"),
        ("a: *nothing", 1, "names nothing"),
        ("a: &a [*a]", 1, "names nothing"),
        ("--- 1\n--- 2", 2, "one document"),
        ("{[1]: 2}", 1, "a key must be a plain word"),
        ("a: [1", 2, "not YAML"),
        ("a: 1\n\tb: 2", 2, "not YAML"),
        ("", 1, "empty"),
        ("# only a comment", 1, "empty"),
        ("a: \x00", 1, "not YAML"),
        ("- " * (MAX_DEPTH + 1) + "x", 1, "deeper"),
        ("[" * 5000, 1, "deeper"),
        ("x" * 600_000, 1, "characters"),
    ],
)
def test_what_is_refused_names_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(YamlError, match=words) as caught:
        load(text)
    assert caught.value.line == line


def test_a_bomb_of_aliases_stops_early() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(YamlError, match="after aliases"):
        load("\n".join(rows))
