"""What a use case hands to the ledger's writer, and what it gets back.

A Work is all or nothing: its rows, its log entries and what they depend on commit in one
transaction or not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A log entry before it has an index (audit.md section 1).

    `id` is unique (a UUIDv7 string) and fixed by the caller, so that a replay after a commit of
    unknown fate can look it up. `data` and `refs` hold JSON values only; numbers that are metric
    values or limits are decimal strings. `private` maps a field name to the personal value that
    is split off: the body carries its salted commitment, `audit_private` value and salt.
    """

    id: str
    type: str
    at: datetime
    actor: str
    subject: str
    refs: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """A leaf in another log's shape (`hashedrekord`), kept byte for byte in place of all the above:
    only so can the tools that know that shape check that it is in the log."""


@dataclass(frozen=True, slots=True)
class JointGuard:
    """A guard that is asked once for a whole batch, with as many statements as for one Work.

    `check` takes what each Work depended on and says, in the same order, what has changed since.
    """

    check: Callable[[Connection, Sequence[Any]], Sequence["Conflict | None"]]
    about: Any

    def __call__(self, connection: Connection) -> None:
        """The same for one alone."""
        for conflict in self.check(connection, [self.about]):
            if conflict is not None:
                raise conflict


@dataclass(frozen=True, slots=True)
class Work:
    """One use case's writes.

    `guard` runs first, inside the transaction with the head locked, and raises `Conflict` when
    something the work depends on has changed since it was read; it must not write. A `JointGuard`
    is asked once for all Works of a batch that commute.
    `rows` are inserted with SQLAlchemy Core, tables in the given order (parents first).
    `apply` runs after the inserts for updates (compare-and-set); it may raise `Conflict` too.
    Both may run more than once, each time in a new state of the database, and only once for good.

    `commutes` promises that no other Work's guard reads what this one inserts, except where a
    unique constraint settles it anyway. Such Works share one multi-row insert per table, and
    their guards run before it; without the promise (or with `apply`) a Work runs alone, seeing
    everything before it. Tables with `info={"content_addressed": True}` ignore a row that is
    there already.
    """

    entries: Sequence[NewEntry]
    rows: Sequence[tuple[Table, Sequence[Mapping[str, Any]]]] = ()
    guard: Callable[[Connection], None] | None = None
    apply: Callable[[Connection], None] | None = None
    commutes: bool = False


@dataclass(frozen=True, slots=True)
class EntryReceipt:
    """Where an entry stands: its index, leaf hash, and inclusion proof in `checkpoint`'s tree."""

    id: str
    index: int
    leaf: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof that a Work is in the log, under one signed checkpoint (a C2SP note)."""

    entries: tuple[EntryReceipt, ...]
    checkpoint: str
    size: int


class Conflict(Exception):  # noqa: N818 - an expected answer, not a fault
    """What a Work depended on has changed; the caller decides again or answers 409.

    `slug` is the problem type, `detail` a sentence for the caller.
    """

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail


class LedgerUnavailable(Exception):  # noqa: N818 - named for what it says
    """The record cannot be written now (queue full, database down): 503, and no verdict.

    `retry_after` is in seconds.
    """

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
