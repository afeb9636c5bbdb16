"""Publishing policies: immutable versions, second persons, and what the past would have been."""

import json
import time

import pytest

from tests.app.http.service import ESCALATES, FAILS, POLICY, Service

YAML = {"Content-Type": "application/yaml"}
LOOSE = """
policy: bot
owner: me
applies_to: {model: "*", stage: evaluation}
extends: [parent]
gates:
  quality:
    - {id: accuracy, metric: accuracy, min: 0.5, loosens: "the new test set is harder"}
"""
PARENT = """
policy: parent
owner: me
applies_to: {model: nothing, stage: evaluation}
gates:
  quality:
    - {id: accuracy, metric: accuracy, min: 0.8}
"""


def put(service: Service, name: str, text: str, token: str | None = None, **headers: str):
    return service.call(
        "PUT", f"/v1/policies/{name}", token, content=text, headers={**YAML, **headers}
    )


def test_a_new_version_is_201_and_the_same_content_200(service: Service):
    first = put(service, "support-bot-release", POLICY)
    assert (first.status_code, first.json()["version"]) == (201, 1)
    same = put(service, "support-bot-release", "# a comment\n" + POLICY)
    assert (same.status_code, same.json()["version"]) == (200, 1)
    assert same.json()["digest"] == first.json()["digest"]
    second = put(service, "support-bot-release", POLICY.replace("0.85", "0.90"))
    assert (second.status_code, second.json()["version"]) == (201, 2)
    shown = service.call("GET", "/v1/policies/support-bot-release").json()
    assert (shown["version"], shown["active"]) == (2, True)
    old = service.call("GET", "/v1/policies/support-bot-release/versions/1").json()
    assert old["source"].strip() == POLICY.strip()
    listed = service.call("GET", "/v1/policies").json()["items"]
    assert [(item["name"], item["version"]) for item in listed] == [("support-bot-release", 2)]
    versions = service.call("GET", "/v1/policies/support-bot-release/versions").json()["items"]
    assert [item["version"] for item in versions] == [2, 1]
    entries = service.call("GET", "/v1/audit/entries?type=policy.published").json()["items"]
    assert [entry["body"]["refs"]["digest"] for entry in entries] == [
        first.json()["digest"],
        second.json()["digest"],
    ]


def test_json_is_published_as_well_and_yaml_is_given_back(service: Service):
    policy = {
        "policy": "j",
        "owner": "me",
        "applies_to": {"model": "*", "stage": "evaluation"},
        "gates": {"q": [{"metric": "accuracy", "min": 0.5}]},
    }
    text = json.dumps(policy)
    made = service.call(
        "PUT", "/v1/policies/j", content=text, headers={"Content-Type": "application/json"}
    )
    assert made.status_code == 201
    shown = service.call("GET", "/v1/policies/j", headers={"Accept": "application/yaml"})
    assert shown.headers["content-type"].startswith("application/yaml")
    assert json.loads(shown.text) == policy
    refused = service.call("GET", "/v1/policies/j", headers={"Accept": "image/png"})
    assert refused.status_code == 406


def test_what_loosens_waits_for_a_second_person(service: Service):
    author = service.key("ann", "policy_editor", person=True)
    second = service.key("bob", "policy_editor", person=True)
    robot = service.key("robot", "policy_editor")
    assert put(service, "parent", PARENT, author).status_code == 201
    made = put(service, "bot", LOOSE, author)
    assert made.status_code == 201, made.text
    assert made.json()["active"] is False
    assert made.json()["loosened"][0]["rule"] == "quality/accuracy"
    body = {"candidate": {"model": "m", "version": "1"}, "stage": "evaluation"}
    submitted = service.call("POST", "/v1/evaluations", json={**body, "policy": "bot"})
    assert (submitted.status_code, submitted.json()["type"]) == (422, "unknown-policy")
    path = "/v1/policies/bot/versions/1/approve"
    assert service.call("POST", path, author).status_code == 403
    assert service.call("POST", path, robot).status_code == 403
    approved = service.call("POST", path, second)
    assert (approved.status_code, approved.json()["active"]) == (200, True)
    assert service.call("POST", path, second).status_code == 409
    assert service.call("POST", "/v1/evaluations", json=body).status_code == 201
    types = [e["type"] for e in service.call("GET", "/v1/audit/entries").json()["items"]]
    assert "policy.approved" in types


def test_a_version_looser_than_the_one_in_force_waits_for_a_second_person(service: Service):
    author = service.key("ann", "policy_editor", person=True)
    second = service.key("bob", "policy_editor", person=True)
    assert put(service, "support-bot-release", POLICY, author).json()["active"] is True
    looser = put(service, "support-bot-release", POLICY.replace("min: 0.85", "min: 0.80"), author)
    assert looser.json()["active"] is False
    assert "min looser" in looser.json()["loosened"][0]["reason"]
    shown = service.call("GET", "/v1/policies/support-bot-release").json()
    assert shown["version"] == 1
    stricter = put(service, "support-bot-release", POLICY.replace("min: 0.85", "min: 0.9"), author)
    assert stricter.json()["active"] is True
    path = "/v1/policies/support-bot-release/versions/2/approve"
    assert service.call("POST", path, second).status_code in {200, 409}


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (POLICY.replace("min: 0.85", "min: .nan"), "/gates/quality/0/min"),
        (POLICY.replace("min: 0.85", "mim: 0.85"), "/gates/quality/0/mim"),
        (POLICY.replace("owner: genai-platform\n", ""), "/owner"),
        ("policy: support-bot-release\n  - broken", None),
        ("- a list", None),
        ("", None),
        ("a: &a [x]\nb: [*a, *a", None),
        ("&a [*a]", None),
        ("x: !!python/object/apply:os.system ['true']", None),
        ("gates: {}\ngates: {}", None),
    ],
)
def test_a_policy_that_does_not_load_says_where(standing: Service, text: str, pointer: str | None):
    answer = put(standing, "support-bot-release", text)
    assert (answer.status_code, answer.json()["type"]) == (422, "invalid-policy")
    errors = answer.json()["errors"]
    assert errors
    if pointer is not None:
        assert pointer in [error["pointer"] for error in errors]
        assert all(error["line"] >= 0 for error in errors)
    assert standing.call("GET", "/v1/policies").json()["items"] == []
    linted = standing.call("POST", "/v1/policies/lint", content=text, headers=YAML)
    assert (linted.status_code, linted.json()["valid"]) == (200, False)
    assert linted.json()["errors"] == errors


def test_a_yaml_bomb_is_refused_quickly(service: Service):
    lines = ['a0: &a0 ["lol","lol","lol","lol","lol","lol","lol","lol","lol"]']
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    # The service is in this process: its work counts, not how busy the machine is.
    began = time.process_time()
    answer = put(service, "bomb", "\n".join(lines))
    assert (answer.status_code, answer.json()["type"]) == (422, "invalid-policy")
    assert time.process_time() - began < 5


def test_names_and_types_are_checked(service: Service):
    assert put(service, "other-name", POLICY).json()["type"] == "invalid-policy"
    assert (
        put(service, "starter", POLICY.replace("support-bot-release", "starter")).status_code == 422
    )
    wrong = put(service, "support-bot-release", POLICY, **{"Content-Type": "text/html"})
    assert (wrong.status_code, wrong.json()["type"]) == (415, "unsupported-media-type")
    latin = service.call("PUT", "/v1/policies/x", content=b"policy: \xe9", headers=YAML)
    assert latin.json()["type"] == "invalid-policy"
    huge = put(service, "support-bot-release", "# " + "x" * 2_000_000)
    assert huge.status_code == 413
    assert service.call("GET", "/v1/policies/none").status_code == 404
    assert service.call("GET", "/v1/policies/none/versions/1").status_code == 404


def test_backtest_lists_the_verdicts_that_would_change(service: Service):
    service.publish()
    passed = service.submit(version="1").json()
    service.submit(version="2", **FAILS)
    service.submit(version="3", **ESCALATES)
    draft = POLICY.replace("min: 0.85", "min: 0.97")
    answer = service.call(
        "POST", "/v1/policies/support-bot-release/backtest", json={"policy": draft}
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["decided"], body["is_complete"]) == (3, True)
    assert {c["version"]: (c["was"], c["would_be"]) for c in body["changes"]} == {
        "1": ("pass", "fail"),
        "3": ("escalate", "fail"),
    }
    assert passed["id"] in [change["decision"] for change in body["changes"]]
    same = service.call(
        "POST", "/v1/policies/support-bot-release/backtest", json={"policy": POLICY}
    )
    assert same.json()["changes"] == []
    later = {"policy": draft, "since": "2099-01-01T00:00:00Z"}
    none = service.call("POST", "/v1/policies/support-bot-release/backtest", json=later)
    assert none.json()["decided"] == 0


def test_the_catalogue_is_readable(service: Service):
    packs = service.call("GET", "/v1/packs").json()["items"]
    assert "starter@1" in [pack["name"] for pack in packs]
    for pack in packs:
        assert service.call("GET", f"/v1/packs/{pack['name']}").json()["source"]
    assert service.call("GET", "/v1/packs/nothing").status_code == 404
    metrics = {
        metric["id"]: metric for metric in service.call("GET", "/v1/metrics").json()["items"]
    }
    assert metrics["accuracy"]["direction"] == "higher"
    assert "lm-eval" in [f["name"] for f in service.call("GET", "/v1/formats").json()["items"]]
    schema = service.call("GET", "/v1/schemas/policy.json").json()
    assert "gates" in schema["required"]


def test_a_policy_in_force_binds_the_next_submission(service: Service):
    service.publish()
    assert service.submit(version="1").json()["verdict"] == "pass"
    service.publish(POLICY.replace("min: 0.85", "min: 0.97"))
    after = service.submit(version="2").json()
    assert (after["verdict"], after["policy"]["version"]) == ("fail", 2)
