"""What the record knows that bears on a decision, read in one short read, and its recheck.

`unmoved` looks again inside the writer's transaction: what a decision depended on must still hold
when it is recorded.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    not_,
    null,
    or_,
    select,
    union_all,
)

from app.evaluations.tables import baseline_use, decision, evaluation, evidence_part, judged, look
from app.ledger.work import Conflict, JointGuard
from app.models.tables import model
from app.policies.tables import policy_epoch
from app.statements import Joined
from gates.evidence import Candidate, Evidence, SliceKey
from gates.history import Look, Progress
from gates.rules.looks import fingerprints

COUNTED: Final = 1000
"""Counts of candidates and baseline uses stop here; no policy asks for more."""

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_DIGEST: Final = "-"


def _same(version: Any, digest: Any) -> ColumnElement[bool]:
    """Equal version or equal digest: the same candidate (policy.md section 5)."""
    return or_(version == bindparam("version"), digest == bindparam("digest"))


Columns = Mapping[str, ColumnElement[Any]]
"""Expressions by name."""


def _by_version(who: Columns) -> ColumnElement[bool]:
    return and_(
        look.c.model == who["model"],
        look.c.stage == who["stage"],
        look.c.version == who["version"],
    )


def _by_digest(who: Columns) -> ColumnElement[bool]:
    """The other half of "the same candidate": an OR of the two would read all of the model."""
    return and_(
        look.c.model == who["model"],
        look.c.stage == who["stage"],
        look.c.candidate_digest == who["digest"],
        look.c.version != who["version"],
    )


def _looks(where: ColumnElement[bool]) -> Select[Any]:
    return select(
        look.c.looks, look.c.version, look.c.candidate_digest, look.c.sequence, look.c.decision
    ).where(where)


_WHO: Final[Columns] = {name: bindparam(name) for name in ("model", "stage", "version", "digest")}
_LOOKS: Final = union_all(_looks(_by_version(_WHO)), _looks(_by_digest(_WHO))).order_by(
    "sequence", "decision"
)


def _traces(questions: Select[Any]) -> Select[Any]:
    """What everything recorded so far means for each candidate that is asked about."""
    named = questions.selected_columns
    cleared = select(func.max(decision.c.settled_at)).where(
        decision.c.model == named["model"],
        decision.c.stage == named["stage"],
        decision.c.status == "passed",
    )
    since = func.coalesce(cleared.scalar_subquery(), literal(_NEVER, decision.c.settled_at.type))
    # The offset keeps both databases from moving this into the condition that uses it, where
    # SQLite would read all candidates ever judged instead of those since then.
    asked = questions.add_columns(since.label("cleared")).offset(0).cte("asked")
    who = dict(asked.c.items())

    def one(statement: Select[Any]) -> ScalarSelect[Any]:
        return statement.correlate(asked).scalar_subquery()

    def count(where: ColumnElement[bool]) -> ScalarSelect[int]:
        return one(select(func.count()).where(where))

    here = and_(judged.c.model == who["model"], judged.c.stage == who["stage"])
    others = (
        select(judged.c.version, judged.c.candidate_digest)
        .distinct()
        .where(
            here,
            or_(who["dataset"] == "", judged.c.dataset == "", judged.c.dataset == who["dataset"]),
            judged.c.version != who["version"],
            judged.c.candidate_digest != who["digest"],
            judged.c.first_at > who["cleared"],
        )
        .limit(COUNTED)
        .correlate(asked)
        .subquery()
    )
    known_slices = (
        select(evaluation.c.known_slices)
        .where(evaluation.c.model == who["model"], evaluation.c.stage == who["stage"])
        .order_by(evaluation.c.received_at.desc(), evaluation.c.id.desc())
        .limit(1)
    )
    is_judged = and_(
        here,
        judged.c.version == who["version"],
        judged.c.candidate_digest == who["stated_digest"],
        judged.c.dataset == who["dataset"],
    )
    answers = select(
        one(select(model.c.revision).where(model.c.name == who["model"])),
        one(select(model.c.facts).where(model.c.name == who["model"])),
        one(known_slices),
        count(_by_version(who)) + count(_by_digest(who)),
        one(select(func.count()).select_from(others)),
        count(is_judged),
    )
    return answers.select_from(asked).order_by(who["place"])


_TRACES: Final = Joined(
    _traces, ("model", "stage", "version", "digest", "stated_digest", "dataset")
)


def _looks_by(column: Any, asked: str) -> Select[Any]:
    return (
        select(
            look.c.model,
            look.c.stage,
            look.c.version,
            look.c.candidate_digest.label("digest"),
            func.count().label("number"),
        )
        .where(
            look.c.model.in_(bindparam("models", expanding=True)),
            look.c.stage.in_(bindparam("stages", expanding=True)),
            column.in_(bindparam(asked, expanding=True)),
        )
        .group_by(look.c.model, look.c.stage, look.c.version, look.c.candidate_digest)
    )


_NOW: Final = union_all(
    select(
        null().label("model"),
        null().label("stage"),
        null().label("version"),
        null().label("digest"),
        policy_epoch.c.value.label("number"),
    ),
    select(model.c.name, null(), null(), null(), model.c.revision).where(
        model.c.name.in_(bindparam("models", expanding=True))
    ),
    _looks_by(look.c.version, "versions"),
    _looks_by(look.c.candidate_digest, "digests"),
)
"""The epoch, the models' revisions, and looks by who took them; each half of the looks on an index
of its own."""
_BASELINE_USES: Final = select(func.count()).select_from(
    select(literal_column("1"))
    .where(
        baseline_use.c.baseline == bindparam("baseline"),
        not_(
            and_(
                baseline_use.c.model == bindparam("model"),
                _same(baseline_use.c.version, baseline_use.c.candidate_digest),
            )
        ),
    )
    .limit(COUNTED)
    .subquery()
)
_FOREIGN: Final = (
    select(evidence_part.c.part)
    .where(
        evidence_part.c.part.in_(bindparam("parts", expanding=True)),
        not_(
            and_(
                evidence_part.c.model == bindparam("model"),
                _same(evidence_part.c.version, evidence_part.c.candidate_digest),
            )
        ),
    )
    .distinct()
)


@dataclass(frozen=True, slots=True)
class Past:
    """What was read, and the marks by which the writer sees whether it still holds."""

    epoch: int
    revision: int | None
    """None where the model was never heard of."""
    look_count: int
    look_top: int
    looks: tuple[Look, ...]
    known_slices: tuple[tuple[str, SliceKey], ...]
    facts: dict[str, Any]
    candidates_judged: int
    is_judged: bool
    """This candidate was judged on this data before."""
    is_own: bool
    """All looks were taken under this very version and digest, so that a unique key alone keeps
    two decisions about the candidate apart."""
    baseline_uses: int
    foreign: frozenset[str]
    dataset: str
    parts: tuple[str, ...]
    """What the evidence says it was measured on, and its fingerprints, as they were asked for."""


Asked = tuple[Candidate, str, str]
"""A candidate, its stage, and what its evidence says it was measured on."""


Traces = tuple[Any, ...]
"""The row that `_traces` selects."""


def read_traces(connection: Connection, asked: Sequence[Asked]) -> list[Traces]:
    """For each of many candidates what `read_past` begins with, by one statement."""
    return _TRACES.rows(
        connection,
        [
            {
                **parameters(candidate, stage),
                "stated_digest": candidate.digest or "",
                "dataset": dataset,
            }
            for candidate, stage, dataset in asked
        ],
    )


def read_past(
    connection: Connection,
    asked: Asked,
    traces: Traces,
    *,
    epoch: int,
    parts: tuple[str, ...],
    baseline: str | None,
) -> Past:
    """Everything that does not depend on the policy's rules, from its traces on."""
    candidate, stage, dataset = asked
    who = parameters(candidate, stage)
    revision, facts, slices, look_count, others, is_judged = traces
    looks = connection.execute(_LOOKS, who).all() if look_count else ()
    own = (candidate.version, candidate.digest)
    foreign = connection.execute(_FOREIGN, {**who, "parts": list(parts)}).scalars() if parts else ()
    uses = connection.execute(_BASELINE_USES, {**who, "baseline": baseline}) if baseline else None
    return Past(
        epoch=epoch,
        revision=revision,
        look_count=look_count,
        look_top=max((seen.sequence for seen in looks), default=0),
        looks=tuple(_look(*item) for seen in looks for item in json.loads(seen.looks)),
        known_slices=tuple(
            (metric, tuple((k, v) for k, v in pairs)) for metric, pairs in slices or ()
        ),
        facts=facts or {},
        candidates_judged=others,
        is_judged=is_judged > 0,
        is_own=all((seen.version, seen.candidate_digest) == own for seen in looks),
        baseline_uses=uses.scalar_one() if uses else 0,
        foreign=frozenset(foreign),
        dataset=dataset,
        parts=parts,
    )


def _look(hypothesis: str, inputs: str, number: int, outcome: str, *handed: Any) -> Look:
    """A look as it was written; what it hands on stands there only where looks are `anytime`."""
    progress = tuple(
        Progress(scope, tuple(certain), tuple((claim, limit, p) for claim, limit, p in shown))
        for scope, certain, shown in handed
    )
    return Look(hypothesis, inputs, number, outcome, progress)


def parameters(candidate: Candidate, stage: str) -> dict[str, Any]:
    """The candidate as bind parameters; no stored digest equals the mark for none."""
    return {
        "model": candidate.model,
        "version": candidate.version,
        "digest": candidate.digest or _NO_DIGEST,
        "stage": stage,
    }


def unmoved(past: Past, candidate: Candidate, stage: str) -> JointGuard:
    """The recheck under the log's lock: same policies, same facts, no look taken meanwhile."""
    return JointGuard(_moved, (past, candidate, stage))


_Asked = tuple[Past, Candidate, str]


def _moved(connection: Connection, asked: Sequence[_Asked]) -> list[Conflict | None]:
    """One statement for all of them."""
    who = [candidate for _, candidate, _ in asked]
    wanted = {
        "models": sorted({candidate.model for candidate in who}),
        "stages": sorted({stage for _, _, stage in asked}),
        "versions": sorted({candidate.version for candidate in who}),
        "digests": sorted({candidate.digest or _NO_DIGEST for candidate in who}),
    }
    now = _Now(connection.execute(_NOW, wanted).all())
    found = [now.difference(*item) for item in asked]
    return [Conflict("conflict", why) if why else None for why in found]


class _Now:
    """The answer to `_NOW`, looked up by who asks."""

    def __init__(self, rows: Iterable[Row[Any]]) -> None:
        self._epoch = 0
        self._revisions: dict[str, int] = {}
        self._looks: dict[tuple[str, str], dict[tuple[str, str | None], int]] = {}
        for row in rows:
            if row.model is None:
                self._epoch = row.number
            elif row.stage is None:
                self._revisions[row.model] = row.number
            else:
                looks = self._looks.setdefault((row.model, row.stage), {})
                looks[row.version, row.digest] = row.number

    def difference(self, past: Past, candidate: Candidate, stage: str) -> str | None:
        """What has changed since a decision was made."""
        if self._epoch != past.epoch:
            return "The policies changed while this was decided."
        taken = sum(
            number
            for (version, digest), number in self._looks.get((candidate.model, stage), {}).items()
            if version == candidate.version or digest == (candidate.digest or _NO_DIGEST)
        )
        if (self._revisions.get(candidate.model), taken) != (past.revision, past.look_count):
            return "The candidate's history changed while this was decided."
        return None


def dataset_key(evidence: Evidence) -> str:
    """The data that evidence states it was measured on; empty where it states none."""
    stated = {
        item
        for m in evidence.measurements
        if m.source is not None
        for item in (m.source.dataset_digest, m.source.prompt_set_digest)
        if item is not None
    }
    if not stated:
        return ""
    return hashlib.sha256("\n".join(sorted(stated)).encode()).hexdigest()


def parts_of(evidence: Evidence) -> tuple[str, ...]:
    """Fingerprints of the native files and per-example scores in the evidence."""
    marked = [
        m
        for m in evidence.measurements
        if m.scores is not None or (m.source is not None and m.source.file_digest is not None)
    ]
    return tuple(sorted({mark for m in marked for mark in fingerprints(m)}))
