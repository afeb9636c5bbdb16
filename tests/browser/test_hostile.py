"""Everything that a stranger can type, typed as an attack, on every page, in a real browser."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.app.http.service import FAILS, POLICY, Service
from tests.browser.test_people import sign_in

pytestmark = pytest.mark.slow

NAME = "<img src=x onerror=alert(1)>"
TEXT = f"<script>alert(2)</script>{NAME}\"'><svg onload=alert(3)>{{{{7*7}}}} javascript:alert(4)"
TYPED = (
    *("model", "version", "task", "slice", "metric", "tool", "suite", "dataset", "id"),
    *("fact", "owner", "waiver", "control", "glass", "comment", "answer", "person", "key"),
    *("subscription", "policy-owner", "description", "basis"),
)
"""Every place that is typed into; each carries its own mark, so that each is seen on a page."""


def hostile(place: str) -> str:
    return f"{NAME}{place}~"


class Hostile:
    """One of everything, each field an attack."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.sue = service.key(hostile("person"), "reviewer:security", "break_glass", person=True)
        self.ann = service.key("Ann", "reviewer:security", "waiver_approver", person=True)
        ci = service.key(hostile("key"), "submitter")
        self.model = hostile("model")
        service.publish(_policy())
        owner = {"owner": hostile("owner"), "facts": {hostile("fact"): TEXT}}
        path = "/v1/models/" + "".join(f"%{byte:02X}" for byte in self.model.encode())
        self._made("PUT", path, json=owner)
        self._made("POST", "/v1/documents", self.sue, json=self._document())
        self._made("POST", "/v1/waivers", self.sue, json=self._waiver())
        sent = self._sent((14, 1000))
        self.open = self._made("POST", "/v1/evaluations", ci, json=sent)
        bad = {"metric": "accuracy", "count": FAILS["accuracy"][0], "n": 2000}
        other = {"candidate": {"model": self.model, "version": "2"}, "measurements": [bad]}
        assert self.open["status"] == "pending", self.open["summary"]
        failed = self._made("POST", "/v1/evaluations", ci, json={**sent, **other})
        self.failed = failed
        text = {"reason": f"{TEXT}{hostile('glass')}"}
        self._made("POST", f"/v1/decisions/{failed['id']}/break-glass", self.sue, json=text)
        review = f"/v1/reviews/{self.open['review']['id']}"
        self._made("POST", f"{review}/comments", self.ann, json={"text": TEXT + hostile("comment")})
        answer = {"answer": "request_changes", "role": "security", "comment": hostile("answer")}
        self._made("POST", f"{review}/sign-offs", self.ann,
                   json={**answer, "decision_digest": self.open["digest"]})  # fmt: skip
        body = {"name": hostile("subscription"), "target": "https://x.example/%3Cscript%3E"}
        self.subscription = self._made("POST", "/v1/subscriptions", json=body)["id"]

    def _made(self, method: str, path: str, token: str | None = None, **sent: Any) -> Any:
        answer = self.service.call(method, path, token, **sent)
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json()

    def _document(self) -> dict[str, Any]:
        return {"model": self.model, "kind": "dpia", "sha256": "a" * 64,
                "role": "security", "uri": f"javascript:alert(5)//{hostile('uri')}"}  # fmt: skip

    def _waiver(self) -> dict[str, Any]:
        ends = (self.service.clock() + timedelta(days=5)).isoformat()
        return {"rule": "quality/accuracy", "model": self.model, "expires_at": ends,
                "reason": TEXT + hostile("waiver"), "owner": NAME,
                "compensating_control": TEXT + hostile("control")}  # fmt: skip

    def _sent(self, attacks: tuple[int, int]) -> dict[str, Any]:
        data = {"name": hostile("dataset"), "digest": f"sha256:{'1' * 64}"}
        source = {"tool": hostile("tool"), "suite": hostile("suite"), "dataset": data}
        rate = {"metric": "attack_success_rate", "count": attacks[0], "n": attacks[1]}
        return {
            "candidate": {"model": self.model, "version": hostile("version")},
            "stage": "limited_release",
            "measurements": [
                {"metric": "accuracy", "count": 1900, "n": 2000, "task": hostile("task")},
                {**rate, "slice": {"category": hostile("slice")}, "source": source},
                rate,
                {"metric": hostile("metric"), "scores": [0.1, 0.9],
                 "ids": [hostile("id"), "q2"]},
            ],
            "documents": [{"kind": "dpia", "uri": "javascript:alert(6)"}],
            "context": {"run_url": "javascript:alert(7)", "commit": hostile("commit"),
                        "author": hostile("author")},
        }  # fmt: skip


def _policy() -> str:
    quoted = NAME.replace('"', '\\"')
    return (
        POLICY.replace('"support-bot*"', '"*"')
        .replace(
            "owner: genai-platform",
            f'owner: "{quoted}policy-owner~"\ndescription: "{quoted}description~"',
        )
        .replace(
            "{metric: accuracy, min: 0.85}",
            f'{{metric: accuracy, min: 0.85, basis: {{kind: custom, source: "{quoted}basis~"}}}}\n'
            f'    - {{metric: "{quoted}metric~", id: own, direction: higher, kind: mean,'
            " min: 0.2}",
        )
    )


def test_nothing_that_anybody_typed_runs_and_all_of_it_is_shown(page: Page, service: Service):
    made = Hostile(service)
    ran: list[str] = []

    def note(dialog: Dialog) -> None:
        ran.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    model = "".join(f"%{byte:02X}" for byte in made.model.encode())
    seen = ""
    paths = (
        *("/", "/decisions", "/models", "/policies", "/waivers", "/documents", "/record"),
        *(f"/decisions/{made.open['id']}", f"/decisions/{made.failed['id']}", f"/models/{model}"),
        *("/policies/support-bot-release", f"/waivers?rule={model}&model={model}"),
        *(f"/decisions?model={model}", f"/decisions/{model}", "/keys", "/notices"),
        f"/notices/{made.subscription}",
    )
    for key in (made.ann, service.admin):
        sign_in(page, key)
        for path in paths:
            page.goto(path)
            for summary in page.locator("details > summary").all():
                summary.click()
            seen += page.locator("body").inner_text()
            assert page.locator("img, body script, iframe, object, embed, base").count() == 0, path
            links = page.locator("[href], [action], [src], [formaction]").evaluate_all(
                "all => all.flatMap(e => ['href', 'action', 'src', 'formaction']"
                ".map(n => e.getAttribute(n))).filter(v => v)"
            )
            assert [link for link in links if link.strip().lower().startswith("javascript")] == []
    assert ran == []
    own = str(service.client.base_url).rstrip("/")
    assert [url for url in asked if not url.startswith(own)] == []
    assert "49" not in seen.split("{{7*7}}")[0][-20:]
    unseen = [place for place in TYPED if f"{place}~" not in seen]
    assert unseen == [], "shown nowhere, so the test would not notice"
    expect(page.locator("body")).to_be_visible()
