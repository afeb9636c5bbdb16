"""What a decision was made from is stored with the engine's JSON put in, and reads back equal."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter

from app.evaluations.inputs import Inputs, to_bytes
from gates.evidence import Baseline, Candidate, Evidence, Measurement, Submission
from gates.history import History
from gates.record import evidence_json

AT = datetime(2026, 11, 20, 10, tzinfo=UTC)
MEASURED = Evidence((Measurement("accuracy", count=9, n=10, slice=(("lang", "de"),)),), (), AT)
NASTY = Candidate('"evidence":{}', "{}", uri='a"evidence":{}b', components=({"kind": "evidence"},))


@pytest.mark.parametrize("candidate", [Candidate("m", "1"), NASTY])
@pytest.mark.parametrize("evidence", [Evidence(), MEASURED])
@pytest.mark.parametrize("baseline", [None, Baseline(), Baseline({"version": "1"}, MEASURED)])
def test_inputs_read_back_equal(candidate, evidence, baseline):
    submission = Submission(candidate, "evaluation", evidence, baseline)
    inputs = Inputs("sha256:0", submission, History(), (), AT, "1.0.0")
    adapter = TypeAdapter(Inputs)
    stored = to_bytes(inputs, evidence_json(evidence))
    assert adapter.validate_json(stored) == inputs
    assert stored == adapter.dump_json(inputs, exclude_defaults=True)
