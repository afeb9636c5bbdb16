"""Submitting evidence: one decision, recorded with its proof before it is answered."""

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.evaluations import replaying
from app.ledger.merkle import verify_inclusion
from app.ledger.note import VerifierKey, open_checkpoint
from gates.canonical import canonical
from tests.app.http.service import ESCALATES, FAILS, POLICY, Service, evidence


@pytest.fixture
def ready(service: Service) -> Service:
    service.publish()
    return service


def posted(service: Service, body: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = service.call("POST", "/v1/evaluations", json=body).json()
    return answer


def test_a_pass_is_answered_with_its_proof(ready: Service):
    answer = ready.submit()
    assert answer.status_code == 201
    body = answer.json()
    assert (body["verdict"], body["status"]) == ("pass", "passed")
    assert body["policy"]["name"] == "support-bot-release"
    assert body["grants"] == {"traffic_max": 0.05}
    assert answer.headers["location"] == f"/v1/decisions/{body['id']}"
    audit = body["audit"]
    key = VerifierKey.parse(ready.client.get("/v1/audit/keys").json()["items"][0]["verifier_key"])
    signed = open_checkpoint(audit["checkpoint"], [key])
    leaf = bytes.fromhex(audit["leaf"])
    proof = [bytes.fromhex(node) for node in audit["proof"]]
    verify_inclusion(audit["index"], signed.size, leaf, proof, signed.root)
    entry = ready.call("GET", f"/v1/audit/entries/{audit['index']}").json()
    assert (entry["type"], entry["subject"]) == ("decision.recorded", body["id"])
    assert entry["leaf"] == audit["leaf"]
    assert entry["body"]["data"]["digest"] == body["digest"]
    assert canonical(entry["body"]).decode() == entry["bytes"]


def test_the_stored_decision_is_what_was_answered(ready: Service):
    made = ready.submit(**ESCALATES).json()
    shown = ready.call("GET", f"/v1/decisions/{made['id']}").json()
    for volatile in ("audit",):
        made.pop(volatile)
        shown.pop(volatile)
    assert shown == made


def test_three_verdicts_three_statuses(ready: Service):
    found = {
        name: ready.submit(version=name, **change).json()
        for name, change in (("a", {}), ("b", FAILS), ("c", ESCALATES))
    }
    assert {k: (v["verdict"], v["status"]) for k, v in found.items()} == {
        "a": ("pass", "passed"),
        "b": ("fail", "failed"),
        "c": ("escalate", "pending"),
    }
    assert found["a"]["review"] is None
    assert found["c"]["review"]["needed"] == [{"role": "security", "min": 1, "have": 0}]
    codes = {
        name: ready.call("GET", f"/v1/decisions/{body['id']}/barrier").status_code
        for name, body in found.items()
    }
    assert codes == {"a": 200, "b": 403, "c": 202}
    chosen = ready.call("GET", f"/v1/decisions/{found['c']['id']}/barrier?pending=423&fail=451")
    assert chosen.status_code == 423
    empty = ready.call("GET", f"/v1/decisions/{found['c']['id']}/barrier?pending=204")
    assert (empty.status_code, empty.content) == (204, b"")
    same = ready.call("GET", f"/v1/decisions/{found['c']['id']}/barrier?pending=409&fail=409")
    assert same.status_code == 422
    unknown = ready.call("GET", "/v1/decisions/dec_none/barrier?fail=451")
    assert unknown.status_code == 451
    cleared = {
        name: ready.call(
            "GET", f"/v1/clearance?model=support-bot&version={name}&stage=limited_release"
        ).json()["cleared"]
        for name in found
    }
    assert cleared == {"a": True, "b": False, "c": False}


def test_reports_come_in_three_forms(ready: Service):
    made = ready.submit().json()
    path = f"/v1/decisions/{made['id']}/report"
    forms = {"text/markdown": "#", "text/html": "<!doctype html", "application/xml": "<?xml"}
    for accept, begins in forms.items():
        answer = ready.call("GET", path, headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(accept)
        assert answer.text.lstrip().lower().startswith(begins)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert ready.call("GET", path, headers={"Accept": "image/png"}).status_code == 406


def test_replay_gives_the_recorded_answer(ready: Service):
    for change in ({}, FAILS, ESCALATES):
        made = ready.submit(version=str(change), **change).json()
        again = ready.call("POST", f"/v1/decisions/{made['id']}/replay").json()
        assert again == {
            "identical": True,
            "same_values": True,
            "engine": {"recorded": made["engine"], "replayed": made["engine"]},
            "differences": [],
        }


def test_another_engine_must_give_every_value_that_was_recorded(ready: Service, monkeypatch):
    made = ready.submit().json()
    path = f"/v1/decisions/{made['id']}/replay"
    real = replaying.again

    def newer(policy, inputs, **changes):
        return replace(real(policy, inputs), engine="9.9.9", **changes)

    monkeypatch.setattr(replaying, "again", newer)
    assert ready.call("POST", path).json() == {
        "identical": False,
        "same_values": True,
        "engine": {"recorded": made["engine"], "replayed": "9.9.9"},
        "differences": [],
    }
    monkeypatch.setattr(
        replaying, "again", lambda policy, inputs: newer(policy, inputs, summary="Other words.")
    )
    other = ready.call("POST", path).json()
    assert (other["same_values"], len(other["differences"])) == (False, 1)
    assert other["differences"][0].startswith("/summary: ")


def test_preview_stores_and_spends_nothing(ready: Service):
    before = ready.call("GET", "/v1/audit/entries?limit=200").json()["items"]
    seen = ready.call("POST", "/v1/evaluations/preview", json=evidence(**ESCALATES)).json()
    assert (seen["preview"], seen["id"], seen["audit"]) == (True, None, None)
    assert (seen["verdict"], seen["policy"]["version"]) == ("escalate", 1)
    assert ready.call("GET", "/v1/decisions").json()["items"] == []
    assert ready.call("GET", "/v1/models").json()["items"] == []
    assert ready.call("GET", "/v1/audit/entries?limit=200").json()["items"] == before
    made = ready.submit(**ESCALATES).json()
    assert (made["attempt"], made["digest"]) == (1, seen["digest"])


def test_looks_are_counted_and_known_inputs_cost_nothing(ready: Service):
    first = ready.submit(**ESCALATES).json()
    same = ready.submit(**ESCALATES).json()
    more = ready.submit(attacks=(14, 1400)).json()
    assert [first["attempt"], same["attempt"], more["attempt"]] == [1, 1, 2]
    other = ready.submit(version="43", **ESCALATES).json()
    assert other["attempt"] == 1


def test_looks_follow_the_candidate_by_version_or_digest(ready: Service):
    def attempt(version: str, digest: str, n: int, stage: str = "limited_release") -> int:
        body = evidence(attacks=(14, n), stage=stage)
        body["candidate"] |= {"version": version, "digest": f"sha256:{digest * 64}"}
        made = ready.call("POST", "/v1/evaluations", json=body)
        return int(made.json()["attempt"])

    assert attempt("42", "a", 1000) == 1
    assert attempt("42", "b", 1100) == 2, "rebuilt under the same version"
    assert attempt("43", "a", 1200) == 2, "the same bytes under another version"
    assert attempt("44", "c", 1300) == 1
    assert attempt("44", "a", 1400) == 3, "both at once"


def test_two_submissions_at_once_cannot_both_be_the_first_look(ready: Service):
    bodies = [{"attacks": (14, 1000 + i)} for i in range(6)]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda change: ready.submit(**change).json(), bodies))
    assert sorted(item["attempt"] for item in made) == [1, 2, 3, 4, 5, 6]


def test_a_newer_decision_supersedes_a_pending_one(ready: Service):
    first = ready.submit(**ESCALATES).json()
    second = ready.submit(attacks=(2, 5000)).json()
    shown = ready.call("GET", f"/v1/decisions/{first['id']}").json()
    assert (shown["status"], shown["verdict"]) == ("superseded", "escalate")
    assert shown["review"]["status"] == "superseded"
    listed = ready.call("GET", "/v1/decisions?status=superseded").json()["items"]
    assert [item["id"] for item in listed] == [first["id"]]
    assert ready.call("GET", "/v1/reviews?status=open").json()["items"] == []
    assert second["status"] == "passed"


def test_time_alone_ends_what_stands(ready: Service):
    passed = ready.submit(version="1").json()
    pending = ready.submit(version="2", **ESCALATES).json()
    ready.clock.ahead = timedelta(hours=73)
    late = ready.call("GET", f"/v1/decisions/{pending['id']}").json()
    assert (late["status"], late["review"]["status"]) == ("expired", "expired")
    assert ready.call("GET", f"/v1/decisions/{pending['id']}/barrier").status_code == 403
    asked = "/v1/clearance?model=support-bot&version=1&stage=limited_release"
    assert ready.call("GET", asked).json()["cleared"] is True
    ready.clock.ahead = timedelta(days=31)
    assert ready.call("GET", f"/v1/decisions/{passed['id']}").json()["status"] == "expired"
    assert ready.call("GET", asked).json()["cleared"] is False
    assert ready.call("GET", f"{asked}&enforce=true").status_code == 403
    expired = ready.call("GET", "/v1/decisions?status=expired").json()["items"]
    assert {item["id"] for item in expired} == {passed["id"], pending["id"]}


def test_a_newer_fail_ends_an_older_pass_and_a_revocation_does_too(ready: Service):
    asked = "/v1/clearance?model=support-bot&version=42&stage=limited_release"
    made = ready.submit().json()
    assert ready.call("GET", asked).json()["decision"] == made["id"]
    reason = {"reason": "the test set leaked"}
    ended = ready.call("POST", f"/v1/decisions/{made['id']}/revoke", json=reason)
    assert (ended.status_code, ended.json()["status"]) == (200, "revoked")
    again = ready.call("POST", f"/v1/decisions/{made['id']}/revoke", json=reason)
    assert (again.status_code, again.json()["type"]) == (409, "already-revoked")
    assert ready.call("GET", asked).json()["status"] == "revoked"
    ready.submit(version="50")
    failed = ready.submit(version="50", **FAILS).json()
    held = ready.call("GET", asked.replace("42", "50")).json()
    assert (held["cleared"], held["status"], held["grants"]) == (False, "failed", {})
    refused = ready.call("POST", f"/v1/decisions/{failed['id']}/revoke", json=reason)
    assert refused.json()["type"] == "not-revocable"
    text = ready.call("GET", "/v1/audit/entries?type=decision.revoked").text
    assert "test set leaked" not in text


def test_one_version_under_two_digests_needs_the_digest(ready: Service):
    digests = ["sha256:" + "a" * 64, "sha256:" + "b" * 64]
    for digest in digests:
        candidate = {"model": "support-bot", "version": "42", "digest": digest}
        assert ready.submit(candidate=candidate).status_code == 201
    asked = "/v1/clearance?model=support-bot&version=42&stage=limited_release"
    assert ready.call("GET", asked).json()["cleared"] is False
    assert ready.call("GET", f"{asked}&digest={digests[0]}").json()["cleared"] is True


def test_the_policy_is_chosen_or_refused(ready: Service):
    def refused(**changes):
        answer = ready.submit(**changes)
        assert answer.status_code == 422, answer.text
        return answer.json()["type"]

    assert refused(candidate={"model": "fraud", "version": "1"}) == "no-policy"
    assert refused(policy="nope") == "unknown-policy"
    ready.publish(POLICY.replace("support-bot-release", "second"), "second")
    assert refused() == "ambiguous-policy"
    assert ready.submit(policy="second").status_code == 201
    assert refused(policy="second", stage="monitoring") == "policy-does-not-apply"
    assert len(ready.call("GET", "/v1/decisions").json()["items"]) == 1
    # Both enforce now, and only one has decided.
    asked = "/v1/clearance?model=support-bot&version=42&stage=limited_release"
    assert ready.call("GET", asked).json()["cleared"] is False


def test_an_observing_policy_clears_nothing(service: Service):
    service.publish(POLICY + "observe: true\n")
    made = service.submit().json()
    assert (made["verdict"], made["status"]) == ("pass", "observed")
    asked = "/v1/clearance?model=support-bot&version=42&stage=limited_release"
    assert service.call("GET", asked).json()["cleared"] is False
    assert service.call("GET", f"/v1/decisions/{made['id']}/barrier").status_code == 403
    assert service.submit(version="2", **ESCALATES).json()["review"] is None


JUNIT = """<?xml version="1.0"?><testsuite name="t"><testcase name="a"/><testcase name="b">
<failure/></testcase></testsuite>"""


def test_native_files_come_in_three_ways(service: Service):
    service.publish(
        'policy: p\nowner: me\napplies_to: {model: "*", stage: evaluation}\n'
        "gates: {q: [{metric: pass_rate, min: 0.1, min_samples: 2}]}\n",
        "p",
    )
    rows = [{"metric": "pass_rate", "value": 0.9, "n": 500}]
    files = [
        {"name": "j.xml", "text": JUNIT},
        {"name": "j.xml", "base64": base64.b64encode(JUNIT.encode()).decode()},
        {"name": "rows.json", "content": rows},
    ]
    for number, file in enumerate(files):
        body = {
            "candidate": {"model": "m", "version": str(number)},
            "stage": "evaluation",
            "results": [file],
        }
        made = service.call("POST", "/v1/evaluations", json=body)
        assert made.status_code == 201, made.text
        observed = made.json()["gates"][0]["findings"][0]["observed"]
        assert observed["n"] == (500 if number == 2 else 2)


def test_the_same_file_for_another_candidate_is_not_its_evidence(service: Service):
    service.publish(
        'policy: p\nowner: me\napplies_to: {model: "*", stage: evaluation}\n'
        "gates: {q: [{metric: accuracy, min: 0.5}]}\n",
        "p",
    )
    rows = [{"metric": "accuracy", "value": 0.9, "n": 500}]

    def judged(version: str) -> dict[str, Any]:
        body = {
            "candidate": {"model": "m", "version": version},
            "stage": "evaluation",
            "results": [{"name": "rows.json", "content": rows}],
        }
        return posted(service, body)

    assert judged("1")["verdict"] == "pass"
    assert judged("1")["verdict"] == "pass"
    copied = judged("2")
    assert copied["verdict"] == "escalate"
    assert copied["gates"][0]["findings"][0]["reason"] == "evidence_of_another_candidate"


BASELINE = (
    'policy: p\nowner: me\napplies_to: {model: "*", stage: evaluation}\n'
    "gates: {q: [{metric: accuracy, min: 0.5},"
    " {metric: accuracy, versus_baseline: {max_drop: 0.05}}]}\n"
)


def test_a_baseline_is_looked_up_or_given(service: Service):
    service.publish(BASELINE, "p")

    def judged(version: str, baseline: dict[str, Any] | None = None, count: int = 1800):
        body = {
            "candidate": {"model": "m", "version": version},
            "stage": "evaluation",
            "measurements": [{"metric": "accuracy", "count": count, "n": 2000}],
        }
        return service.call(
            "POST", "/v1/evaluations", json=body | ({"baseline": baseline} if baseline else {})
        )

    first = judged("1").json()
    assert first["gates"][0]["findings"][1]["reason"] == "no_baseline"
    for baseline in (
        {"version": "1"},
        {"evaluation": first["evaluation"]},
        {"measurements": [{"metric": "accuracy", "count": 1800, "n": 2000}]},
    ):
        made = judged(f"by {next(iter(baseline))}", baseline).json()
        finding = made["gates"][0]["findings"][1]
        assert finding["outcome"] == "pass", made["summary"]
        assert finding["baseline"]["n"] == 2000
    assert made["context"]["baseline_uses"] >= 1
    unknown = judged("3", {"version": "none"})
    assert (unknown.status_code, unknown.json()["type"]) == (422, "baseline-not-found")
    two = judged("3", {"version": "1", "evaluation": first["evaluation"]})
    assert two.status_code == 422


def test_the_last_passed_version_is_the_policys_baseline(service: Service):
    service.publish(BASELINE.replace("gates:", "baseline: {last_passed: evaluation}\ngates:"), "p")

    def judged(version: str, rule: str = "accuracy") -> dict[str, Any]:
        body = {
            "candidate": {"model": "m", "version": version},
            "stage": "evaluation",
            "measurements": [{"metric": rule, "count": 1800, "n": 2000}],
        }
        return posted(service, body)

    assert judged("1")["verdict"] == "fail"
    given = {"measurements": [{"metric": "accuracy", "count": 1800, "n": 2000}]}
    body = {
        "candidate": {"model": "m", "version": "2"},
        "stage": "evaluation",
        "baseline": given,
        **given,
    }
    assert service.call("POST", "/v1/evaluations", json=body).json()["verdict"] == "pass"
    assert judged("3")["verdict"] == "pass"


def test_facts_come_from_people_and_change_what_applies(service: Service):
    service.publish(
        'policy: p\nowner: me\napplies_to: {model: "*", stage: evaluation}\n'
        "gates: {q: [{metric: accuracy, min: 0.5},"
        " {metric: recall, min: 0.9, when: \"model.facts.tier == 'high'\"}]}\n",
        "p",
    )
    registered = service.call("PUT", "/v1/models/m", json={"owner": "me", "facts": {"tier": "low"}})
    assert registered.status_code == 200, registered.text

    def judged(version: str) -> dict[str, Any]:
        body = {
            "candidate": {"model": "m", "version": version},
            "stage": "evaluation",
            "measurements": [{"metric": "accuracy", "count": 1800, "n": 2000}],
        }
        return posted(service, body)

    assert judged("1")["verdict"] == "pass"
    service.call("PUT", "/v1/models/m", json={"facts": {"tier": "high"}})
    assert judged("2")["verdict"] == "fail"
    shown = service.call("GET", "/v1/models/m").json()
    assert (shown["facts"], shown["owner"]) == ({"tier": "high"}, None)
    standing = service.call("GET", "/v1/models/m/versions/1").json()
    assert standing["stages"][0]["cleared"] is True


def test_a_registered_document_counts_and_a_declared_one_does_not(service: Service):
    service.publish(
        'policy: p\nowner: me\napplies_to: {model: "*", stage: evaluation}\n'
        "gates: {q: [{metric: accuracy, min: 0.5},"
        " {document: dpia, signed_by: legal, max_age_days: 30}]}\n",
        "p",
    )
    declared = {
        "kind": "dpia",
        "sha256": "0" * 64,
        "signed_by": "legal",
        "issued_at": "2026-11-01T00:00:00Z",
    }

    def judged(version: str) -> dict[str, Any]:
        body = {
            "candidate": {"model": "m", "version": version},
            "stage": "evaluation",
            "measurements": [{"metric": "accuracy", "count": 1800, "n": 2000}],
            "documents": [declared],
        }
        return posted(service, body)

    assert judged("1")["verdict"] == "fail"
    lawyer = service.key("lee", "reviewer:legal", person=True)
    now = service.clock().isoformat()
    document = {"model": "m", "kind": "dpia", "sha256": "0" * 64, "role": "legal", "issued_at": now}
    assert service.call("POST", "/v1/documents", json=document).status_code == 403
    wrong = service.call("POST", "/v1/documents", lawyer, json=document | {"role": "security"})
    assert wrong.status_code == 403
    made = service.call("POST", "/v1/documents", lawyer, json=document)
    assert (made.status_code, made.json()["grade"]) == (201, "attested")
    assert judged("2")["verdict"] == "pass"
    listed = service.call("GET", "/v1/documents?model=m&kind=dpia").json()["items"]
    assert [item["id"] for item in listed] == [made.json()["id"]]


def test_a_stage_that_was_passed_counts_for_the_next(service: Service):
    service.publish(
        'policy: p\nowner: me\napplies_to: {model: "*", stage: evaluation}\n'
        "gates: {q: [{metric: accuracy, min: 0.5}]}\n",
        "p",
    )
    service.publish(
        'policy: next\nowner: me\napplies_to: {model: "*", stage: limited_release}\n'
        "gates: {q: [{metric: accuracy, min: 0.5}, {passed_stage: evaluation}]}\n",
        "next",
    )

    def judged(stage: str) -> dict[str, Any]:
        body = {
            "candidate": {"model": "m", "version": "1"},
            "stage": stage,
            "measurements": [{"metric": "accuracy", "count": 1800, "n": 2000}],
        }
        return posted(service, body)

    assert judged("limited_release")["verdict"] == "fail"
    first = judged("evaluation")
    assert first["verdict"] == "pass"
    assert judged("limited_release")["verdict"] == "pass"
    service.call("POST", f"/v1/decisions/{first['id']}/revoke", json={"reason": "wrong data"})
    assert judged("limited_release")["verdict"] == "fail"


def test_a_slice_that_vanished_is_missing(service: Service):
    service.publish(
        'policy: p\nowner: me\napplies_to: {model: "*", stage: evaluation}\n'
        "gates: {q: [{metric: accuracy, min: 0.5, by: [lang]}]}\n",
        "p",
    )

    def judged(version: str, *langs: str) -> dict[str, Any]:
        measured = [
            {"metric": "accuracy", "count": 1800, "n": 2000, "slice": {"lang": lang}}
            for lang in langs
        ]
        body = {
            "candidate": {"model": "m", "version": version},
            "stage": "evaluation",
            "measurements": measured,
        }
        return posted(service, body)

    assert judged("1", "en", "de")["verdict"] == "pass"
    assert judged("2", "en")["verdict"] == "fail"


def test_lists_are_paged_newest_first(ready: Service):
    made = [ready.submit(version=str(i)).json()["id"] for i in range(5)]
    seen, cursor = [], ""
    while True:
        page = ready.call("GET", f"/v1/decisions?limit=2{cursor}").json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == made[::-1]
    assert ready.call("GET", "/v1/decisions?limit=201").status_code == 422
    assert ready.call("GET", "/v1/decisions?cursor=xx").status_code == 422
    assert (
        ready.call("GET", "/v1/decisions?version=3&verdict=pass").json()["items"][0]["id"]
        == made[3]
    )
    assert ready.call("GET", "/v1/decisions?since=2099-01-01T00:00:00Z").json()["items"] == []
    assert ready.call("GET", "/v1/decisions?since=2026-01-01T00:00:00").status_code == 422


def test_an_idempotency_key_gets_the_first_answer_again(ready: Service):
    headers = {"Idempotency-Key": "run-17"}
    first = ready.submit(headers=headers)
    ready.submit(version="43")
    again = ready.submit(headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["idempotent-replay"] == "true"
    assert again.content == first.content
    reused = ready.submit(headers=headers, version="44")
    assert (reused.status_code, reused.json()["type"]) == (409, "idempotency-key-reused")
    broken = ready.call("POST", "/v1/evaluations", content=b"{", headers=headers)
    assert broken.json()["type"] == "idempotency-key-reused"
    other = ready.submit(ready.key("ci", "submitter"), headers=headers)
    assert other.status_code == 201
    assert len(ready.call("GET", "/v1/decisions").json()["items"]) == 3
    assert ready.submit(headers={"Idempotency-Key": "a b"}).status_code == 422


def test_one_key_at_one_time_gets_one_answer(ready: Service):
    headers = {"Idempotency-Key": "all-at-once"}
    barrier = threading.Barrier(8)

    def send(_: int):
        barrier.wait()
        return ready.submit(headers=headers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert len({answer.content for answer in answers}) == 1
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len(ready.call("GET", "/v1/decisions").json()["items"]) == 1


def test_a_refused_request_keeps_no_answer(ready: Service):
    headers = {"Idempotency-Key": "later"}
    refused = ready.submit(headers=headers, policy="not-yet")
    assert refused.status_code == 422
    ready.publish(POLICY.replace("support-bot-release", "not-yet"), "not-yet")
    made = ready.submit(headers=headers, policy="not-yet")
    assert made.status_code == 201


def test_persons_in_the_context_are_commitments_in_the_log(ready: Service):
    context = {"author": "Ada Lovelace", "commit": "abc123"}
    made = ready.submit(context=context).json()
    log = ready.call("GET", f"/v1/audit/entries?subject={made['evaluation']}")
    assert "Ada" not in log.text
    assert set(log.json()["items"][0]["body"]["commitments"]) == {"author"}


def test_a_large_body_is_decided_all_the_same(ready: Service):
    rng = list(range(8000))
    scores = [float(i % 20 != 0) for i in rng]
    measurements = [
        {"metric": "accuracy", "scores": scores, "ids": [f"q{i}" for i in rng]},
        {"metric": "attack_success_rate", "count": 2, "n": 1000},
    ]
    made = ready.submit(measurements=measurements)
    assert made.status_code == 201, made.text
    assert len(json.dumps(measurements)) > 64 * 1024
    assert made.json()["gates"][0]["findings"][0]["observed"]["n"] == 8000
