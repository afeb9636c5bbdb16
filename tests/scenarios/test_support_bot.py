"""The support bot's road to its customers: three candidates, one of them settled by people."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.ledger.merkle import verify_consistency, verify_inclusion
from app.ledger.note import VerifierKey, open_checkpoint
from tests.app.http.service import Service

FILES = Path(__file__).parent / "support_bot"


def sent(service: Service, token: str, name: str) -> dict[str, Any]:
    body = json.loads((FILES / f"{name}.json").read_text("utf-8"))
    answer = service.call("POST", "/v1/evaluations", token, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def cleared(service: Service, version: str) -> dict[str, Any]:
    path = f"/v1/clearance?model=support-bot&version={version}&stage=limited_release"
    found: dict[str, Any] = service.call("GET", path).json()
    return found


def findings(decision: dict[str, Any]) -> dict[str, str]:
    found = {}
    for gate in decision["gates"]:
        for item in gate["findings"]:
            scope = f" {item['slice']}" if item["slice"] else ""
            found[f"{gate['gate']}/{item['rule']}{scope}"] = item["outcome"]
    return found


def test_three_candidates_three_answers(service: Service):
    editor = service.key("ed", "policy_editor", person=True)
    pipeline = service.key("pipeline", "submitter", models=("support-bot*",))
    policy = (FILES / "policy.yaml").read_text("utf-8")
    published = service.call(
        "PUT",
        "/v1/policies/support-bot-release",
        editor,
        content=policy,
        headers={"Content-Type": "application/yaml"},
    )
    assert published.status_code == 201, published.text

    passed = sent(service, pipeline, "passes")
    assert (passed["verdict"], passed["status"]) == ("pass", "passed"), passed["summary"]
    assert set(findings(passed).values()) == {"pass"}
    assert cleared(service, "41")["grants"] == {"traffic_max": 0.05}

    failed = sent(service, pipeline, "fails")
    assert (failed["verdict"], failed["status"]) == ("fail", "failed")
    outcomes = findings(failed)
    assert outcomes["quality/accuracy"] == "fail"
    assert outcomes["quality/no-language-left-behind {'language': 'de'}"] == "fail"
    assert outcomes["safety/attack_success_rate"] == "pass"
    assert cleared(service, "42")["cleared"] is False

    asked = sent(service, pipeline, "escalates")
    assert (asked["verdict"], asked["status"]) == ("escalate", "pending")
    assert findings(asked)["safety/attack_success_rate"] == "inconclusive"
    assert cleared(service, "43")["cleared"] is False
    settle(service, asked)
    check_the_record(service, [passed, failed, asked])


def settle(service: Service, asked: dict[str, Any]) -> None:
    """Two people look; a third, who wrote the change, may not."""
    path = f"/v1/reviews/{asked['review']['id']}/sign-offs"
    people = {
        "security": service.key("sam", "reviewer:security", person=True),
        "product_owner": service.key("pat", "reviewer:product_owner", person=True),
    }
    author = service.key("Ada Lovelace", "reviewer:security", person=True)
    answer = {"answer": "approve", "decision_digest": asked["digest"], "comment": "acceptable"}
    refused = service.call("POST", path, author, json={**answer, "role": "security"})
    assert refused.status_code == 403
    statuses = []
    for role, token in people.items():
        signed = service.call("POST", path, token, json={**answer, "role": role})
        assert signed.status_code == 201, signed.text
        statuses.append(signed.json()["decision_status"])
    assert statuses == ["pending", "passed"]
    held = cleared(service, "43")
    assert (held["cleared"], held["decision"]) == (True, asked["id"])
    service.clock.ahead = timedelta(days=31)
    assert cleared(service, "43")["cleared"] is False
    service.clock.ahead = timedelta()


def check_the_record(service: Service, decisions: list[dict[str, Any]]) -> None:
    """Everything replays, and every answer's proof still leads to today's log."""
    keys = service.client.get("/v1/audit/keys").json()["items"]
    key = VerifierKey.parse(keys[0]["verifier_key"])
    for made in decisions:
        again = service.call("POST", f"/v1/decisions/{made['id']}/replay").json()
        assert again["identical"], again["differences"]
        audit = made["audit"]
        then = open_checkpoint(audit["checkpoint"], [key])
        proof = [bytes.fromhex(node) for node in audit["proof"]]
        verify_inclusion(audit["index"], then.size, bytes.fromhex(audit["leaf"]), proof, then.root)
        now = open_checkpoint(service.client.get("/v1/audit/checkpoint").text, [key])
        grown = service.call("GET", f"/v1/audit/consistency?from={then.size}&to={now.size}")
        nodes = [bytes.fromhex(node) for node in grown.json()["proof"]]
        verify_consistency(then.size, now.size, then.root, now.root, nodes)
