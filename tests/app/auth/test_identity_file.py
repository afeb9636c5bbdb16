"""The identity file: each mistake with its line, and the ready examples."""

from pathlib import Path

import pytest

from app.auth import identity_models
from app.auth.identity_file import IdentityFileError, parse, read
from app.settings import SettingsError

ROOT = Path(__file__).parents[3]
GOOD = """\
audience: https://clearance.example.com
issuers:
  - name: ci
    kind: github
    issuer: https://issuer.example.com
    rules:
      - name: bot
        claims: {repository_id: 7, ref: refs/heads/main}
        models: ["bot*"]
people:
  issuer: https://login.example.com
  client_id: clearance
  groups:
    - {group: security, roles: ["reviewer:security"]}
"""


def test_a_good_file_loads_and_numbers_are_words():
    made = parse(GOOD)
    rule = made.issuers[0].rules[0]
    assert rule.claims == {"repository_id": ("7",), "ref": ("refs/heads/main",)}
    assert (rule.roles, rule.pull_requests) == (("submitter",), "refuse")
    assert made.issuers[0].algorithms == ("RS256",)
    assert made.people is not None
    assert made.people.groups[0].models == ("*",)


WRONG = [
    ("repository_id: 7, ", "", 8, "pins no stable id"),
    ("repository_id: 7", 'repository_id: "7*"', 8, "without *"),
    ("repository_id: 7", "repository_id: 7, sub: x", 8, "use `repository_id`"),
    ("repository_id: 7", "repository_id: 7.5", 8, "a whole number"),
    ("repository_id: 7", "repository_id: []", 8, "at least one value"),
    ("kind: github", "kind: gitlab", 8, "name one of project_id"),
    ("kind: github", "kind: githup", 4, "'github'"),
    ("kind: github", "algorithms: [HS256]", 4, "'RS256'"),
    ("kind: github", "algorithms: [none]", 4, "'RS256'"),
    ("kind: github", "algorithms: []", 4, "at least 1"),
    ("kind: github", "kind: github\n    stable_claims: [sub]", 5, "is fixed"),
    ("kind: github", "kind: github\n    surprise: 1", 5, "`surprise` is not a field"),
    ("kind: github", "kind: github\n    audiense: x", 5, "did you mean `audience`"),
    ("https://issuer", "http://issuer", 5, "https://"),
    ("https://issuer", "https://user:pw@issuer", 5, "credentials"),
    ("issuer: https://issuer.example.com", "issuer: issuer.example.com", 5, "https://"),
    ("audience: https://clearance.example.com\n", "", 2, "needs an `audience`"),
    ("models: [", "roles: [admins]\n        models: [", 9, "not a role"),
    ("models: [", 'roles: ["reviewer:legal"]\n        models: [', 9, "Only a person"),
    ("models: [", "roles: [break_glass]\n        models: [", 9, "Only a person"),
    ('models: ["bot*"]', 'models: ["[ab]*"]', 9, "may use * and ?"),
    ('        models: ["bot*"]\n', "", 7, "`models` is required"),
    ('["reviewer:security"]', '["reviewer:security", admin]', 14, "make two persons"),
    ("  client_id: clearance\n", "", 10, "`client_id` is required"),
    ("client_id: clearance", "client_id: clearance\n  scopes: [email]", 13, "needs `openid`"),
    ("client_id: clearance", "client_id: clearance\n  session_hours: 500", 13, "less than"),
    ('    - {group: security, roles: ["reviewer:security"]}\n', "    []\n", 10, "maps no groups"),
    ("people:", "audience: again\npeople:", 10, "stands twice"),
    ("people:", "people: !!python/object:os.system", 10, "tags are not allowed"),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), WRONG)
def test_each_mistake_is_named_with_its_line(old: str, new: str, line: int, words: str):
    assert old in GOOD
    with pytest.raises(IdentityFileError) as refused:
        parse(GOOD.replace(old, new, 1))
    said = [(p.line, p.detail) for p in refused.value.problems]
    assert any(at == line and words in detail for at, detail in said), said
    assert f"line {line}: " in str(refused.value)


def test_two_issuers_of_one_url_are_refused():
    twice = GOOD.replace(
        "people:", GOOD[GOOD.index("  - name") : GOOD.index("people:")] + "people:"
    )
    with pytest.raises(IdentityFileError, match="two issuers have one URL"):
        parse(twice)


@pytest.mark.parametrize("text", ["", "[]", "{}", "issuers: []", "people: {}", "issuers: {a: 1}"])
def test_a_file_that_lets_nobody_in_is_a_mistake(text: str):
    with pytest.raises(IdentityFileError):
        parse(text)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"nowhere\.yaml cannot be read"):
        read(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("name", ["github", "gitlab", "kubernetes", "people"])
def test_the_ready_files_load(name: str):
    made = read(ROOT / f"deploy/identity/{name}.yaml")
    assert made.file.issuers or made.people
    assert made.digest.startswith("sha256:")


@pytest.mark.parametrize(
    "model", [identity_models.Issuer, identity_models.WorkloadRule, identity_models.People]
)
def test_every_field_is_documented(model: type[identity_models.Strict]):
    page = (ROOT / "docs/identity.md").read_text("utf-8")
    assert [name for name in model.model_fields if f"`{name}`" not in page] == []
