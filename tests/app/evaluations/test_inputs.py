"""What a decision was made from is stored with the engine's JSON put in, and reads back equal."""

import hashlib
import zlib
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter

from app.evaluations.inputs import Inputs, pieces, to_blob
from gates.evidence import Baseline, Candidate, Document, Evidence, Measurement, Submission
from gates.history import History
from gates.record import AT_ONCE, evidence_json, evidence_name, evidence_pieces, whole_json

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
    stored = b"".join(pieces(inputs, evidence_json(evidence)))
    assert adapter.validate_json(stored) == inputs
    assert stored == adapter.dump_json(inputs, exclude_defaults=True)


def scored(size, task, **more):
    """Scores of single examples with everything that stands beside them."""
    ids = tuple(f"{task}:é{number:07}" for number in range(size))
    scores = tuple((number % 7) / 7 for number in range(size))
    labels = tuple(float(number % 2) for number in range(size))
    return Measurement("accuracy", scores=scores, ids=ids, labels=labels, task=task, **more)


VALUES = tuple(Measurement.stated({"metric": f"m{n}", "value": n / 3}) for n in range(AT_ONCE + 5))
DOCUMENTS = (Document("dpia", issued_at=AT),)
LARGE = [
    Evidence((scored(AT_ONCE, "a"),)),
    Evidence((scored(AT_ONCE, "a"), scored(3, "b"), scored(2 * AT_ONCE, "c")), DOCUMENTS, AT),
    Evidence((*VALUES, scored(7, "a", slice=(("lang", "de"),)), *VALUES), measured_at=AT),
    Evidence((Measurement("x", value=1.0), scored(AT_ONCE - 1, "a"), Measurement("y", value=1.0))),
]


@pytest.mark.parametrize("evidence", LARGE)
def test_large_evidence_is_written_in_pieces_that_make_the_same_bytes(evidence):
    assert whole_json(evidence) is None
    written = list(evidence_pieces(evidence))
    assert len(written) > 2
    assert b"".join(written) == evidence_json(evidence)
    assert evidence_name(evidence) == hashlib.sha256(evidence_json(evidence)).hexdigest()


@pytest.mark.parametrize("evidence", LARGE)
def test_the_row_of_large_inputs_is_that_of_their_bytes(evidence):
    submission = Submission(NASTY, "evaluation", evidence, Baseline({"version": "1"}, MEASURED))
    inputs = Inputs("sha256:0", submission, History(), (), AT, "1.0.0")
    whole = TypeAdapter(Inputs).dump_json(inputs, exclude_defaults=True)
    row = to_blob(inputs, None)
    assert row == to_blob(inputs, evidence_json(evidence))
    assert zlib.decompress(row["body"]) == whole
    assert row["digest"] == f"sha256:{hashlib.sha256(whole).hexdigest()}"
    assert row["size"] == len(whole)


def test_evidence_just_small_enough_is_written_at_once():
    evidence = Evidence((scored(AT_ONCE - 1, "a"),))
    assert list(evidence_pieces(evidence)) == [evidence_json(evidence)]
    assert whole_json(evidence) == evidence_json(evidence)
