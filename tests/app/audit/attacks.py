"""Attacks on the log and who detects them: four detectors, and the answer that a pipeline kept.

`python -m tests.app.audit.attacks` performs them and writes the table into docs/record.md.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select, update

from app.audit.archive import members
from app.database import make_engine, migrate
from app.evaluations.tables import decision
from app.ids import new_id
from app.ledger.merkle import Edge, grow, leaf_hash
from app.ledger.tables import audit_checkpoint, audit_entry, audit_head, audit_tile
from app.record.completeness import compared
from app.settings import Settings
from app.verifier import TAMPERED, Broken, Kept, Key, NoRecord, Note, Trust, verify
from tests.app.audit.keys import Cosigner
from tests.app.audit.records import filled
from tests.app.audit.tampering import (
    INDEX,
    Site,
    altered,
    appended,
    checkpoint_sizes,
    cut,
    disarm,
    own_key,
    rows,
    sign_anew,
    write,
)
from tests.app.http.service import Service, running

PAGE = Path(__file__).parents[3] / "docs" / "record.md"
BEGIN, END = "<!-- attacks: written by a run -->\n", "<!-- end of attacks -->"
COLUMNS = ("in place", "checkpoints beside it", "older checkpoint", "witness", "kept answer")
DECISIONS = 75


@dataclass(frozen=True)
class Attack:
    """One attack and what it takes."""

    name: str
    has_key: bool
    do: Callable[[Site], object]


def _edit(site: Site) -> None:
    site.connection.execute(
        update(audit_entry).where(INDEX.in_([site.early])).values(body=_body(site, site.early))
    )


def _body(site: Site, index: int) -> bytes:
    found = site.connection.scalar(select(audit_entry.c.body).where(INDEX.in_([index])))
    assert found is not None
    return altered(found)


def _swap(site: Site) -> None:
    found = rows(site.connection)
    first, second = found[site.early], found[site.early + 1]
    site.connection.execute(delete(audit_entry).where(INDEX.in_([site.early, site.early + 1])))
    values = [{**first, "index": second["index"]}, {**second, "index": first["index"]}]
    site.connection.execute(insert(audit_entry), values)


def _renumber(site: Site) -> None:
    found = rows(site.connection)
    del found[site.early]
    site.connection.execute(delete(audit_entry))
    values = [{**row, "index": i} for i, row in enumerate(found)]
    site.connection.execute(insert(audit_entry), values)


def _rewrite(site: Site, index: int) -> list[int]:
    sizes = checkpoint_sizes(site.connection)
    found = rows(site.connection)
    found[index]["body"] = altered(found[index]["body"])
    write(site.connection, found)
    return sizes


def _rewrite_without_checkpoints(site: Site) -> None:
    _rewrite(site, site.early)
    site.connection.execute(delete(audit_checkpoint).where(audit_checkpoint.c.size > site.early))


def _rewrite_under_own_key(site: Site) -> None:
    sizes = _rewrite(site, site.early)
    sign_anew(site.connection, site.origin, own_key(site.connection), sizes)


def _rewrite_and_sign(site: Site, index: int) -> None:
    sizes = _rewrite(site, index)
    sign_anew(site.connection, site.origin, site.key, sizes)


def _insert(site: Site) -> None:
    # Of a type that leaves no row, or the comparison with the rows would find it.
    sizes = checkpoint_sizes(site.connection)
    found = rows(site.connection)
    made = b'{"actor":"per_x","type":"evidence.opened","v":1}'
    new = {**found[site.early], "id": new_id("ent"), "type": "evidence.opened", "body": made}
    write(site.connection, [*found[: site.early], new, *found[site.early :]])
    sign_anew(site.connection, site.origin, site.key, [*sizes, sizes[-1] + 1])


def _restore(site: Site) -> None:
    before = site.connection.scalar(select(audit_head.c.size)) or 0
    cut(site.connection, site.late_cut, checkpoints=True)
    appended(site, before - site.late_cut + 5, datetime.now(UTC))


def _forge_decision(site: Site) -> None:
    row = dict(site.connection.execute(select(decision).limit(1)).one()._mapping)
    site.connection.execute(insert(decision), {**row, "id": "dec_forged", "entry": "ent_none"})


def _clear(site: Site) -> None:
    """What most would try first: a failed version passes, and the log is left alone."""
    failed = decision.c.status == "failed"
    site.connection.execute(update(decision).where(failed).values(status="passed"))


ATTACKS = (
    Attack("an entry is edited", False, _edit),
    Attack(
        "an entry is deleted",
        False,
        lambda site: site.connection.execute(delete(audit_entry).where(INDEX.in_([site.early]))),
    ),
    Attack("an entry is deleted and those after it renumbered", False, _renumber),
    Attack("two entries change places", False, _swap),
    Attack(
        "the tail is cut off, its checkpoints stay",
        False,
        lambda site: cut(site.connection, site.late_cut, checkpoints=False),
    ),
    Attack(
        "the tail is cut off with its checkpoints",
        False,
        lambda site: cut(site.connection, site.late_cut, checkpoints=True),
    ),
    Attack(
        "more is cut off, below the older checkpoint",
        False,
        lambda site: cut(site.connection, site.early_cut, checkpoints=True),
    ),
    Attack(
        "history is rewritten, all hashes recomputed",
        False,
        lambda site: _rewrite(site, site.early),
    ),
    Attack("history is rewritten, newer checkpoints removed", False, _rewrite_without_checkpoints),
    Attack(
        "history is rewritten and signed with a key put in place of the log's",
        False,
        _rewrite_under_own_key,
    ),
    Attack(
        "history before the older checkpoint is rewritten and signed",
        True,
        lambda site: _rewrite_and_sign(site, site.early),
    ),
    Attack(
        "history after the older checkpoint is rewritten and signed",
        True,
        lambda site: _rewrite_and_sign(site, site.late),
    ),
    Attack("an entry is inserted inside history, all signed", True, _insert),
    Attack(
        "an entry is appended with a time of yesterday",
        True,
        lambda site: appended(site, 1, datetime.now(UTC) - timedelta(days=1)),
    ),
    Attack("an old backup is restored, and the service goes on", True, _restore),
    Attack(
        "a fork is shown to one reader",
        True,
        lambda site: _rewrite_and_sign(site, site.late),
    ),
    Attack(
        "a decision is suppressed after it was answered, before anyone saw it",
        False,
        lambda site: cut(site.connection, site.last_cut, checkpoints=True),
    ),
    Attack("a decision is added without an entry", False, _forge_decision),
    Attack("a failed decision is set to passed", False, _clear),
)


@dataclass(frozen=True)
class Target:
    """A running service's record, the copies outside of it, and the detectors that hold them."""

    service: Service
    key: Key
    witness: Cosigner
    older: Kept
    witnessed: Kept
    answer: Kept
    last_cut: int

    def detectors(self) -> Mapping[str, Callable[[Connection], bool]]:
        """Each says whether it sees that something is wrong."""
        keys = (self.key,)
        trusts = {
            COLUMNS[1]: Trust(keys=keys),
            COLUMNS[2]: Trust(keys=keys, since=(self.older,)),
            COLUMNS[3]: Trust(keys=keys, since=(self.witnessed,), witnesses=(self.witness.key,)),
            COLUMNS[4]: Trust(keys=keys, since=(self.answer,)),
        }
        by_copy = {
            name: lambda connection, trust=trust: judged(connection, trust)
            for name, trust in trusts.items()
        }
        return {COLUMNS[0]: in_place, **by_copy}

    def run(self, attack: Attack | None) -> dict[str, bool]:
        """Attack, ask every detector, and undo it all."""
        engine = self.service.app.state.runtime.engine
        with engine.connect() as connection:
            transaction = connection.begin()
            try:
                if attack is not None:
                    disarm(connection)
                    attack.do(self._aimed(connection))
                return {name: sees(connection) for name, sees in self.detectors().items()}
            finally:
                transaction.rollback()

    def _aimed(self, connection: Connection) -> Site:
        sizes = checkpoint_sizes(connection)
        older, newest = self.older.note.size, self.witnessed.note.size
        received = [
            row["index"] for row in rows(connection) if row["type"] == "evaluation.received"
        ]
        return Site(
            connection=connection,
            origin=self.key.name,
            key=self.service.app.state.runtime.ledger._signer,
            early=next(index for index in received if index > older // 2),
            late=next(index for index in received if index > (older + newest) // 2),
            early_cut=next(size for size in sizes if size > older // 2),
            late_cut=next(size for size in sizes if size > (older + newest) // 2),
            last_cut=self.last_cut,
        )


def in_place(connection: Connection) -> bool:
    """Stored hashes against recomputed ones, and business rows against entries: no signature."""
    found = rows(connection)
    leaves = [leaf_hash(row["body"]) for row in found]
    head = connection.execute(select(audit_head)).one()
    if [row["index"] for row in found] != list(range(len(found))):
        return True
    if any(row["leaf_hash"] != leaf for row, leaf in zip(found, leaves, strict=True)):
        return True
    growth = grow(Edge(), leaves)
    if (growth.after.size, b"".join(growth.after.hashes)) != (head.size, head.edge):
        return True
    tiles = connection.execute(select(audit_tile).where(audit_tile.c.level == 0)).all()
    for row in tiles:
        if row.hashes != b"".join(leaves[256 * row.number : 256 * (row.number + 1)]):
            return True
    return len(tiles) != len(leaves) // 256 or not compared(connection).is_complete


def judged(connection: Connection, trust: Trust) -> bool:
    """Whether the verifier, with what it was given, refuses the record."""
    try:
        return verify(members(connection), trust).verdict == TAMPERED
    except (Broken, NoRecord):
        return True


def target(service: Service) -> Target:
    """Fill a service; keep an older checkpoint, what a witness saw, and the last answer."""
    filled(service, DECISIONS)
    ledger = service.app.state.runtime.ledger
    witness = Cosigner("witness.test/w")
    with service.app.state.runtime.engine.connect() as connection:
        sizes = checkpoint_sizes(connection)
        middle = next(size for size in sizes if size > sizes[-1] // 2)
        older, newest = (
            connection.scalar(select(audit_checkpoint.c.note).where(audit_checkpoint.c.size == n))
            for n in (middle, sizes[-1])
        )
        assert older is not None
        assert newest is not None
    seen = newest + witness.line(newest, datetime.now(UTC))
    answer = service.submit(version="last").json()["audit"]["checkpoint"]
    return Target(
        service=service,
        key=Key.parse(str(ledger.verifier_key)),
        witness=witness,
        older=Kept(Note.parse(older, "older"), "older"),
        witnessed=Kept(Note.parse(seen, "witnessed"), "witnessed"),
        answer=Kept(Note.parse(answer, "answer"), "answer"),
        last_cut=sizes[-1],
    )


def found(aim: Target) -> dict[str, dict[str, bool]]:
    """Every attack by name, and who saw it."""
    return {attack.name: aim.run(attack) for attack in ATTACKS}


def table(results: Mapping[str, Mapping[str, bool]]) -> str:
    """The results as Markdown."""
    head = f"| attack | needs the log's key | {' | '.join(COLUMNS)} |"
    lines = [head, f"|---|---|{'---|' * len(COLUMNS)}"]
    for attack in ATTACKS:
        cells = ["**found**" if results[attack.name][name] else "missed" for name in COLUMNS]
        key = "yes" if attack.has_key else "no"
        lines.append(f"| {attack.name} | {key} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def committed() -> str:
    """The table that stands in the documentation."""
    page = PAGE.read_text("utf-8")
    return page.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    """Attack a fresh SQLite database and write the table."""
    directory = Path(tempfile.mkdtemp(prefix="clearance-attacks-"))
    try:
        given = Settings(
            database_url=f"sqlite:///{directory}/clearance.db", log_origin="clearance.test/log"
        )
        engine = make_engine(given)
        migrate(engine)
        engine.dispose()
        with running(given) as service:
            made = table(found(target(service)))
    finally:
        shutil.rmtree(directory)
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + made + END + rest.partition(END)[2], "utf-8")
    sys.stdout.write(made)


if __name__ == "__main__":
    main()
