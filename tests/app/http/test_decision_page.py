"""A decision's page: evidence, waivers, the proof, a broken glass, and who may answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.settings import SettingsError
from tests.app.http.service import ESCALATES, FAILS, POLICY, Service, running
from tests.app.http.test_pages import NASTY, TWO, act, decided, get, reviewer, signed_in

SCORED = [
    {"metric": "accuracy", "count": 1900, "n": 2000, "source": {"tool": "lm-eval", "suite": "v7"}},
    {
        "metric": "attack_success_rate",
        "scores": [0.0] * 300 + [1.0, 1.0],
        "ids": [f"q{number}" for number in range(300)] + ["atk/7 ü", NASTY],
    },
]


def test_a_broken_glass_never_looks_like_a_pass(service: Service):
    service.publish()
    decision = decided(service, **FAILS)
    oncall = service.key("Cleo", "break_glass", person=True)
    path = f"/decisions/{decision['id']}"
    used = service.call("POST", f"/v1{path}/break-glass", oncall, json={"reason": NASTY})
    assert used.status_code == 201, used.text
    signed_in(service, reviewer(service, "Ada"))
    shown = get(service, path)
    assert "Let through: the glass was broken" in shown
    assert ">Passed<" not in shown
    assert "Cleo let it through until" in shown
    assert "<script>alert" not in shown
    assert "through broken glass" in get(service, "/decisions")
    assert "through broken glass" in get(service, "/models/support-bot")
    standing = service.call("GET", f"/v1{path}").json()
    assert (standing["status"], standing["break_glass"]["lets_through"]) == ("passed", True)
    for kind, words in (
        ("text/markdown", "⏳ Let through"),
        ("text/html", "Let through: the glass was broken"),
        ("application/xml", "<skipped"),
    ):
        told = service.call("GET", f"/v1{path}/report", headers={"Accept": kind}).text
        assert words in told, kind
        assert "✅ Passed" not in told
    # Who stops on a test report is not stopped: it was let through.
    assert "<failure" not in told


def test_the_evidence_stands_there_with_who_vouches_for_it(service: Service):
    service.publish(POLICY.replace("gates:", "gates:\n  papers:\n    - {document: dpia}"))
    sam = service.key("sam", "reviewer:legal", person=True)
    body = {"model": "support-bot", "kind": "dpia", "sha256": "a" * 64, "role": "legal"}
    assert service.call("POST", "/v1/documents", sam, json=body).status_code == 201
    decision = decided(
        service,
        measurements=SCORED,
        documents=[{"kind": "dpia", "uri": "javascript:alert(1)", "sha256": "b" * 64}],
    )
    signed_in(service, reviewer(service, "Ada"))
    shown = get(service, f"/decisions/{decision['id']}")
    assert "a person vouches for it" in shown
    assert "nobody vouches for it" in shown
    assert 'href="javascript:' not in shown
    assert "1,900 of 2,000" in shown
    assert "302 scores, mean 0.00662" in shown
    assert "lm-eval, v7" in shown


def test_failing_examples_lead_to_where_they_are_kept_and_opening_one_is_noted(settings):
    where = "https://traces.example.com/{model}/{version}?q={id}"
    with running(replace(settings, examples_url=where)) as service:
        service.publish()
        decision = decided(service, measurements=SCORED)
        path = f"/decisions/{decision['id']}"
        signed_in(service, reviewer(service, "Ada"))
        shown = get(service, path)
        assert f'href="{path}/examples/atk/7%20%C3%BC"' in shown
        opened = service.client.get(f"{path}/examples/atk/7%20%C3%BC")
        assert opened.status_code == 303
        assert opened.headers["location"] == (
            "https://traces.example.com/support-bot/42?q=atk%2F7%20%C3%BC"
        )
        assert opened.headers["referrer-policy"] == "no-referrer"
        (entry,) = service.call("GET", "/v1/audit/entries?type=evidence.opened").json()["items"]
        assert entry["subject"] == decision["id"]
        assert "example" in entry["body"]["commitments"]
        assert "atk" not in str(entry)
        away = service.client.get(f"{path}/examples/..%2F..%2F@evil.example")
        assert away.headers["location"].startswith("https://traces.example.com/")
        assert service.client.get("/decisions/dec_none/examples/q1").status_code == 404


@pytest.mark.parametrize("url", ["https://{model}.example/{id}", "ftp://x/{id}", "https://x/no"])
def test_who_sends_evidence_cannot_choose_the_host_of_examples(settings, url: str):
    with pytest.raises(SettingsError):
        replace(settings, examples_url=url)


def test_without_an_address_examples_are_named_and_lead_nowhere(service: Service):
    service.publish()
    decision = decided(service, measurements=SCORED)
    signed_in(service, reviewer(service, "Ada"))
    assert "atk/7 ü" in get(service, f"/decisions/{decision['id']}")
    answer = service.client.get(f"/decisions/{decision['id']}/examples/q1")
    assert answer.status_code == 404


def test_the_proof_says_where_it_stands(service: Service):
    service.publish()
    decision = decided(service)
    signed_in(service, reviewer(service, "Ada"))
    path = f"/decisions/{decision['id']}"
    assert f"entry {decision['audit']['index']}</a> of" in get(service, path)
    service.app.state.runtime.anchoring.stop()
    assert 'Outside copy: <bdi>file</bdi></dt><dd><span class="chip pass">held</span>' in get(
        service, path
    )
    assert "seconds ago" in get(service, "/record") or "second ago" in get(service, "/record")


def test_the_page_asks_who_may_answer_of_whoever_decides_it(service: Service):
    """The commit's author, a delegate and who delegated: as the use case has it."""
    service.publish(TWO)
    ada, ben = reviewer(service, "Ada"), reviewer(service, "Ben")
    decision = decided(service, context={"author": "Ben"}, **ESCALATES)
    path = f"/decisions/{decision['id']}"
    signed_in(service, ben)
    shown = get(service, path)
    assert "You cannot answer: Who made the change does not sign it off." in shown
    assert ">Approve<" not in shown
    cy = service.key("Cy", "viewer", "reviewer:fraud", person=True)
    signed_in(service, cy)
    assert "None of your roles is asked here." in get(service, path)
    signed_in(service, ada)
    assert ">Approve<" in get(service, path)
    given = act(service, f"{path}/delegate", role="security", to="Cy", reason="on leave",
                until=_tomorrow(service))  # fmt: skip
    assert given.status_code == 303, given.text
    assert "You gave this answer to somebody else" in get(service, path)
    signed_in(service, cy)
    assert ">Approve<" in get(service, path)
    done = act(service, f"{path}/answer", answer="approve", role="security",
               digest=decision["digest"])  # fmt: skip
    assert done.status_code == 303, done.text


def _tomorrow(service: Service) -> str:
    return (service.clock() + timedelta(days=1)).date().isoformat()
