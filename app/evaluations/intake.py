"""From a submission's shape to the engine's values; native result files are read here.

It converts and refuses; it looks nothing up and judges nothing.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from app.errors import Problem
from app.evaluations.measured import measurements_of
from app.evaluations.schemas import (
    BaselineIn,
    CandidateIn,
    DataIn,
    DocumentIn,
    ResultIn,
    SubmissionIn,
)
from gates.canonical import canonical, digest
from gates.evidence import Candidate, Document, Evidence
from gates.formats import FormatError, Understood, combined, read, read_json

MAX_MEASUREMENTS = 50_000


@dataclass(frozen=True, slots=True)
class Intake:
    """A submission as values, with a baseline that still has to be looked up where it is named."""

    candidate: Candidate
    stage: str
    policy: str | None
    evidence: Evidence
    baseline: Evidence | None
    baseline_reference: dict[str, str] | None
    context: dict[str, str]
    notes: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    """Files that were sent apart: their digests, and those of the lists of their parts."""
    data: DataIn | None = None
    """Data that are still to be measured."""


Open = Callable[[str], BinaryIO]
"""Opens a file that was sent apart, by its digest."""


def taken_in(submission: SubmissionIn, opened: Open) -> Intake:
    """Everything that can be understood without asking the record for what was decided before."""
    measurements = measurements_of(submission.measurements, "/measurements")
    files = [
        _understood(item, f"/results/{i}", opened) for i, item in enumerate(submission.results)
    ]
    measurements += combined(files)
    if len(measurements) > MAX_MEASUREMENTS:
        raise Problem("invalid-request", f"More than {MAX_MEASUREMENTS} measurements.")
    measured_at = submission.measured_at
    if measured_at is None:
        measured_at = _oldest(file.measured_at for file in files)
    evidence = Evidence(
        measurements=tuple(measurements),
        documents=tuple(_document(item) for item in submission.documents),
        measured_at=measured_at,
    )
    given, reference = _baseline(submission.baseline, opened)
    return Intake(
        candidate=_candidate(submission.candidate),
        stage=submission.stage,
        policy=submission.policy,
        evidence=evidence,
        baseline=given,
        baseline_reference=reference,
        context=dict(submission.context),
        notes=tuple(note for file in files for note in file.notes),
        data=submission.data,
    )


def sent_apart(submission: SubmissionIn) -> tuple[str, ...]:
    """Digests of the files that a submission names."""
    compared = submission.baseline.results if submission.baseline else None
    results = [*submission.results, *(compared or ())]
    return tuple(sorted({item.blob for item in results if item.blob is not None}))


def _oldest(times: Iterable[datetime | None]) -> datetime | None:
    """The evidence is as old as its oldest file; unknown where one file does not say."""
    known: list[datetime] = []
    for time in times:
        if time is None:
            return None
        known.append(time)
    return min(known, default=None)


def _candidate(given: CandidateIn) -> Candidate:
    components = tuple(item.model_dump(exclude_none=True) for item in given.components)
    named = given.digest
    if named is None and components:
        # The order in which a pipeline lists its parts is not part of what ships.
        named = digest(sorted(components, key=canonical))
    return Candidate(given.model, given.version, named, given.uri, components)


def _document(given: DocumentIn) -> Document:
    return Document(**given.model_dump())


def _all_understood(items: Sequence[ResultIn], place: str, opened: Open) -> list[Understood]:
    return [_understood(item, f"{place}/{i}", opened) for i, item in enumerate(items)]


def _understood(item: ResultIn, place: str, opened: Open) -> Understood:
    try:
        match item:
            case ResultIn(text=str(text)):
                return read(item.name, text.encode(), item.format)
            case ResultIn(base64=str(encoded)):
                return read(item.name, base64.b64decode(encoded, validate=True), item.format)
            case ResultIn(blob=str(digest)):
                with opened(digest) as file:
                    return read(item.name, file, item.format)
            case _:
                return read_json(item.name, item.content, item.format)
    except FormatError as error:
        where = [{"pointer": place, "detail": error.detail}]
        raise Problem(error.slug, error.detail, errors=where) from error
    except (binascii.Error, ValueError, UnicodeError) as error:
        where = [{"pointer": f"{place}/base64", "detail": "not valid base64"}]
        raise Problem("invalid-request", "A result is not valid base64.", errors=where) from error


def _baseline(
    given: BaselineIn | None, opened: Open
) -> tuple[Evidence | None, dict[str, str] | None]:
    match given:
        case None:
            return None, None
        case BaselineIn(version=str(version)):
            return None, {"version": version}
        case BaselineIn(evaluation=str(evaluation)):
            return None, {"evaluation": evaluation}
        case _:
            measurements = measurements_of(given.measurements or (), "/baseline/measurements")
            found = _all_understood(given.results or (), "/baseline/results", opened)
            measurements += combined(found)
            return Evidence(measurements=tuple(measurements)), {"given": "with the evaluation"}


def personal(context: dict[str, str]) -> tuple[dict[str, str], dict[str, Any]]:
    """(what names persons, the rest) of a context; the first goes into the log as commitments."""
    named = {k: v for k, v in context.items() if any(w in k.lower() for w in _PERSON_WORDS)}
    return named, {k: v for k, v in context.items() if k not in named}


_PERSON_WORDS = ("author", "committer", "user", "mail", "actor", "person", "owner", "triggered_by")
