"""A real service's story, then each edit that a database administrator might make, by SQL."""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, Engine, text

from app.auth.identities import Newcomer, known
from app.auth.principal import Grant
from app.database import make_engine
from app.jobs.running import run_due
from app.record.completeness import Completeness, Fault, compare, compared
from app.record.pairs import ALONE, PAIRS
from app.settings import Settings
from tests.app.http.service import ESCALATES, FAILS, POLICY, Service, running


def tell(service: Service) -> None:
    """Everything that has a row and an entry, at least once."""
    service.publish()
    looser = service.call(
        "PUT",
        "/v1/policies/support-bot-release",
        content=POLICY.replace("0.85", "0.8"),
        headers={"Content-Type": "application/yaml"},
    ).json()
    editor = service.key("editor", "policy_editor", person=True)
    approving = f"/v1/policies/support-bot-release/versions/{looser['version']}/approve"
    assert service.call("POST", approving, editor).status_code == 200
    pipeline = service.key("pipeline", "submitter")
    candidate = {"model": "support-bot", "version": "42", "digest": "sha256:" + "4" * 64}
    assert service.submit(pipeline, candidate=candidate).json()["status"] == "passed"
    assert service.submit(pipeline, version="43", **FAILS).json()["status"] == "failed"
    person = service.key("sam", "reviewer:security", person=True)
    asked = service.submit(pipeline, version="44", **ESCALATES).json()
    answer = {"answer": "approve", "role": "security", "decision_digest": asked["digest"]}
    signing = f"/v1/reviews/{asked['review']['id']}/sign-offs"
    assert service.call("POST", signing, person, json=answer).status_code == 201
    assert service.submit(pipeline, version="45", **ESCALATES).json()["status"] == "pending"
    ended = service.submit(pipeline, version="46").json()
    why = {"reason": "a recall"}
    revoking = f"/v1/decisions/{ended['id']}/revoke"
    assert service.call("POST", revoking, json=why).status_code == 200
    paper = {"model": "support-bot", "kind": "dpia", "sha256": "0" * 64, "role": "security"}
    assert service.call("POST", "/v1/documents", person, json=paper).status_code == 201
    tell_of_people(service, person, pipeline)
    pem = Ed25519PrivateKey.generate().public_key()
    text_of_key = pem.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    trusted = {"role": "security", "name": "lab", "public_key": text_of_key}
    key = service.call("POST", "/v1/document-keys", json=trusted).json()
    assert service.call("POST", f"/v1/document-keys/{key['id']}/revoke").status_code == 200
    made = service.call("POST", "/v1/keys", json={"name": "x", "roles": ["viewer"]}).json()
    assert service.call("POST", f"/v1/keys/{made['id']}/revoke").status_code in {200, 204}
    assert service.call("PUT", "/v1/models/told", json={"owner": "x", "facts": {}}).is_success
    tell_of_an_identity(service)


def tell_of_an_identity(service: Service) -> None:
    """Somebody whom an issuer vouches for, whose roles change with the next sign-in."""
    runtime = service.app.state.runtime
    for roles in (("viewer",), ("viewer", "auditor")):
        who = Newcomer("https://issuer.test", "u-1", "Ina", "person", (Grant(roles, ("*",)),))
        with runtime.engine.connect() as connection:
            found = known(connection, who, runtime.clock())
        runtime.ledger.commit_sync(found.work)


def tell_of_people(service: Service, person: str, pipeline: str) -> None:
    """Remarks, a delegation, a waiver with its end, broken glass, and a review nobody answered."""
    service.key("sue", "reviewer:security", person=True)
    asked = service.submit(pipeline, version="47", **ESCALATES).json()
    review = f"/v1/reviews/{asked['review']['id']}"
    until = (service.clock() + timedelta(hours=1)).isoformat()
    given = {"role": "security", "to": "sue", "until": until, "reason": "on leave"}
    wanted = {
        "rule": "safety/attack_success_rate",
        "model": "support-bot",
        "reason": "The attack set counts one family twice.",
        "compensating_control": "The output filter blocks it.",
        "owner": "genai-platform",
        "expires_at": until,
    }
    approvers = [service.key(name, "waiver_approver", person=True) for name in ("ann", "ben")]
    oncall = service.key("oncall", "break_glass", person=True)
    failed = service.submit(pipeline, version="48", **FAILS).json()
    why = {"reason": "The old version is down, customers wait."}
    acts = [
        service.call("POST", f"{review}/comments", person, json={"text": "Which ones?"}),
        service.call("POST", f"{review}/delegate", person, json=given),
        waiver := service.call("POST", "/v1/waivers", person, json=wanted),
    ]
    name = f"/v1/waivers/{waiver.json()['id']}"
    acts += [service.call("POST", f"{name}/approve", token, json={}) for token in approvers]
    acts.append(service.call("POST", f"{name}/revoke", person, json=why))
    used = service.call("POST", f"/v1/decisions/{failed['id']}/break-glass", oncall, json=why)
    word = {"outcome": "justified", "comment": "It was down indeed."}
    judging = f"/v1/break-glass/{used.json()['id']}/review"
    acts += [used, service.call("POST", judging, person, json=word)]
    assert {act.status_code for act in acts} <= {200, 201}, [act.text for act in acts]
    run_due(service.app.state.runtime, service.clock() + timedelta(hours=80))


@pytest.fixture
def story(settings: Settings) -> Iterator[Engine]:
    with running(settings) as service:
        tell(service)
    engine = make_engine(settings)
    yield engine
    engine.dispose()


@contextmanager
def edited(engine: Engine, *statements: str) -> Iterator[Connection]:
    """The database as an administrator left it, undone afterwards."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            connection.execute(text("PRAGMA defer_foreign_keys = ON"))
            triggers = text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for name in connection.scalars(triggers).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        for statement in statements:
            changed = connection.execute(text(statement))
            assert changed.rowcount > 0, statement
        yield connection
        connection.rollback()


def faults(found: Completeness) -> set[tuple[Fault, str]]:
    return {(gap.fault, gap.noun) for gap in found.gaps}


PASSED = "(SELECT min(id) FROM decision WHERE status = 'passed')"
FAILED = "(SELECT min(id) FROM decision WHERE status = 'failed')"
NO_ENTRY, NO_ROW, TWICE = Fault.NO_ENTRY, Fault.NO_ROW, Fault.ENTERED_TWICE
DIFFERS = (Fault.CONTRADICTION, "decision")
COPIED = (
    "INSERT INTO audit_entry SELECT (SELECT max(\"index\") + 1 FROM audit_entry), id || 'x', type, "
    "subject, leaf_hash, recorded_at, body FROM audit_entry WHERE type = '{}' "
    'ORDER BY "index" LIMIT 1'
)
FORGED_KEY = (
    "INSERT INTO api_key SELECT 'key_forged', principal, 'x', hint, roles, models, created_at, "
    "created_by, expires_at, last_used_at, revoked_at FROM api_key LIMIT 1"
)
OTHER_DOCUMENT = '(SELECT body FROM audit_entry WHERE "index" = 0)'
ATTACKS = [
    # A business row without its entry.
    ("DELETE FROM audit_entry WHERE type = 'decision.recorded'", (NO_ENTRY, "decision")),
    ("DELETE FROM audit_entry WHERE type = 'evaluation.received'", (NO_ENTRY, "evaluation")),
    ("DELETE FROM audit_entry WHERE type = 'review.signed_off'", (NO_ENTRY, "sign-off")),
    ("DELETE FROM audit_entry WHERE type = 'review.opened'", (NO_ENTRY, "review")),
    ("DELETE FROM audit_entry WHERE type = 'decision.revoked'", (NO_ENTRY, "revoked decision")),
    ("DELETE FROM audit_entry WHERE type = 'attestation.signed'", (NO_ENTRY, "attestation")),
    ("DELETE FROM audit_entry WHERE type = 'document.registered'", (NO_ENTRY, "document")),
    ("DELETE FROM audit_entry WHERE type = 'policy.published'", (NO_ENTRY, "policy version")),
    ("DELETE FROM audit_entry WHERE type = 'key.created'", (NO_ENTRY, "key")),
    ("DELETE FROM audit_entry WHERE type = 'key.created'", (NO_ENTRY, "signing key")),
    ("DELETE FROM audit_entry WHERE type = 'key.revoked'", (NO_ENTRY, "revoked key")),
    (FORGED_KEY, (NO_ENTRY, "key")),
    ("UPDATE decision SET entry = 'ent_of_another'", (NO_ENTRY, "decision")),
    # An entry without its row, or whose row was turned back.
    (f"DELETE FROM decision WHERE id = {FAILED}", (NO_ROW, "decision")),
    ("DELETE FROM evaluation WHERE id = (SELECT min(id) FROM evaluation)", (NO_ROW, "evaluation")),
    ("DELETE FROM sign_off", (NO_ROW, "sign-off")),
    ("DELETE FROM review", (NO_ROW, "review")),
    ("DELETE FROM document", (NO_ROW, "document")),
    ("DELETE FROM attestation", (NO_ROW, "attestation")),
    ("DELETE FROM policy_version WHERE version = 1", (NO_ROW, "policy version")),
    (
        "UPDATE policy_version SET approved_at = NULL WHERE approved_at IS NOT NULL",
        (NO_ROW, "approved policy version"),
    ),
    ("UPDATE api_key SET revoked_at = NULL WHERE revoked_at IS NOT NULL", (NO_ROW, "revoked key")),
    (
        "UPDATE decision SET status = 'passed' WHERE status = 'revoked'",
        (NO_ROW, "revoked decision"),
    ),
    ("DELETE FROM signing_key WHERE purpose = 'attestation'", (NO_ROW, "signing key")),
    # One thing entered twice.
    (COPIED.format("decision.recorded"), (TWICE, "decision")),
    (COPIED.format("evaluation.received"), (TWICE, "evaluation")),
    # A row that says something else than its entry.
    (f"UPDATE decision SET status = 'passed' WHERE id = {FAILED}", DIFFERS),
    ("UPDATE decision SET status = 'passed' WHERE status = 'pending'", DIFFERS),
    (f"UPDATE decision SET verdict = 'fail' WHERE id = {PASSED}", DIFFERS),
    (f"UPDATE decision SET version = '99' WHERE id = {PASSED}", DIFFERS),
    (f"UPDATE decision SET stage = 'broad_rollout' WHERE id = {PASSED}", DIFFERS),
    (f"UPDATE decision SET digest = 'sha256:0' WHERE id = {PASSED}", DIFFERS),
    (f"UPDATE decision SET valid_until = NULL WHERE id = {PASSED}", DIFFERS),
    (f"UPDATE decision SET submitted_by = 'x' WHERE id = {PASSED}", DIFFERS),
    (f"UPDATE decision SET document = {OTHER_DOCUMENT} WHERE id = {PASSED}", DIFFERS),
    ("UPDATE decision SET glass_until = valid_until WHERE glass_until IS NULL", DIFFERS),
    ("DELETE FROM audit_entry WHERE type = 'waiver.approved'", (NO_ENTRY, "waiver approval")),
    ("DELETE FROM audit_entry WHERE type = 'review.expired'", (NO_ENTRY, "expired review")),
    ("DELETE FROM break_glass", (NO_ROW, "broken glass")),
    ("UPDATE break_glass SET outcome = 'unjustified'", (NO_ENTRY, "judged glass")),
    ("UPDATE document_key SET role = 'legal'", (NO_ENTRY, "document key")),
    ("UPDATE document_key SET revoked_at = NULL", (NO_ROW, "revoked document key")),
    ("UPDATE waiver SET model = '*'", (NO_ENTRY, "waiver")),
    ("UPDATE waiver SET status = 'approved'", (NO_ROW, "ended waiver")),
    ("DELETE FROM delegation", (NO_ROW, "delegation")),
    ("DELETE FROM review_comment", (NO_ROW, "comment")),
    ("UPDATE sign_off SET answer = 'reject'", (NO_ENTRY, "sign-off")),
    ("UPDATE api_key SET roles = '[\"admin\"]'", (NO_ENTRY, "key")),
    ("UPDATE api_key SET models = '[]'", (NO_ENTRY, "key")),
    ("UPDATE identity SET grants = '[]'", (NO_ENTRY, "identity")),
    ("DELETE FROM audit_entry WHERE type = 'role.changed'", (NO_ENTRY, "identity")),
    ("DELETE FROM model WHERE name = 'told'", (NO_ROW, "model")),
    ("UPDATE document SET sha256 = 'f'", (NO_ENTRY, "document")),
    (
        "UPDATE policy_version SET digest = 'sha256:0' WHERE version = 1",
        (NO_ENTRY, "policy version"),
    ),
]


def test_what_the_service_wrote_is_complete_and_each_edit_is_found(story: Engine) -> None:
    untouched = compare(story)
    assert untouched.gaps == ()
    assert untouched.is_complete
    assert [n for n, c in untouched.counts.items() if not c.rows == c.entries > 0] == [
        *("queued evaluation", "failed evaluation", "measured evaluation"),  # test_data has
        *("overdue glass", "moved alias", "removed alias"),  # test_ending, test_registry have
        *("subscription", "deleted subscription"),  # notices have
    ]
    missed = []
    for statement, expected in ATTACKS:
        with edited(story, statement) as connection:
            found = compared(connection)
        if found.is_complete or expected not in faults(found):
            missed.append((statement, expected, faults(found)))
    assert missed == []
    assert compare(story).is_complete


def test_a_gap_names_the_row_the_entry_and_what_is_wrong(story: Engine) -> None:
    with edited(story, f"DELETE FROM decision WHERE id = {FAILED}") as connection:
        gap = next(gap for gap in compared(connection).gaps if gap.noun == "decision")
    assert isinstance(gap.index, int)
    assert gap.name.startswith("dec_")
    assert gap.detail == (
        f"Entry {gap.index} (decision.recorded {gap.name}) has no decision in the tables."
    )
    flip = f"UPDATE decision SET status = 'passed' WHERE id = {FAILED}"
    with edited(story, flip) as connection:
        (gap,) = compared(connection).gaps
    assert (
        f"The status of {gap.name} is passed in the tables and failed in entry {gap.index}."
        in gap.detail
    )


SPOKEN = {
    "CONFIGURED": {"access.configured"},
    "ENTRY_TYPE": {"attestation.signed"},
    "f'subscription.{what}'": {
        f"subscription.{what}" for what in ("created", "changed", "deleted", "disabled", "replayed")
    },
    "f'evaluation.{what}'": {"evaluation.queued", "evaluation.failed"},
    "f'alias.{what}'": {"alias.moved", "alias.removed"},
    "kind": {
        f"review.{what}"
        for what in ("opened", "reminded", "escalated", "expired", "superseded", "cancelled")
    },
}
"""Types that the code does not write out where it makes an entry."""


def test_every_type_of_entry_has_its_row_or_a_reason_why_none() -> None:
    written: set[str] = set()
    for path in Path("app").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "NewEntry":
                given = next(word.value for word in call.keywords if word.arg == "type")
                is_plain = isinstance(given, ast.Constant)
                written |= {ast.literal_eval(given)} if is_plain else SPOKEN[ast.unparse(given)]
    assert len(written) > 30
    assert written == {kind for pair in PAIRS for kind in pair.types} | set(ALONE)
