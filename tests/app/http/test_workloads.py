"""Pipelines with their CI system's token: what lets them in, and every attack that must not."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.evaluations.data_deciding import MOST_TRIES, run, submitter_of
from app.evaluations.data_tables import data_evaluation
from app.jobs.kinds import Job
from app.settings import Settings
from tests.app.http.guarded import FILE, REPOSITORY, Guarded, guarded
from tests.app.http.service import ESCALATES, POLICY, evidence, running


@pytest.fixture
def ci(settings: Settings, tmp_path: Path) -> Iterator[Guarded]:
    with guarded(settings, tmp_path) as made:
        yield made


def status(made: Guarded, token: str, path: str = "/v1/me") -> int:
    return made.service.call("GET", path, token).status_code


def test_a_pipeline_submits_with_its_own_token_and_stays_one_service(ci: Guarded):
    ci.service.publish()
    first = ci.service.submit(ci.token())
    assert first.status_code == 201, first.text
    mine = ci.service.call("GET", f"/v1/decisions/{first.json()['id']}", ci.token())
    assert mine.status_code == 200
    who = ci.service.call("GET", "/v1/me", ci.token(ref="refs/heads/release/2")).json()
    assert (who["name"], who["kind"], who["via"]) == (
        f"ci/repository_id={REPOSITORY}",
        "service",
        "token",
    )
    assert who["grants"] == [{"roles": ["submitter"], "models": ["support-*"]}]
    assert who["csrf_token"] is None
    again = ci.service.call("GET", "/v1/me", ci.token(repository="acme/renamed")).json()
    assert again["id"] == who["id"]
    entries = ci.service.call("GET", "/v1/audit/entries?type=role.changed").json()["items"]
    assert [entry["subject"] for entry in entries] == [who["id"]]
    assert REPOSITORY not in json.dumps(entries), "the subject is a commitment"


def test_its_own_escalation_may_be_opened_but_not_signed_off(ci: Guarded):
    ci.service.publish()
    made = ci.service.submit(ci.token(), **ESCALATES).json()
    opened = ci.service.call("POST", f"/v1/decisions/{made['id']}/review", ci.token())
    assert opened.status_code == 200
    path = f"/v1/reviews/{made['review']['id']}/sign-offs"
    answer = {"answer": "approve", "role": "security", "decision_digest": made["digest"]}
    assert ci.service.call("POST", path, ci.token(), json=answer).status_code == 403


def test_who_set_it_off_is_kept_until_its_data_are_measured(ci: Guarded):
    ci.service.publish()
    token = ci.token(actor_id=583231)
    headers = {"Content-Type": "text/csv"}
    sets = [
        ci.service.call("POST", "/v1/datasets", token, content=text, headers=headers).json()
        for text in ("a\n1\n2\n", "a\n2\n3\n")
    ]
    data = dict(zip(("reference", "current"), (made["digest"] for made in sets), strict=True))
    queued = ci.service.submit(token, data=data)
    assert queued.status_code == 202, queued.text
    runtime, now = ci.service.app.state.runtime, ci.service.clock()
    with runtime.engine.begin() as connection:
        row = connection.execute(select(data_evaluation)).one()
        connection.execute(update(data_evaluation).values(tries=MOST_TRIES))
    assert submitter_of(row).actor == "ci:583231"
    run(runtime, Job("job_1", "evaluation.measure", row.id, {}, now, 1), now)
    with runtime.engine.connect() as connection:
        ended = connection.execute(select(data_evaluation)).one()
    assert (ended.status, ended.actor) == ("failed", None)


def test_the_file_that_let_it_in_is_in_the_record_once(settings: Settings, tmp_path: Path):
    for _ in range(2):
        with guarded(settings, tmp_path, FILE.replace("{url}", "http://localhost:9")) as made:
            path = "/v1/audit/entries?type=access.configured"
            entries = made.service.call("GET", path).json()["items"]
            assert len(entries) == 1
    assert entries[0]["subject"].startswith("sha256:")
    assert "reviewer:security" in entries[0]["body"]["data"]["roles"]


def test_a_clock_that_is_half_a_minute_off_is_no_attack(ci: Guarded):
    now = int(time.time())
    assert status(ci, ci.token(nbf=now + 15, iat=now + 15)) == 200
    assert status(ci, ci.token(exp=now - 15)) == 200
    assert status(ci, ci.token(exp=10**30)) == 200


def test_no_claim_makes_a_role(ci: Guarded):
    """Roles come from the rule alone, whatever a token says of its bearer."""
    told = {"roles": ["admin"], "role": "admin", "groups": ["platform"], "models": ["*"]}
    token = ci.token(**told)
    assert ci.service.call("GET", "/v1/keys", token).status_code == 403
    assert ci.service.call("GET", "/v1/policies", token).status_code == 403
    other = evidence()
    other["candidate"]["model"] = "fraud-bot"
    assert ci.service.call("POST", "/v1/evaluations", token, json=other).status_code == 403
    editor = ci.token(repository_id="777", environment="production")
    policy = ci.service.call(
        "PUT",
        "/v1/policies/support-bot-release",
        editor,
        content=POLICY,
        headers={"Content-Type": "application/yaml"},
    )
    assert policy.status_code == 201, policy.text
    assert ci.service.call("GET", "/v1/keys", editor).status_code == 403


def test_invented_key_ids_do_not_reach_the_issuer(ci: Guarded):
    assert status(ci, ci.token()) == 200
    before = len(ci.issuer.asked)
    for number in range(50):
        assert status(ci, ci.issuer.signed({"iss": ci.issuer.url}, kid=f"k{number}")) == 401
    assert len(ci.issuer.asked) == before, "asked less than half a minute ago"
    ci.service.clock.ahead += timedelta(seconds=40)
    for number in range(50):
        assert status(ci, ci.issuer.signed({"iss": ci.issuer.url}, kid=f"l{number}")) == 401
    assert ci.issuer.asked[before:] == ["/.well-known/openid-configuration", "/jwks"]


def test_a_new_key_is_fetched_and_a_withdrawn_one_ends(ci: Guarded):
    assert status(ci, ci.token()) == 200
    old = ci.token(lasts=90_000)
    ci.issuer.rotate()
    ci.issuer.retire()
    ci.service.clock.ahead += timedelta(seconds=40)
    assert status(ci, ci.token()) == 200
    assert status(ci, old) == 401


def test_known_keys_outlast_an_issuer_that_is_down_but_not_for_ever(ci: Guarded):
    token = ci.token(lasts=900_000)
    assert status(ci, token) == 200
    ci.issuer.is_down = True
    ci.service.clock.ahead = timedelta(seconds=20 * 3600)
    assert status(ci, token) == 200
    ci.service.clock.ahead = timedelta(seconds=30 * 3600)
    answer = ci.service.call("GET", "/v1/me", token)
    assert (answer.status_code, answer.json()["type"]) == (503, "identity-unavailable")
    assert answer.headers["retry-after"]
    ci.issuer.is_down = False
    ci.service.clock.ahead += timedelta(seconds=60)
    assert status(ci, token) == 200


ONE_USE = FILE.replace("    kind: github\n", "    kind: github\n    one_use: true\n")


def test_a_one_use_token_writes_once_and_may_wait_for_the_answer(
    settings: Settings, tmp_path: Path
):
    with guarded(settings, tmp_path, ONE_USE) as ci:
        ci.service.publish()
        token = ci.token()
        key = {"Idempotency-Key": "build-7"}
        made = ci.service.submit(token, headers=key)
        assert made.status_code == 201
        # The pipeline did not get the answer and asks again: the first answer, not a second look.
        same = ci.service.submit(token, headers=key)
        assert (same.status_code, same.json()["id"]) == (200, made.json()["id"])
        assert same.headers["idempotent-replay"] == "true"
        # It waits with the token it has.
        path = f"/v1/decisions/{made.json()['id']}"
        assert [status(ci, token, path) for _ in range(3)] == [200, 200, 200]
        # Whoever stole the token writes nothing with it, nor with another key.
        for headers in ({}, {"Idempotency-Key": "other"}):
            stolen = ci.service.submit(token, version="43", headers=headers)
            assert stolen.status_code == 401
            assert "used for a request already" in stolen.json()["detail"]
        assert ci.service.submit(ci.token(), version="43").status_code == 201
        assert ci.service.submit(ci.token(jti=None), version="44").status_code == 401


def test_without_an_identity_file_no_token_is_read(settings: Settings):
    with running(settings) as service:
        answer = service.call("GET", "/v1/me", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.")
        assert answer.status_code == 401
        assert answer.json()["detail"] == "This is not an API key of this service."
