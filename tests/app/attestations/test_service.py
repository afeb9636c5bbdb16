"""Attestations of a running service: what is there when, what it says, that the log holds it."""

import base64
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.attestations.trust import Trust, keys_of, logs_of
from app.attestations.verifying import Verified, verified
from tests.app.attestations.conftest import Judge
from tests.app.attestations.made import ARTIFACT, statement
from tests.app.http.service import ESCALATES, FAILS, POLICY, Service

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
CONTEXT = {"author": "Ann Author", "commit": "c0ffee", "note": "see Bob Builder"}


def submitted(service: Service, **changes: Any) -> dict[str, Any]:
    digest = f"sha256:{ARTIFACT}"
    candidate = {"model": "support-bot", "version": "42", "digest": digest}
    made = service.submit(candidate=candidate, context=CONTEXT, **changes)
    assert made.status_code == 201, made.text
    body: dict[str, Any] = made.json()
    return body


def get(service: Service, made: dict[str, Any], form: str = "", **options: Any) -> httpx.Response:
    return service.call("GET", f"/v1/decisions/{made['id']}/attestation{form}", **options)


def lines(service: Service, made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    answer = get(service, made, ".intoto.jsonl")
    assert answer.status_code == 200, answer.text
    found = [statement(json.loads(line)) for line in answer.text.splitlines()]
    names = {"release-decision": "decision", "verification_summary": "vsa", "svr": "svr"}
    return {names[item["predicateType"].split("/")[-2]]: item["predicate"] for item in found}


def trust(service: Service) -> Trust:
    keys = service.client.get("/v1/attestations/keys").content
    root = service.client.get("/v1/attestations/trusted_root.json").content
    return Trust({key.id: key for key in keys_of(keys, "keys")}, logs_of(root, "root"))


def checked(service: Service, made: dict[str, Any], predicate: str) -> Verified:
    answer = get(service, made, ".sigstore.json", params={"predicate": predicate})
    [found] = verified(answer.content, ARTIFACT, trust(service))
    return found


def entries(service: Service, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.call("GET", "/v1/audit/entries", params=params).json()[
        "items"
    ]
    return found


def approve(service: Service, made: dict[str, Any], answer: str = "approve") -> None:
    sam = service.key("Sam Signer", "reviewer:security", person=True)
    body = {
        "answer": answer,
        "role": "security",
        "decision_digest": made["digest"],
        "comment": "Seen with Carla Counsel.",
    }
    path = f"/v1/reviews/{made['review']['id']}/sign-offs"
    assert service.call("POST", path, sam, json=body).status_code == 201


def test_a_pass_is_attested_in_three_ways_and_logged_with_the_decision(service: Service):
    made = submitted(service)
    assert made["links"]["attestation"].endswith(f"/v1/decisions/{made['id']}/attestation")
    found = lines(service, made)
    assert list(found) == ["decision", "vsa", "svr"]
    assert found["vsa"]["verificationResult"] == "PASSED"
    assert found["vsa"]["verifiedLevels"] == ["CLEARANCE_LIMITED_RELEASE"]
    assert found["vsa"]["policy"]["digest"] == {"sha256": made["policy"]["digest"][7:]}
    assert found["svr"]["properties"] == ["CLEARANCE_LIMITED_RELEASE"]
    own = found["decision"]
    assert (own["verdict"], own["status"], own["validUntil"]) == (
        "pass",
        "passed",
        made["valid_until"],
    )
    assert [item["rule"] for item in own["findings"]] == ["accuracy", "attack_success_rate"]
    assert own["findings"][0]["observed"]["value"] == "0.95"
    assert own["grants"] == {"traffic_max": "0.05"}
    for name in found:
        item = checked(service, made, name)
        assert item.has_passed
        assert item.log == "clearance.test/log"
        assert item.index is not None
        assert item.index > made["audit"]["index"]
    [recorded] = entries(service, subject=made["id"], type="decision.recorded")
    leaves = entries(service, subject=made["id"], type="attestation.signed")
    digests = [
        base64.b64decode(leaf["body"]["spec"]["hashedRekordV002"]["data"]["digest"]).hex()
        for leaf in leaves
    ]
    named = recorded["body"]["refs"]["attestations"]
    assert [named[name] for name in found] == [f"sha256:{digest}" for digest in digests]
    assert [leaf["index"] for leaf in leaves] == [recorded["index"] + n for n in (1, 2, 3)]


def test_a_fail_is_attested_as_failed(service: Service):
    made = submitted(service, **FAILS)
    found = lines(service, made)
    assert list(found) == ["decision", "vsa"]
    assert found["vsa"]["verificationResult"] == "FAILED"
    assert found["vsa"]["verifiedLevels"] == ["FAILED"]
    assert found["decision"]["grants"] == {}
    assert not checked(service, made, "vsa").has_passed
    absent = get(service, made, params={"predicate": "svr"})
    assert (absent.status_code, absent.json()["type"]) == (404, "attestation-not-found")


def test_an_escalation_has_none_until_people_settle_it(service: Service):
    made = submitted(service, **ESCALATES)
    for form in ("", ".intoto.jsonl", ".sigstore.json"):
        early = get(service, made, form)
        assert (early.status_code, early.json()["type"]) == (409, "not-settled")
    assert entries(service, type="attestation.signed") == []
    approve(service, made)
    found = lines(service, made)
    assert list(found) == ["decision", "vsa", "svr"]
    own = found["decision"]
    assert (own["verdict"], own["status"]) == ("escalate", "passed")
    [given] = own["approvals"]
    assert (given["role"], given["answer"]) == ("security", "approve")
    assert checked(service, made, "vsa").has_passed
    [signed] = entries(service, type="review.signed_off")
    assert set(signed["body"]["refs"]["attestations"]) == {"decision", "vsa", "svr"}


def test_a_rejection_and_an_expiry(service: Service):
    rejected = submitted(service, **ESCALATES)
    approve(service, rejected, "reject")
    assert lines(service, rejected)["vsa"]["verificationResult"] == "FAILED"
    waiting = submitted(service, attacks=(15, 1000))
    service.clock.ahead = timedelta(days=4)
    late = get(service, waiting)
    assert (late.status_code, late.json()["type"]) == (409, "not-settled")
    assert "expired" in late.json()["detail"]


def test_a_revoked_pass_is_no_longer_handed_out(service: Service):
    made = submitted(service)
    assert get(service, made).status_code == 200
    body = {"reason": "Dora found a leak"}
    path = f"/v1/decisions/{made['id']}/revoke"
    sam = service.key("sam", "reviewer:security", person=True)
    assert service.call("POST", path, sam, json=body).status_code == 200
    found = lines(service, made)
    assert {name: item["status"] for name, item in found.items()} == {"decision": "revoked"}
    assert not checked(service, made, "decision").has_passed
    assert get(service, made, params={"predicate": "vsa"}).status_code == 404


def test_a_revoked_escalation_says_so(service: Service):
    made = submitted(service, **ESCALATES)
    sam = service.key("sam", "reviewer:security", person=True)
    path = f"/v1/decisions/{made['id']}/revoke"
    service.call("POST", path, sam, json={"reason": "withdrawn"})
    assert lines(service, made)["decision"]["status"] == "revoked"


def test_an_observed_decision_attests_no_pass(service: Service):
    service.publish(POLICY.replace("owner:", "observe: true\nowner:"))
    made = submitted(service)
    assert made["status"] == "observed"
    assert [item["status"] for item in lines(service, made).values()] == ["observed"]
    assert not checked(service, made, "decision").has_passed


def test_nothing_personal_is_in_it(service: Service):
    service.key("dev", "submitter")
    made = submitted(service, **ESCALATES)
    approve(service, made)
    text = json.dumps(lines(service, made))
    log = json.dumps(entries(service, type="attestation.signed"))
    actors = {row["body"].get("actor", "") for row in entries(service)}
    ids = [name for name in actors if "_" in name]
    assert len(ids) > 1
    names = ["Ann", "Author", "Bob", "Sam", "Carla", "c0ffee", *ids]
    assert [name for name in names if name in text + log] == []


def test_without_a_digest_there_is_nothing_to_attest_to(service: Service):
    made = service.submit().json()
    absent = get(service, made)
    assert (absent.status_code, absent.json()["type"]) == (404, "attestation-not-found")
    assert "digest" in absent.json()["detail"]
    assert entries(service, type="attestation.signed") == []


def test_the_form_follows_accept(service: Service):
    made = submitted(service)
    plain = get(service, made)
    assert plain.headers["content-type"] == "application/json"
    assert statement(plain.json())["predicateType"].endswith("verification_summary/v1")
    for accept in ("application/x-ndjson", BUNDLE):
        answer = get(service, made, headers={"Accept": accept})
        assert answer.headers["content-type"] == accept
    own = get(service, made, params={"predicate": "decision"})
    assert "release-decision" in statement(own.json())["predicateType"]
    assert get(service, made, headers={"Accept": "image/png"}).status_code == 406
    unknown = service.call("GET", "/v1/decisions/dec_none/attestation")
    assert unknown.json()["type"] == "decision-not-found"
    foreign = service.key("eve", "viewer", models=("fraud*",))
    assert get(service, made, token=foreign).status_code == 404
    assert service.client.get(f"/v1/decisions/{made['id']}/attestation").status_code == 401


def test_sigstore_accepts_what_the_service_serves(service: Service, sigstore_judge: Judge):
    first, second = submitted(service), submitted(service, **FAILS)
    keys = service.client.get("/v1/attestations/keys").json()["items"]
    root = service.client.get("/v1/attestations/trusted_root.json").json()
    cases = [
        {
            "bundle": get(service, made, ".sigstore.json", params={"predicate": name}).json(),
            "trustedRoot": root,
            "keys": {key["keyid"]: key["public_key"] for key in keys},
        }
        for made, name in ((first, "decision"), (first, "vsa"), (first, "svr"), (second, "vsa"))
    ]
    assert sigstore_judge(cases) == [{"accepted": True}] * 4


@pytest.mark.parametrize("table", ["evidence_blob", "attestation"])
def test_a_statement_changed_in_the_database_is_not_served(service: Service, table: str):
    made = submitted(service)
    change = {
        "evidence_blob": "UPDATE evidence_blob SET body = (SELECT body FROM evidence_blob "
        "WHERE digest = (SELECT payload FROM attestation WHERE predicate = 'svr')), encoding = "
        "'identity' WHERE digest = (SELECT payload FROM attestation WHERE predicate = 'vsa')",
        "attestation": "UPDATE attestation SET payload = (SELECT payload FROM attestation "
        "WHERE predicate = 'svr') WHERE predicate = 'vsa'",
    }
    with service.app.state.runtime.engine.begin() as connection:
        connection.exec_driver_sql(change[table])
    answer = get(service, made)
    assert answer.status_code == 503
    assert answer.json()["type"] == "record-inconsistent"
