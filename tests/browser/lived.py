"""A service after some weeks of use: what the pages are looked at with."""

from datetime import timedelta
from typing import Any

from app.notices.fanning import fan_out
from tests.app.http.service import Service

POLICY = """
policy: support-bot-release
owner: genai-platform
description: What the support bot must show before customers meet it.
applies_to: {model: "support-bot*", stage: [limited_release, broad_rollout]}
gates:
  quality:
    - {metric: accuracy, min: 0.85, target: 0.9}
    - {metric: accuracy, versus_baseline: {max_drop: 0.02}}
    - {metric: faithfulness, min: 0.7}
  safety:
    - {metric: attack_success_rate, max: 0.02}
    - {metric: toxicity, max: 0.05}
  cost:
    - {metric: cost_per_inference, max: 0.005, unit: USD}
  compliance:
    - {document: dpia, signed_by: legal, max_age_days: 365}
escalation:
  reviews: [{role: security, min: 1}, {role: legal, min: 1}]
  expires_hours: 72
grants: {traffic_max: 0.05, tools: [search, handover]}
valid_days: 30
"""
SCORES = [1.0, 0.9, 0.95, 0.4, 0.85, 1.0, 0.7, 0.2, 0.9, 1.0] * 12
GOOD = {"accuracy": (9350, 10000), "attacks": (2, 1000)}
OPEN = {"accuracy": (9310, 10000), "attacks": (14, 1000)}
BAD = {"accuracy": (7500, 10000), "attacks": (2, 1000)}


def sent(version: str, accuracy: tuple[int, int], attacks: tuple[int, int], **more: Any) -> Any:
    """What a pipeline sends about a version."""
    return {
        "candidate": {
            "model": "support-bot",
            "version": version,
            "digest": f"sha256:{version.zfill(2) * 32}",
        },
        "stage": "limited_release",
        "measurements": [
            {"metric": "accuracy", "count": accuracy[0], "n": accuracy[1]},
            {"metric": "attack_success_rate", "count": attacks[0], "n": attacks[1]},
            {
                "metric": "faithfulness",
                "scores": [max(0.0, score - int(version) / 1000) for score in SCORES],
                "ids": [f"q{number:03}" for number in range(len(SCORES))],
            },
            {"metric": "toxicity", "count": 11, "n": 1200},
            {
                "metric": "cost_per_inference",
                "value": 0.0031,
                "stderr": 0.0001,
                "n": 500,
                "unit": "USD",
            },
        ],
        "context": {"commit": "4f1c2d9", "run_url": "https://ci.example.com/runs/8841"},
        **more,
    }


class Lived:
    """The people, and the names of what they made."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.ada = service.key("Ada Lovelace", "reviewer:security", person=True)
        self.ben = service.key("Ben Ohm", "reviewer:legal", "waiver_approver", person=True)
        self.cleo = service.key("Cleo Park", "waiver_approver", "break_glass", person=True)
        self.dora = service.key("Dora Voss", "viewer", person=True)
        self.ci = service.key("ci-support-bot", "submitter", models=("support-*",))
        service.publish(POLICY)
        facts = {"owner": "genai-platform", "facts": {"risk_tier": "high", "users": "customers"}}
        assert service.call("PUT", "/v1/models/support-bot", json=facts).is_success
        self._vouched()
        self.passed = self._submit("41", **GOOD, baseline={"measurements": [
            {"metric": "accuracy", "count": 9300, "n": 10000}]})  # fmt: skip
        self.failed = self._submit("42", **BAD, baseline={"version": "41"})
        self.open = self._submit("43", **OPEN, baseline={"version": "41"})
        self._waived()
        self.glass = self._broken()
        self._said()
        self.loose = service.call(
            "PUT",
            "/v1/policies/support-bot-release",
            service.key("Paul Fry", "policy_editor", person=True),
            content=POLICY.replace("min: 0.85", "min: 0.8"),
            headers={"Content-Type": "application/yaml"},
        ).json()
        self.told = self._told()

    def _submit(self, version: str, **given: Any) -> dict[str, Any]:
        answer = self.service.call("POST", "/v1/evaluations", self.ci, json=sent(version, **given))
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def _vouched(self) -> None:
        for kind, digest, more in (
            ("dpia", "a" * 64, {"uri": "https://docs.example.com/dpia-7"}),
            ("model_card", "b" * 64, {"subject": f"sha256:{'43' * 32}"}),
            ("redteam_report", "c" * 64, {}),
        ):
            answer = self.service.call("POST", "/v1/documents", self.ben, json={
                "model": "support-bot", "kind": kind, "sha256": digest, "role": "legal",
                "issued_at": (self.service.clock() - timedelta(days=40)).isoformat(),
                "expires_at": (self.service.clock() + timedelta(days=200)).isoformat(),
                **more})  # fmt: skip
            assert answer.status_code == 201, answer.text

    def _waived(self) -> None:
        for rule, approvers in (
            ("safety/toxicity", ()),
            ("quality/faithfulness", (self.ben, self.cleo)),
        ):
            made = self.service.call("POST", "/v1/waivers", self.ada, json={
                "rule": rule, "model": "support-bot", "versions": ["43", "44"],
                "reason": "The test set of October double-counts one family of prompts.",
                "compensating_control": "The output filter blocks that family in production.",
                "owner": "evaluation team",
                "expires_at": (self.service.clock() + timedelta(days=14)).isoformat()})  # fmt: skip
            assert made.status_code == 201, made.text
            for token in approvers:
                path = f"/v1/waivers/{made.json()['id']}/approve"
                assert self.service.call("POST", path, token, json={}).is_success

    def _broken(self) -> dict[str, Any]:
        path = f"/v1/decisions/{self.failed['id']}/break-glass"
        reason = "The bot tells customers a wrong emergency number; this version mends it."
        answer = self.service.call("POST", path, self.cleo, json={"reason": reason})
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def _said(self) -> None:
        review = f"/v1/reviews/{self.open['review']['id']}"
        text = "The fourteen attacks all use the same prompt.\nNone leaves the sandbox."
        said = self.service.call("POST", f"{review}/comments", self.ada, json={"text": text})
        assert said.is_success, said.text
        answer = {"answer": "approve", "role": "legal", "decision_digest": self.open["digest"],
                  "comment": "The DPIA covers this use."}  # fmt: skip
        assert self.service.call("POST", f"{review}/sign-offs", self.ben, json=answer).is_success

    def _told(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, target in (("Release channel", "https://chat.example.com/hooks/x"),
                             ("ci", "https://ci.example.com/hooks/clearance")):  # fmt: skip
            kind = "webhook" if name == "ci" else "slack"
            body = {"name": name, "kind": kind, "target": target}
            answer = self.service.call("POST", "/v1/subscriptions", json=body)
            assert answer.status_code == 201, answer.text
            made = answer.json()
        self._submit("44", **GOOD, baseline={"version": "41"})
        runtime = self.service.app.state.runtime
        while fan_out(runtime, self.service.clock()):
            pass
        return made
