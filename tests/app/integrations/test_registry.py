"""A real MLflow server: versions are judged, and tags and alias say what the record says."""

from datetime import timedelta

import pytest

from app.evaluations.inputs import stored
from app.evaluations.tables import evaluation
from app.record.completeness import compare
from tests.app.integrations.team import POLICY, Gate, Team, connected

pytestmark = pytest.mark.filterwarnings("ignore")


def test_the_alias_moves_for_the_good_version_only(gate: Gate, registry: Team):
    good = registry.register(0.9)
    gate.swept()
    assert registry.champion() == good
    bad = registry.register(0.6)
    gate.swept()
    assert registry.champion() == good
    assert gate.decisions() == [(good, "pass", "passed"), (bad, "fail", "failed")]
    tags = registry.tags(good)
    decision = gate.service.call("GET", f"/v1/decisions/{tags['decision']}").json()
    assert tags == {
        "verdict": "pass",
        "status": "passed",
        "stage": "limited_release",
        "decision": decision["id"],
        "policy_digest": decision["policy"]["digest"],
        "link": f"https://clearance.example.com/decisions/{decision['id']}",
    }
    assert registry.tags(bad)["verdict"] == "fail"
    finding = decision["gates"][0]["findings"][0]
    assert (finding["observed"]["value"], finding["observed"]["n"]) == (0.9, 1000)
    assert gate.moves() == [(None, good)]
    assert compare(gate.runtime.engine).is_complete


def test_looking_again_changes_nothing(gate: Gate, registry: Team):
    registry.register(0.9)
    for _ in range(3):
        gate.swept()
    assert gate.decisions() == [("1", "pass", "passed")]
    assert gate.moves() == [(None, "1")]


def test_an_escalated_version_gets_the_alias_after_the_sign_off(gate: Gate, registry: Team):
    registry.register(0.9)
    unsure = registry.register(0.81, 100)
    gate.swept()
    assert (registry.champion(), registry.tags(unsure)["status"]) == ("1", "pending")
    decision_id = registry.tags(unsure)["decision"]
    answer = gate.service.call("GET", f"/v1/decisions/{decision_id}").json()
    sam = gate.service.key("sam", "reviewer:security", person=True)
    review = f"/v1/reviews/{answer['review']['id']}"
    gate.service.call("POST", f"/v1/decisions/{decision_id}/review", sam, json={})
    shown = gate.service.call("GET", review, sam).json()
    signed = gate.service.call(
        "POST",
        f"{review}/sign-offs",
        sam,
        json={
            "answer": "approve",
            "role": "security",
            "comment": "seen",
            "decision_digest": shown["decision_digest"],
        },
    )
    assert signed.status_code == 201, signed.text
    gate.worked()
    assert (registry.champion(), registry.tags(unsure)["status"]) == (unsure, "passed")


def test_a_revocation_moves_the_alias_back_and_then_away(gate: Gate, registry: Team):
    registry.register(0.9)
    registry.register(0.92)
    gate.swept()
    assert registry.champion() == "2"
    for version, then in (("2", "1"), ("1", None)):
        decision_id = registry.tags(version)["decision"]
        path = f"/v1/decisions/{decision_id}/revoke"
        assert gate.service.call("POST", path, json={"reason": "seen misused"}).status_code == 200
        gate.worked()
        assert registry.champion() == then
        assert registry.tags(version)["status"] == "revoked"
    assert gate.moves() == [(None, "1"), ("1", "2"), ("2", "1"), ("1", None)]
    path = f"/v1/audit/entries?subject={registry.model}"
    entries = gate.service.call("GET", path).json()["items"]
    told = [item["body"] for item in entries if item["body"]["type"].startswith("alias.")]
    assert [body["type"] for body in told] == [*["alias.moved"] * 3, "alias.removed"]
    assert told[2]["data"] == {
        "alias": "champion",
        "version": "1",
        "was": "2",
        "stage": "limited_release",
    }
    assert compare(gate.runtime.engine).is_complete


def test_an_expired_clearance_loses_the_alias(gate: Gate, registry: Team):
    registry.register(0.9)
    gate.swept()
    gate.service.clock.ahead = timedelta(days=31)
    gate.worked()
    assert (registry.champion(), registry.tags("1")["status"]) == (None, "expired")


def test_a_hand_cannot_put_the_alias_on_a_refused_version(gate: Gate, registry: Team):
    registry.register(0.9)
    registry.register(0.6)
    gate.swept()
    registry.client.set_registered_model_alias(registry.model, "champion", "2")
    gate.swept()
    assert registry.champion() == "1"
    registry.client.delete_registered_model_alias(registry.model, "champion")
    gate.swept()
    assert registry.champion() == "1"


def test_people_may_choose_among_cleared_versions(gate: Gate, registry: Team):
    registry.register(0.9)
    registry.register(0.91)
    gate.swept()
    registry.client.set_registered_model_alias(registry.model, "champion", "1")
    gate.swept()
    assert registry.champion() == "1"


def test_a_champion_from_before_the_gate_stays_until_something_passes(
    settings, registry: Team, tmp_path
):
    registry.register(0.7)
    registry.client.set_registered_model_alias(registry.model, "champion", "1")
    with connected(settings, registry, tmp_path) as gate:
        registry.register(0.6)
        gate.swept()
        assert registry.champion() == "1"
        assert registry.tags("1") == {}
        registry.register(0.9)
        gate.swept()
        assert registry.champion() == "3"
        assert [version for version, _, _ in gate.decisions()] == ["2", "3"]


VERSUS = """
policy: {name}
owner: risk
applies_to: {{model: "{model}", stage: limited_release}}
baseline: {{alias: champion}}
gates:
  quality:
    - {{metric: accuracy, versus_baseline: {{max_drop: 0.05}}}}
"""


def test_the_policy_may_compare_with_the_alias(settings, registry: Team, tmp_path):
    registry.register(0.9)
    registry.client.set_registered_model_alias(registry.model, "champion", "1")
    with connected(settings, registry, tmp_path, policy=VERSUS) as gate:
        registry.register(0.91, 5000)
        registry.register(0.8, 5000)
        gate.swept()
        assert gate.decisions() == [("2", "pass", "passed"), ("3", "fail", "failed")]
        observed = [
            gate.service.call("GET", f"/v1/decisions/{registry.tags(version)['decision']}").json()[
                "gates"
            ][0]["findings"][0]["baseline"]
            for version in ("2", "3")
        ]
        # Version 1 was never judged here, so its numbers come from the registry.
        assert [(item["value"], item["n"]) for item in observed] == [(0.9, 1000), (0.91, 5000)]
        assert registry.champion() == "2"


def test_without_the_alias_there_is_no_baseline(settings, registry: Team, tmp_path):
    with connected(settings, registry, tmp_path, policy=VERSUS) as gate:
        registry.register(0.9)
        gate.swept()
        decision = gate.service.call("GET", f"/v1/decisions/{registry.tags('1')['decision']}")
        finding = decision.json()["gates"][0]["findings"][0]
        assert (finding["outcome"], finding["reason"]) == ("missing", "no_baseline")


def test_missing_metrics_are_missing_evidence_until_they_come(gate: Gate, registry: Team):
    registry.register(0.9, measured_later=True)
    gate.swept()
    assert gate.decisions() == [("1", "fail", "failed")]
    run_id, _, metrics = registry.last
    registry.client.log_batch(run_id, metrics=metrics)
    gate.service.clock.ahead = timedelta(minutes=1)
    gate.swept()
    assert gate.decisions()[1:] == [("1", "pass", "passed")]
    assert registry.champion() == "1"


def test_a_run_that_goes_on_is_waited_for(gate: Gate, registry: Team):
    registry.register(0.9, run_status="RUNNING")
    gate.swept()
    assert gate.decisions() == []
    registry.client.set_terminated(registry.last[0], "FINISHED")
    gate.service.clock.ahead = timedelta(seconds=3)
    gate.worked()
    assert gate.decisions() == [("1", "pass", "passed")]


def test_a_failed_run_proves_nothing(gate: Gate, registry: Team):
    registry.register(0.99, run_status="FAILED")
    gate.swept()
    assert gate.decisions() == [("1", "fail", "failed")]
    assert registry.champion() is None


def test_native_files_of_the_run_are_evidence(settings, registry: Team, tmp_path):
    with connected(settings, registry, tmp_path) as gate:
        registry.register(
            0.9,
            artifacts={
                "evaluation/measured.json": '[{"metric":"recall","count":95,"n":100}]',
                "evaluation/notes.txt": "nothing to see",
                "eval_results_table.json": '{"columns":["inputs","toxicity"],"data":[["q",0.1]]}',
                "other/ignored.json": '[{"metric":"recall","count":1,"n":100}]',
            },
        )
        gate.swept()
        decision_id = registry.tags("1")["decision"]
        shown = gate.service.call("GET", f"/v1/decisions/{decision_id}").json()
        assert shown["verdict"] == "pass"
        with gate.runtime.engine.connect() as connection:
            row = connection.execute(evaluation.select()).one()
            found = stored(connection, row.inputs).submission.evidence.measurements
        recalls = [(m.count, m.n) for m in found if m.metric == "recall"]
        assert recalls == [(95, 100)]
        assert "notes.txt" in row.context["notes"]
        # Who reads the decision is told, too, and what to send instead.
        (note,) = shown["notes"]
        assert "evaluation/notes.txt was not read" in note
        assert "eval_results_table.json was not read" in note
        assert "to_json(orient='records')" in note
        assert row.context["author"] == "tess"


def test_a_copied_version_is_the_same_model(gate: Gate, registry: Team):
    registry.register(0.9)
    gate.swept()
    registry.client.copy_model_version(f"models:/{registry.model}/1", registry.model)
    gate.swept()
    assert [row[:2] for row in gate.decisions()] == [("1", "pass"), ("2", "pass")]
    assert registry.champion() == "2"
    digests = {
        gate.service.call("GET", f"/v1/decisions/{registry.tags(v)['decision']}").json()[
            "candidate"
        ]["digest"]
        for v in ("1", "2")
    }
    assert len(digests) == 1


def test_what_no_policy_judges_says_so_and_is_judged_later(settings, registry: Team, tmp_path):
    with connected(settings, registry, tmp_path, rule=", policy: not-yet") as gate:
        registry.register(0.9)
        gate.swept()
        assert "not-yet" in registry.tags("1")["problem"]
        text = POLICY.format(name="not-yet", model=registry.model)
        gate.service.publish(text, "not-yet")
        gate.worked()
        assert registry.tags("1")["verdict"] == "pass"
        assert "problem" not in registry.tags("1")
