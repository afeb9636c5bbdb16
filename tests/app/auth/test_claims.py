"""Which tokens meet which rules: exact values, wildcards only where they are harmless."""

from typing import Any

import pytest

from app.auth.claims import Match, matched
from app.auth.identity_file import parse
from app.auth.identity_models import Issuer


def issuer(kind: str, claims: str, more: str = "") -> Issuer:
    text = f"""
audience: here
issuers:
  - name: ci
    kind: {kind}
    issuer: https://issuer.example.com
    {more}
    rules:
      - {{name: one, claims: {claims}, models: ["*"]}}
"""
    return parse(text).issuers[0]


GITHUB = issuer("github", '{repository_id: 7, ref: ["refs/heads/main", "refs/heads/r/*/ok"]}')


@pytest.mark.parametrize(
    ("ref", "fits"),
    [
        ("refs/heads/main", True),
        ("refs/heads/main2", False),
        ("refs/heads/mai", False),
        ("REFS/HEADS/MAIN", False),
        ("refs/heads/r/1/ok", True),
        ("refs/heads/r/1/2/ok", True),
        ("refs/heads/r//ok", True),
        ("refs/heads/r/ok", False),
        ("refs/heads/r/1/okay", False),
        ("x/refs/heads/r/1/ok", False),
        ("refs/heads/r/*/ok", True),
        (None, False),
        (True, False),
        (["refs/heads/main"], True),
        ({"refs/heads/main": 1}, False),
    ],
)
def test_references(ref: Any, fits: bool):
    found = matched(GITHUB, {"repository_id": "7", "ref": ref})
    assert isinstance(found, Match) is fits


def test_numbers_and_words_are_the_same_id():
    for value in ("7", 7):
        found = matched(GITHUB, {"repository_id": value, "ref": "refs/heads/main"})
        assert isinstance(found, Match)
        assert found.subject == "7"


def test_booleans_as_gitlab_writes_them():
    protected = issuer("gitlab", "{project_id: 9, ref_protected: true}")
    for value, fits in (("true", True), (True, True), ("false", False), (False, False), (1, False)):
        found = matched(protected, {"project_id": "9", "ref_protected": value})
        assert isinstance(found, Match) is fits


@pytest.mark.parametrize(
    ("kind", "identity", "claim", "events"),
    [
        ("github", "repository_id", "event_name", ["pull_request", "pull_request_target"]),
        (
            "gitlab",
            "project_id",
            "pipeline_source",
            ["merge_request_event", "external_pull_request_event"],
        ),
    ],
)
def test_pull_requests_are_refused_unless_the_rule_allows_them(
    kind: str, identity: str, claim: str, events: list[str]
):
    strict = issuer(kind, f"{{{identity}: 1}}")
    rule = strict.rules[0].model_copy(update={"pull_requests": "allow"})
    lax = strict.model_copy(update={"rules": (rule,)})
    for event in events:
        refused = matched(strict, {identity: "1", claim: event})
        assert isinstance(refused, str)
        assert "pull request" in refused
        assert isinstance(matched(lax, {identity: "1", claim: event}), Match)
    assert isinstance(matched(strict, {identity: "1", claim: "push"}), Match)


def test_claims_that_lie_deeper():
    text = '{"/kubernetes.io/namespace": ml, "/kubernetes.io/serviceaccount/uid": u-1}'
    cluster = issuer("kubernetes", text)
    inside: dict[str, Any] = {"namespace": "ml", "serviceaccount": {"uid": "u-1"}}
    token: dict[str, Any] = {"sub": "system:serviceaccount:ml:a", "kubernetes.io": inside}
    assert isinstance(matched(cluster, token), Match)
    for wrong in ({"namespace": "ml"}, {"namespace": "ml", "serviceaccount": "u-1"}, None, "ml"):
        assert isinstance(matched(cluster, {**token, "kubernetes.io": wrong}), str)


def test_a_token_that_says_nobody_is_nobody():
    other = issuer("oidc", "{workspace: w, team: t}", "stable_claims: [workspace, team]")
    nobody: tuple[Any, ...] = ("", None, True, [], {})
    for workspace in nobody:
        assert isinstance(matched(other, {"workspace": workspace, "team": "t"}), str)


def test_the_reasons_name_claims_and_never_what_is_wanted():
    said = matched(GITHUB, {"repository_id": "8", "ref": "refs/heads/main"})
    assert said == (
        "The token is genuine, but no rule of ci fits it (one: another repository_id is wanted)."
    )


def test_a_hostile_pattern_and_text_take_linear_time():
    rule = GITHUB.rules[0].model_copy(update={"claims": {"ref": ("*a" * 500 + "b",)}})
    slow = GITHUB.model_copy(update={"rules": (rule,)})
    assert isinstance(matched(slow, {"repository_id": "7", "ref": "a" * 16_000}), str)
