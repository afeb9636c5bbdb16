"""Whose models: every route that names one, tried by people who may do all of it elsewhere.

The table below must name every route of the service, so a new one cannot be forgotten.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute

from app.main import ROUTERS
from tests.app.http.service import ESCALATES, FAILS, POLICY, Service
from tests.app.http.test_auth import PUBLIC

MODEL = "secret-model"
COMMENT = "only for the owners of it"
EVERYTHING = (
    "submitter",
    "viewer",
    "reviewer:security",
    "policy_editor",
    "auditor",
    "waiver_approver",
    "break_glass",
)

NO_MODEL = {
    # Rules and catalogues are for every reader of the organisation; nothing in them is a model's.
    "/v1/policies",
    "/v1/policies/lint",
    "/v1/policies/{name}",
    "/v1/policies/{name}/versions",
    "/v1/policies/{name}/versions/{version}",
    "/v1/packs",
    "/v1/packs/{name}",
    "/v1/metrics",
    "/v1/formats",
    "/v1/schemas/policy.json",
    "/v1/experiments/analyze",
    "/policies",
    "/policies/{name}",
    # Hashes: they prove, and tell nothing.
    "/v1/audit/entries/{index}/proof",
    "/v1/audit/entries/{index}.tlog-proof",
    "/v1/audit/consistency",
    # Bytes under their own digest: only who has them can name them, and nothing reads them out.
    "/v1/blobs/{digest}",
    "/v1/datasets",
    # The caller's own.
    "/v1/me",
    "/logout",
    # Answers the digest of the caller's own bytes and keeps nothing.
    "/documents/digest",
    # Public pages without content of anybody.
    "/sign-in",
    "/static/{name}",
    "/v1/audit/tile/{level}/{number:path}",
}


class Owned:
    """A model's whole story, which others must not see or touch."""

    def __init__(self, service: Service) -> None:
        policy = POLICY.replace('"support-bot*"', MODEL)
        service.publish(policy, "support-bot-release")
        loose = policy.replace("min: 0.85", "min: 0.5")
        owner = service.key("owner", "policy_editor", person=True)
        yaml = {"Content-Type": "application/yaml"}
        waiting = service.call(
            "PUT", "/v1/policies/support-bot-release", owner, content=loose, headers=yaml
        )
        self.version = waiting.json()["version"]
        ci = service.key("ci", "submitter")
        made = service.submit(
            ci, candidate={"model": MODEL, "version": "1"}, context={"note": COMMENT}, **ESCALATES
        ).json()
        self.decision = made["id"]
        self.evaluation = made["evaluation"]
        self.digest = made["digest"]
        self.review = made["review"]["id"]
        facts = {"owner": "team", "facts": {"tier": COMMENT}}
        assert service.call("PUT", f"/v1/models/{MODEL}", json=facts).status_code in {200, 201}
        self.key = service.call("GET", "/v1/keys").json()["items"][0]["id"]
        self.policy = policy
        self.later = (service.clock() + timedelta(days=5)).isoformat()
        judge = service.key("rita", "reviewer:security", "waiver_approver", person=True)
        waiver = service.call("POST", "/v1/waivers", judge, json=self.wanted())
        assert waiver.status_code == 201, waiver.text
        self.waiver = waiver.json()["id"]
        failed = service.submit(ci, candidate={"model": MODEL, "version": "2"}, **FAILS).json()
        oncall = service.key("oncall", "break_glass", person=True)
        path = f"/v1/decisions/{failed['id']}/break-glass"
        used = service.call("POST", path, oncall, json={"reason": f"It cannot wait: {COMMENT}"})
        assert used.status_code == 201, used.text
        self.glass = used.json()["id"]

    def wanted(self) -> dict[str, Any]:
        """A waiver of the model's rule."""
        return {
            "rule": "safety/attack_success_rate",
            "model": MODEL,
            "reason": f"The attack set double-counts: {COMMENT}.",
            "compensating_control": "The output filter blocks that family.",
            "owner": "team",
            "expires_at": self.later,
        }

    def bodies(self) -> dict[str, dict[str, Any]]:
        """What to send to each route that changes something, so that only the scope can refuse."""
        sent = {
            "candidate": {"model": MODEL, "version": "1"},
            "stage": "limited_release",
            "measurements": [{"metric": "accuracy", "count": 9, "n": 10}],
        }
        answer = {"answer": "approve", "role": "security", "decision_digest": self.digest}
        document = {"model": MODEL, "kind": "dpia", "sha256": "0" * 64, "role": "security"}
        yaml = {
            "content": self.policy + "\nvalid_days: 20\n".replace("\nvalid", "#valid"),
            "headers": {"Content-Type": "application/yaml"},
        }
        afterwards = {"outcome": "unjustified", "comment": "It could have waited a day."}
        until = {"until": self.later, "reason": "not before then"}
        return {
            "/v1/waivers": {"json": self.wanted()},
            "/v1/waivers/{waiver_id}/revoke": {"json": {"reason": "mine to end now"}},
            "/v1/decisions/{decision_id}/break-glass": {"json": {"reason": "It cannot wait more."}},
            "/v1/break-glass/{name}/review": {"json": afterwards},
            "/v1/reviews/{review_id}/delegate": {"json": {**until, "role": "security", "to": "x"}},
            "/v1/reviews/{review_id}/defer": {"json": until},
            "/v1/reviews/{review_id}/comments": {"json": {"text": "seen"}},
            "/v1/evaluations": {"json": sent},
            "/v1/evaluations/preview": {"json": sent},
            "/v1/reviews/{review_id}/sign-offs": {"json": answer},
            "/v1/decisions/{decision_id}/revoke": {"json": {"reason": "mine now"}},
            "/v1/policies/{name}": yaml,
            "/v1/policies/{name}/backtest": {"json": {"policy": self.policy}},
            "/v1/models/{name}": {"json": {"owner": "mallory", "facts": {}}},
            "/v1/documents": {"json": document},
            "/v1/keys": {"json": {"name": "m", "roles": ["viewer"], "models": ["*"]}},
        }

    def forms(self) -> dict[str, dict[str, Any]]:
        """The same for the forms of pages."""
        sent = self.bodies()
        day = {"until": self.later[:10], "reason": "not before then"}
        return {
            "/waivers": {**sent["/v1/waivers"]["json"], "until": self.later[:10]},
            "/waivers/{waiver_id}/approve": {"go": "on"},
            "/waivers/{waiver_id}/revoke": sent["/v1/waivers/{waiver_id}/revoke"]["json"],
            "/documents": sent["/v1/documents"]["json"],
            "/decisions/{decision_id}/answer": {
                "answer": "approve",
                "role": "security",
                "digest": self.digest,
            },
            "/decisions/{decision_id}/delegate": {**day, "role": "security", "to": "x"},
            "/decisions/{decision_id}/defer": day,
            "/decisions/{decision_id}/comment": {"text": "seen"},
            "/decisions/{decision_id}/revoke": {"reason": "mine to end now"},
            "/decisions/{decision_id}/break-glass": {"reason": "It cannot wait more."},
            "/break-glass/{name}/judge": sent["/v1/break-glass/{name}/review"]["json"],
        }

    def path(self, template: str) -> str:
        """A route's path with what is not the caller's in it."""
        names = {"policies": "support-bot-release", "break-glass": self.glass}
        name = next((own for part, own in names.items() if part in template), MODEL)
        found = template.replace("{number:path}", "000.p/1").replace("{example:path}", "q1")
        version = str(self.version) if "policies" in template else "1"
        for part, value in {
            "decision_id": self.decision,
            "evaluation_id": self.evaluation,
            "review_id": self.review,
            "key_id": self.key,
            "waiver_id": self.waiver,
            "delivery_id": "dlv_none",
            "name": name,
            "version": version,
            "index": "0",
            "level": "0",
        }.items():
            found = found.replace(f"{{{part}}}", value)
        return found


@pytest.fixture
def owned(service: Service) -> Owned:
    return Owned(service)


def routes() -> list[tuple[str, str]]:
    return sorted(
        (method, route.path)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and route.path not in PUBLIC
        for method in route.methods or ()
    )


ECHO = f'name="model" value="{MODEL}"'
"""A page shows the filter that it was asked with."""
QUERY = {
    "/v1/clearance": {"model": MODEL, "version": "1", "stage": "limited_release"},
    "/v1/decisions": {"model": MODEL},
    "/v1/documents": {"model": MODEL},
    "/decisions": {"model": MODEL},
}


def test_nobody_reaches_into_models_that_are_not_theirs(service: Service, owned: Owned):
    judge = service.key("mallory", *EVERYTHING, person=True, models=("fraud-*",))
    admin = service.key("adam", "admin", person=True, models=("fraud-*",))
    before = _state(service, owned)
    tried = 0
    for method, template in routes():
        if template in NO_MODEL and method == "GET":
            continue
        body: dict[str, Any] = {}
        if method in {"POST", "PUT", "PATCH"}:
            form = owned.forms().get(template)
            body = owned.bodies().get(template, {"json": {}}) if form is None else {"data": form}
        for token in (judge, admin):
            answer = service.call(
                method,
                owned.path(template),
                token,
                params=QUERY.get(template, {}),
                **body,
            )
            what = f"{method} {template}: {answer.status_code} {answer.text[:300]}"
            plain = {415, 422} if template in NO_MODEL else set()
            assert answer.status_code in {200, 303, 403, 404} | plain, what
            if template not in NO_MODEL:
                told = answer.text.replace(owned.path(template), "").replace(ECHO, "")
                assert MODEL not in told, what
                assert COMMENT not in answer.text, what
                assert owned.evaluation not in answer.text, what
            tried += 1
    assert tried > 60
    assert _state(service, owned) == before


def _state(service: Service, owned: Owned) -> str:
    """All that the attempts could have changed."""
    seen = [
        service.call("GET", path).json()
        for path in (
            f"/v1/decisions/{owned.decision}",
            f"/v1/reviews/{owned.review}",
            f"/v1/models/{MODEL}",
            f"/v1/documents?model={MODEL}",
            f"/v1/waivers/{owned.waiver}",
            f"/v1/break-glass/{owned.glass}",
            "/v1/policies/support-bot-release/versions",
        )
    ]
    seen[0]["audit"] = None  # its proof grows with the log
    keys = service.call("GET", "/v1/keys").json()["items"]
    return json.dumps([seen, sorted((k["id"], k["revoked_at"]) for k in keys)], default=str)


def test_a_scoped_editor_publishes_within_their_models_only(service: Service):
    editor = service.key("ed", "policy_editor", person=True, models=("fraud-*",))
    yaml = {"Content-Type": "application/yaml"}

    def put(name: str, pattern: str) -> int:
        text = POLICY.replace("support-bot-release", name).replace('"support-bot*"', pattern)
        answer = service.call("PUT", f"/v1/policies/{name}", editor, content=text, headers=yaml)
        return answer.status_code

    assert put("mine", '"fraud-eu-*"') == 201
    assert put("one", "fraud-1") == 201
    for wider in ('"*"', '"fraud*"', '["fraud-1", "chat-1"]', '"?raud-1"'):
        assert put("wide", wider) == 403, wider
    service.publish(POLICY.replace('"support-bot*"', '"*"'))
    assert put("support-bot-release", "fraud-1") == 403, "it would end the rule of all others"


def test_who_sees_some_models_reads_no_entries_but_may_prove_one(service: Service):
    scoped = service.key("sam", "auditor", person=True, models=("fraud-*",))
    for path in (
        "/v1/audit/entries",
        "/v1/audit/entries/0",
        "/v1/audit/tile/entries/000.p/1",
        "/v1/audit/export",
        "/record",
        "/record/0",
    ):
        assert service.call("GET", path, scoped).status_code == 403, path
    assert service.call("GET", "/v1/audit/entries/0/proof", scoped).status_code == 200
    every = service.key("aud", "auditor", person=True)
    assert service.call("GET", "/v1/audit/entries", every).status_code == 200


def test_a_scoped_admin_makes_and_ends_no_keys(service: Service):
    admin = service.key("adam", "admin", person=True, models=("fraud-*",))
    wanted = {"name": "adam", "roles": ["admin"], "person": True}
    assert service.call("POST", "/v1/keys", admin, json=wanted).status_code == 403
    assert service.call("GET", "/v1/keys", admin).status_code == 403
    assert service.call("GET", "/keys", admin).status_code == 403
