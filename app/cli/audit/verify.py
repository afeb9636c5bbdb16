"""`clearance audit verify`: check a record, and decide again what it says was decided.

The checks are those of `app/verifier.py`, which runs on its own as well; replay and the comparison
with the business rows need the rest of Clearance.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.audit import replaying
from app.audit.archive import members, snapshot
from app.audit.reading import ArchiveRecord, DatabaseRecord, Record
from app.cli.exits import FAILED, CliError
from app.cli.local import database
from app.cli.output import plain_output, progress, show_json, show_text
from app.database import require_current
from app.pages.escaping import terminal
from app.record.completeness import Completeness, compared
from app.verifier import (
    TAMPERED,
    Archive,
    Broken,
    Kept,
    Live,
    NoRecord,
    Report,
    Trust,
    as_json,
    hours,
    is_proof,
    read_kept,
    show_progress,
    trust_of,
    verify_proof,
    words,
)
from app.verifier import verify as verified

EPILOG = """\b
Examples:
  clearance audit verify record.tar --since checkpoint-2026-09.txt
  clearance audit verify https://clearance.example.com --since kept-decision.json
  clearance audit verify record.tar --witness-key 'w.example/w+…'
  clearance audit verify --database --replay
  clearance audit verify 17.tlog-proof --entry decision.json --key 'clearance.example/log+…'

\b
A .tlog-proof is checked offline against the entry in --entry (its bytes or JSON, or the JSON of
the decision that it records), the log's key, and witnesses.

\b
Exit codes: 0 verified; 1 tampered, and the first bad entry is named; 2 wrong usage; 3 valid,
but unanchored, self-anchored or stale: nobody outside vouches for all of it.
"""


@click.command(epilog=EPILOG)
@click.argument("record", metavar="[ARCHIVE|URL|PROOF]", required=False)
@click.option("--database", "on_database", is_flag=True, help="Check this database instead.")
@click.option("--key", "keys", multiple=True, metavar="KEY", help="The log's key, if you know it.")
@click.option("--since", multiple=True, metavar="FILE", help="A checkpoint or decision you kept.")
@click.option("--own", multiple=True, metavar="FILE", help="A copy that the operator holds.")
@click.option("--witness-key", "witnesses", multiple=True, metavar="KEY", help="A witness's key.")
@click.option("--entry", metavar="FILE", help="What a .tlog-proof proves.")
@click.option("--max-age", default=24.0, metavar="HOURS", help="Older uncovered entries are stale.")
@click.option("--every-signature", is_flag=True, help="Check every checkpoint's signature.")
@click.option("--replay", is_flag=True, help="Decide every decision again from its evidence.")
@plain_output
@click.pass_context
def verify(ctx: click.Context, /, record: str | None, output: str, **given: Any) -> None:
    """Check every entry, the root, signatures and outside copies of a record."""
    if (record is None) == (not given["on_database"]):
        raise click.UsageError("Name an ARCHIVE, a URL or a PROOF, or say --database.")
    proof = record is not None and "://" not in record and is_proof(record)
    if (given["entry"] and not proof) or (given["replay"] and proof):
        raise click.UsageError("--entry is for a .tlog-proof, and --replay is not.")
    try:
        trust = trust_of(
            given["keys"],
            given["since"],
            given["witnesses"],
            own=tuple(read_kept(path) for path in given["own"]),
            max_age=hours(given["max_age"]),
            every_signature=given["every_signature"],
        )
        if proof:
            found = Found(verify_proof(str(record), given["entry"], trust))
        elif record is None:
            found = _database(trust, replay=given["replay"])
        elif "://" in record:
            found = _service(record, trust, replay=given["replay"])
        else:
            found = _archive(Path(record), trust, replay=given["replay"])
    except NoRecord as error:
        raise CliError(f"{error}.") from None
    if output == "json":
        show_json(found.as_json)
    else:
        show_text("\n".join(terminal(line) for line in found.words))
    ctx.exit(found.exit_code)


class Found:
    """All that was checked about one record."""

    def __init__(
        self,
        report: Report,
        replay: replaying.Summary | None = None,
        completeness: Completeness | None = None,
    ) -> None:
        self.report = report
        self.replay = replay
        self.completeness = completeness

    @property
    def exit_code(self) -> int:
        """The gravest of the three."""
        if self.completeness is not None and not self.completeness.is_complete:
            return FAILED
        codes = {self.report.exit_code, self.replay.exit_code if self.replay else 0}
        return FAILED if FAILED in codes else max(codes)

    @property
    def words(self) -> list[str]:
        """In lines."""
        lines = words(self.report).split("\n")
        if self.replay is not None:
            lines += self.replay.words
        if self.completeness is not None:
            lines += _complete(self.completeness)
        return lines

    @property
    def as_json(self) -> dict[str, Any]:
        """For programs."""
        value: dict[str, Any] = as_json(self.report)
        if self.replay is not None:
            value["replay"] = self.replay.as_json
        if self.completeness is not None:
            value["completeness"] = {
                "complete": self.completeness.is_complete,
                "counts": {
                    noun: {"rows": count.rows, "entries": count.entries}
                    for noun, count in self.completeness.counts.items()
                },
                "gaps": [
                    {
                        "fault": gap.fault.value,
                        "noun": gap.noun,
                        "name": gap.name,
                        "index": gap.index,
                        "detail": gap.detail,
                    }
                    for gap in self.completeness.gaps
                ],
            }
        return value


def _complete(completeness: Completeness) -> list[str]:
    if completeness.is_complete:
        total = sum(count.rows for count in completeness.counts.values())
        # A decision that was revoked has two entries, and is looked for twice.
        what = f"{total} business rows and changes of them have their entries"
        return [f"COMPLETE  {what}, and every entry its row."]
    gaps = completeness.gaps
    return [f"INCOMPLETE  {len(gaps)} rows and entries disagree", *(f"  {g.detail}" for g in gaps)]


def _archive(path: Path, trust: Trust, *, replay: bool) -> Found:
    try:
        with path.open("rb") as file, path.open("rb") as again:
            report = verified(Archive(file), trust, show_progress)
            return Found(report, _replayed(ArchiveRecord(file, again), report, wanted=replay))
    except OSError as error:
        raise NoRecord(f"{path} cannot be read: {error.strerror}") from None


def _database(trust: Trust, *, replay: bool) -> Found:
    with database() as (given, engine):
        require_current(engine)
        trust = replace(trust, own=(*trust.own, *_anchored(given.anchor_path)))
        with snapshot(engine) as connection:
            report = verified(members(connection), trust, show_progress)
            record = DatabaseRecord(connection)
            replay_found = _replayed(record, report, wanted=replay)
            return Found(report, replay_found, _compared(connection, report))


def _anchored(path: Path | None) -> tuple[Kept, ...]:
    """The newest checkpoint in the anchor file of this deployment, where there is one."""
    if path is None or not path.exists():
        return ()
    return (read_kept(str(path)),)


def _compared(connection: Connection, report: Report) -> Completeness | None:
    """Business rows against the log; None where a log that does not hold cannot even be read."""
    progress("Comparing the business rows with the log")
    try:
        return compared(connection)
    except (SQLAlchemyError, ValueError, KeyError, TypeError) as error:
        if report.verdict == TAMPERED:
            return None
        raise CliError(f"An entry cannot be read: {type(error).__name__}.", code=FAILED) from None


def _service(url: str, trust: Trust, *, replay: bool) -> Found:
    live = Live(url, os.environ.get("CLEARANCE_TOKEN"))
    if not replay:
        return Found(verified(live, trust, show_progress))
    with _downloaded(live) as path:
        return _archive(path, trust, replay=True)


@contextmanager
def _downloaded(live: Live) -> Iterator[Path]:
    """The service's archive in a file that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="clearance-") as directory:
        path = Path(directory) / "record.tar"
        progress("Downloading the archive: replay needs the evidence")
        with path.open("wb") as file:
            for chunk in live.stream("audit/export"):
                file.write(chunk)
        yield path


def _replayed(record: Record, report: Report, *, wanted: bool) -> replaying.Summary | None:
    """Nothing is decided again from a record that does not hold."""
    if not wanted or report.verdict == TAMPERED:
        return None
    progress("Deciding again")
    try:
        return replaying.summary(record)
    except Broken as error:
        raise CliError(f"The record cannot be replayed: {error}.", code=FAILED) from None
