"""Works as a noun would make them, over tables of the tests' own."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, Text

from app.ids import new_id
from app.ledger.work import NewEntry, Work

nouns = MetaData()
parent = Table(
    "t_parent",
    nouns,
    Column("id", Text, primary_key=True),
    Column("unique", Text, unique=True),
    Column("note", Text),
)
child = Table(
    "t_child",
    nouns,
    Column("id", Text, primary_key=True),
    Column("parent", ForeignKey(parent.c.id), nullable=False),
)
counter = Table(
    "t_counter",
    nouns,
    Column("id", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)

_numbers = count()


def entry(**changes) -> NewEntry:
    given: dict[str, Any] = {
        "id": new_id("ent"),
        "type": "thing.made",
        "at": datetime.now(UTC),
        "actor": "key_1",
        "subject": "thing",
        "data": {"number": next(_numbers)},
    }
    return NewEntry(**(given | changes))


def work(*, entries=2, name=None, unique=None, commutes=True, **changes) -> Work:
    """A parent with a child, and entries that name them."""
    name = name or new_id("par")
    return Work(
        entries=[entry(subject=name) for _ in range(entries)],
        rows=[
            (parent, [{"id": name, "unique": unique, "note": "x"}]),
            (child, [{"id": f"{name}.c", "parent": name}]),
        ],
        commutes=commutes,
        **changes,
    )
