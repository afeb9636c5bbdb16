"""Counts business rows against the log: what has no entry, and which entry has no row.

It reads one snapshot and changes nothing. It takes the log's bodies as they are stored: whether
those are the ones that were signed is for the verifier to say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, and_, exists, func, select

from app.ledger.tables import audit_entry
from app.record.contradictions import contradictions
from app.record.evidence import missing_evidence
from app.record.pairs import PAIRS, Pair, Said, said_in


class Fault(StrEnum):
    """How a row and the log disagree."""

    NO_ENTRY = "no_entry"
    NO_ROW = "no_row"
    ENTERED_TWICE = "entered_twice"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True, slots=True)
class Gap:
    """One disagreement; `index` is the entry's, where there is one."""

    fault: Fault
    noun: str
    name: str
    index: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows of a noun there are, and how many subjects the log speaks of."""

    rows: int
    entries: int


@dataclass(frozen=True, slots=True)
class Completeness:
    """The whole comparison."""

    counts: Mapping[str, Count]
    gaps: tuple[Gap, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every row has its entry and every entry its row, saying the same."""
        return not self.gaps


def compare(engine: Engine) -> Completeness:
    """Compare all nouns with the log, in one snapshot of the database."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        return compared(connection)


def compared(connection: Connection) -> Completeness:
    """The same on an open connection, whose transaction must be one snapshot."""
    said = said_in(connection.dialect.name)
    counts: dict[str, Count] = {}
    gaps: list[Gap] = []
    for pair in PAIRS:
        if pair.rows_need_entries and pair.entries_need_rows:
            counts[pair.noun] = _count(connection, pair)
        gaps += _gaps(connection, pair, said)
    gaps += [
        Gap(Fault.CONTRADICTION, item.noun, item.name, item.index, item.detail)
        for item in (*contradictions(connection), *missing_evidence(connection))
    ]
    return Completeness(counts, tuple(gaps))


def _count(connection: Connection, pair: Pair) -> Count:
    rows = select(func.count()).select_from(pair.table).where(pair.rows)
    kept = audit_entry.c.subject if pair.is_once else audit_entry.c.id
    entries = select(func.count(kept.distinct())).where(pair.about())
    return Count(connection.scalar(rows) or 0, connection.scalar(entries) or 0)


def _gaps(connection: Connection, pair: Pair, said: Said) -> Iterator[Gap]:
    joined = pair.link(said)
    if pair.rows_need_entries:
        has_entry = exists().where(and_(pair.about(), joined)).correlate(pair.table)
        lonely = select(pair.name).select_from(pair.table).where(pair.rows, ~has_entry)
        for (name,) in connection.execute(lonely.order_by(pair.name)):
            detail = f"The {pair.noun} {name} has no {' or '.join(pair.types)} entry in the log."
            yield Gap(Fault.NO_ENTRY, pair.noun, str(name), None, detail)
    if pair.entries_need_rows:
        has_row = exists().select_from(pair.table).where(pair.rows, joined).correlate(audit_entry)
        for index, kind, subject in connection.execute(_entries(pair).where(~has_row)):
            detail = f"Entry {index} ({kind} {subject}) has no {pair.noun} in the tables."
            yield Gap(Fault.NO_ROW, pair.noun, subject, index, detail)
    if pair.is_once:
        yield from _repeated(connection, pair)


def _entries(pair: Pair) -> Any:
    columns = (audit_entry.c.index, audit_entry.c.type, audit_entry.c.subject)
    return select(*columns).where(pair.about()).order_by(audit_entry.c.index)


def _repeated(connection: Connection, pair: Pair) -> Iterator[Gap]:
    repeated = (
        select(audit_entry.c.subject, func.max(audit_entry.c.index), func.count())
        .where(pair.about())
        .group_by(audit_entry.c.subject)
        .having(func.count() > 1)
        .order_by(audit_entry.c.subject)
    )
    for subject, index, times in connection.execute(repeated):
        detail = f"The {pair.noun} {subject} was entered {times} times, last as entry {index}."
        yield Gap(Fault.ENTERED_TWICE, pair.noun, subject, index, detail)
