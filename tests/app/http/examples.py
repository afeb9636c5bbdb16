"""One real run of the main story, from which the examples in /openapi.json are taken.

`python -m tests.app.http.examples` writes app/examples.json; a test keeps it current in shape.
"""

import json
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from app.database import make_engine, migrate, to_text
from app.integrations.mlflow.signing import signature
from app.settings import Settings
from tests.app.http.service import ESCALATES, POLICY, Service, evidence, running

_HOOK_SECRET = "a-secret-of-the-examples-only"
FILE = Path(__file__).parents[3] / "app" / "examples.json"


def taken(service: Service) -> dict[str, Any]:
    """Requests and answers by `METHOD path template`."""
    found: dict[str, Any] = {}

    def note(name: str, answer: httpx.Response, request: Any = None) -> Any:
        kind = answer.headers.get("content-type", "")
        shown = answer.json() if "json" in kind else answer.text
        found[name] = {"status": answer.status_code, "response": shown}
        if request is not None:
            found[name]["request"] = request
        return shown

    key = {"name": "release-pipeline", "roles": ["submitter"], "models": ["support-bot*"]}
    made = service.call("POST", "/v1/keys", json=key)
    secret = made.json()["key"]
    note("POST /v1/keys", made, key)
    # The file is public: no key of any deployment, not even of a test, stands in it.
    found["POST /v1/keys"]["response"]["key"] = "clr_shown-once"
    path = "/v1/policies/support-bot-release"
    yaml = {"Content-Type": "application/yaml"}
    note("PUT /v1/policies/{name}", service.call("PUT", path, content=POLICY, headers=yaml))
    linted = service.call("POST", "/v1/policies/lint?n=500", content=POLICY, headers=yaml)
    note("POST /v1/policies/lint", linted)
    body = evidence(version="42", **ESCALATES)
    preview = service.call("POST", "/v1/evaluations/preview", secret, json=body)
    note("POST /v1/evaluations/preview", preview, body)
    decision = note(
        "POST /v1/evaluations", service.call("POST", "/v1/evaluations", secret, json=body), body
    )
    here = f"/v1/decisions/{decision['id']}"
    note("GET /v1/decisions/{decision_id}/barrier", service.call("GET", f"{here}/barrier", secret))
    note("GET /v1/reviews", service.call("GET", "/v1/reviews"))
    person = service.key("sam", "reviewer:security", person=True)
    answer = {
        "answer": "approve",
        "role": "security",
        "decision_digest": decision["digest"],
        "comment": "The 14 hits are one known prompt; the fix ships on Monday.",
    }
    signing = f"/v1/reviews/{decision['review']['id']}/sign-offs"
    signed = service.call("POST", signing, person, json=answer)
    note("POST /v1/reviews/{review_id}/sign-offs", signed, answer)
    note("GET /v1/decisions/{decision_id}", service.call("GET", here))
    note("POST /v1/decisions/{decision_id}/replay", service.call("POST", f"{here}/replay"))
    asked = "/v1/clearance?model=support-bot&version=42&stage=limited_release"
    note("GET /v1/clearance", service.call("GET", asked))
    arms = [
        {"name": "control", "count": 1200, "n": 10000},
        {"name": "new-prompt", "count": 1290, "n": 10000},
    ]
    experiment = {"metric": "task completion", "arms": arms, "margin": 0.005}
    analyzed = service.call("POST", "/v1/experiments/analyze", json=experiment)
    note("POST /v1/experiments/analyze", analyzed, experiment)
    _of_people(service, note, person, decision)
    _of_data(service, note, secret)
    _of_mlflow(service, note)
    proof = f"/v1/audit/entries/{decision['audit']['index']}/proof"
    note("GET /v1/audit/entries/{index}/proof", service.call("GET", proof))
    return found


def _of_people(service: Service, note: Any, person: str, decision: dict[str, Any]) -> None:
    """Remarks, waivers, broken glass, notices."""
    remark = {"text": "Which of the 14 are new?"}
    where = f"/v1/reviews/{decision['review']['id']}/comments"
    said = service.call("POST", where, person, json=remark)
    note("POST /v1/reviews/{review_id}/comments", said, remark)
    wanted = {
        "rule": "safety/attack_success_rate",
        "model": "support-bot",
        "versions": ["42"],
        "stage": "limited_release",
        "reason": "The attack set counts one prompt family twice.",
        "compensating_control": "The output filter blocks that family.",
        "owner": "genai-platform",
        "expires_at": to_text(service.clock() + timedelta(days=30)),
    }
    asked = service.call("POST", "/v1/waivers", person, json=wanted)
    waiver = note("POST /v1/waivers", asked, wanted)
    ann = service.key("ann", "waiver_approver", person=True)
    path = f"/v1/waivers/{waiver['id']}/approve"
    approved = service.call("POST", path, ann, json={})
    note("POST /v1/waivers/{waiver_id}/approve", approved, {})
    failed = service.submit(attacks=(60, 1000), version="43").json()
    broken = {"reason": "The old version is down and customers wait.", "hours": 4}
    oncall = service.key("oncall", "break_glass", person=True)
    used = service.call("POST", f"/v1/decisions/{failed['id']}/break-glass", oncall, json=broken)
    note("POST /v1/decisions/{decision_id}/break-glass", used, broken)
    body = {"name": "ci", "target": "https://ci.example.com/hooks", "types": ["review.*"]}
    told = service.call("POST", "/v1/subscriptions", json=body)
    # The file is public, and this secret is shown once.
    note("POST /v1/subscriptions", told, body)["secret"] = "whsec_shown-once"


def _of_data(service: Service, note: Any, secret: str) -> None:
    """Two data sets, and the evaluation that waits until they are measured."""
    csv = {"Content-Type": "text/csv"}
    digests = []
    for shift in (0, 30):
        text = "age,city\n" + "".join(
            f"{18 + shift + number % 40},{('Bern', 'Linz')[number % 2]}\n" for number in range(8)
        )
        answer = service.call("POST", "/v1/datasets", secret, content=text, headers=csv)
        digests.append(note("POST /v1/datasets", answer, text)["digest"])
    body = {
        "candidate": {"model": "support-bot", "version": "44"},
        "stage": "limited_release",
        "measurements": evidence()["measurements"],
        "data": {"reference": digests[0], "current": digests[1], "columns": ["age", "city"]},
    }
    queued = service.call("POST", "/v1/evaluations", secret, json=body)
    note("POST /v1/evaluations data", queued, body)
    standing = service.call("GET", queued.headers["location"], secret)
    note("GET /v1/evaluations/{evaluation_id}", standing)


def _of_mlflow(service: Service, note: Any) -> None:
    """A new version, as MLflow tells of it."""
    event = {
        "entity": "model_version",
        "action": "created",
        "timestamp": "2026-11-23T06:13:49.973207+00:00",
        "data": {
            "name": "support-bot",
            "version": "45",
            "source": "models:/m-40fc6a2ce1d94d8ab1cbb4b0a7b0d7f1",
            "run_id": None,
            "tags": {"candidate": "true"},
            "description": "first candidate",
        },
    }
    content, stamp = json.dumps(event).encode(), str(int(service.clock().timestamp()))
    delivery = "0b3c4f0e-9c5b-4a58-9f27-0a3f5f0b7a11"
    headers = {
        "Content-Type": "application/json",
        "X-MLflow-Delivery-Id": delivery,
        "X-MLflow-Timestamp": stamp,
        "X-MLflow-Signature": signature(_HOOK_SECRET, delivery, stamp, content),
    }
    heard = service.client.post("/v1/hooks/mlflow", content=content, headers=headers)
    note("POST /v1/hooks/mlflow", heard, event)


def with_registry(settings: Settings, folder: Path) -> Settings:
    """Settings of a service that an MLflow registry is connected to."""
    (folder / "hook.secret").write_text(_HOOK_SECRET)
    (folder / "mlflow.yaml").write_text(
        "tracking_uri: http://127.0.0.1:9\nwebhook_secret_file: hook.secret\n"
        "models: [{model: support-bot, stage: limited_release}]\n"
    )
    return replace(settings, mlflow_file=folder / "mlflow.yaml")


def main() -> None:
    """Run the story on a fresh SQLite database and write the file."""
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(
            database_url=f"sqlite:///{directory}/clearance.db",
            data_dir=Path(directory),
            log_origin="clearance.example.com/log",
        )
        engine = make_engine(settings)
        migrate(engine)
        engine.dispose()
        with running(with_registry(settings, Path(directory))) as service:
            text = json.dumps(taken(service), indent=1, ensure_ascii=False)
    FILE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
