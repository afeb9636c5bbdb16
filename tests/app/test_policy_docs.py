"""What docs/policy.md shows, loads; what it says is stricter, is."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from app.policies import packs
from gates.inheritance import looser_fields
from gates.policy import load

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text("utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
RULE_LISTS = [block for block in BLOCKS if block.startswith("- ")]
POLICIES = [block for block in BLOCKS if block.startswith("policy:")]
HEAD = "policy: page\nowner: docs\napplies_to: {model: m, stage: s}\ngates:\n  shown:\n"


def test_every_block_is_a_policy_or_a_list_of_rules():
    assert len(RULE_LISTS) + len(POLICIES) == len(BLOCKS)
    assert len(RULE_LISTS) >= 8
    assert len(POLICIES) >= 4


@pytest.mark.parametrize("text", POLICIES)
def test_policies_on_the_page_load(text):
    assert load(text, packs.text).rules()


@pytest.mark.parametrize("text", RULE_LISTS)
def test_rules_on_the_page_load(text):
    indented = "".join(f"    {line}\n" for line in text.splitlines())
    policy = load(HEAD + indented, packs.text)
    assert len(policy.rules()) == sum(line.startswith("- ") for line in text.splitlines())


def test_the_policy_of_the_page_on_data_loads():
    page = (Path(__file__).parents[2] / "docs" / "evidently.md").read_text("utf-8")
    (gates,) = re.findall(r"^```yaml\n(gates:.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    policy = load(HEAD.removesuffix("gates:\n  shown:\n") + gates, packs.text)
    assert len(policy.rules()) == 4


def test_the_page_names_the_packs_that_there_are():
    assert set(re.findall(r"`([a-z-]+@\d+)`", PAGE)) >= set(packs.names())


TABLE = PAGE.split("| field | stricter |")[1].split("## Packs")[0]
STRICTER = re.findall(r"^\| `(\w+)` \| (.+?) \|$", TABLE, re.MULTILINE)


def _cases():
    for field, words in STRICTER:
        match words:
            case "higher":
                yield field, 5, 6
            case "lower":
                yield field, 6, 5
            case "more":
                yield field, ["a"], ["a", "b"]
            case "added":
                yield field, None, "x"
            case "removed":
                yield field, "x", None
            case _:
                steps = [{"true": True, "false": False}.get(w, w) for w in words.split(" < ")]
                for loose, strict in pairwise(steps):
                    yield field, loose, strict


def _rule(field, value):
    return {"metric": "accuracy"} | ({} if value is None else {field: value})


@pytest.mark.parametrize(("field", "loose", "strict"), list(_cases()))
def test_the_table_of_what_is_stricter_is_what_the_code_does(field, loose, strict):
    assert looser_fields(_rule(field, loose), _rule(field, strict)) == []
    assert looser_fields(_rule(field, strict), _rule(field, loose)) == [field]


def test_the_table_is_complete():
    from gates import inheritance

    known = {*inheritance._HIGHER, *inheritance._LOWER, *inheritance._ORDERED}
    known |= {*inheritance._STRICTER_WHEN_ABSENT, "require", "needs", "signed_by", "binds"}
    assert {field for field, _ in STRICTER} == known
