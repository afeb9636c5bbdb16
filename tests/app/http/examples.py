"""One real run of the main story, from which the examples in /openapi.json are taken.

`python -m tests.app.http.examples` writes app/examples.json; a test keeps it current in shape.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import httpx

from app.database import make_engine, migrate
from app.settings import Settings
from tests.app.http.service import ESCALATES, POLICY, Service, evidence, running

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
    proof = f"/v1/audit/entries/{decision['audit']['index']}/proof"
    note("GET /v1/audit/entries/{index}/proof", service.call("GET", proof))
    return found


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
        with running(settings) as service:
            text = json.dumps(taken(service), indent=1, ensure_ascii=False)
    FILE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
