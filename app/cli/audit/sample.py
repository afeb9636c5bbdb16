"""`clearance audit sample`: decisions to look at, drawn so that anybody draws the same."""

import json
from pathlib import Path
from typing import Any

import click

from app.audit.archive import snapshot
from app.audit.reading import ArchiveRecord, DatabaseRecord
from app.audit.sample import sample as drawn
from app.cli.exits import FAILED, CliError
from app.cli.local import database
from app.cli.output import plain_output, show_json, show_text
from app.cli.table import columns
from app.database import require_current
from app.pages.escaping import terminal
from app.verifier import Broken, NoRecord

EPILOG = """\b
Examples:
  clearance audit sample --seed 2026-Q4 --size 25 record.tar --to sample/
  clearance audit sample --seed 7 --size 10 -o json     # of this database

\b
Verify the archive first; a sample of it then holds by the proof that stands with each decision.
"""


@click.command(epilog=EPILOG)
@click.argument("archive", required=False)
@click.option("--seed", required=True, help="Any text: the same seed gives the same sample.")
@click.option("--size", required=True, type=click.IntRange(1, 10_000), help="How many decisions.")
@click.option("--to", "folder", metavar="DIR", help="One file a decision, with all about it.")
@plain_output
def sample(archive: str | None, seed: str, size: int, folder: str | None, output: str) -> None:
    """Draw decisions from ARCHIVE, or from this database, with all evidence about each."""
    try:
        found = _of_archive(Path(archive), seed, size) if archive else _of_database(seed, size)
    except Broken as error:
        raise CliError(f"The record does not hold: {error}.", code=FAILED) from None
    except NoRecord as error:
        raise CliError(f"{error}.") from None
    except (KeyError, TypeError, ValueError) as error:
        raise CliError(f"The record cannot be read: {error}; verify it first.") from None
    if folder is not None:
        _write(Path(folder), found)
    if output == "json":
        show_json(found)
        return
    rows = [_row(item) for item in found["items"]]
    head = f"{len(rows)} of {found['population']} decisions, seed {seed!r}"
    show_text("\n".join([terminal(f"{head}, {found['ranked_by']}."), *columns(rows)]))


def _of_archive(path: Path, seed: str, size: int) -> dict[str, Any]:
    try:
        with path.open("rb") as in_order, path.open("rb") as by_place:
            return drawn(ArchiveRecord(in_order, by_place), seed, size)
    except OSError as error:
        raise NoRecord(f"{path} cannot be read: {error.strerror}") from None


def _of_database(seed: str, size: int) -> dict[str, Any]:
    with database() as (_, engine):
        require_current(engine)
        with snapshot(engine) as connection:
            return drawn(DatabaseRecord(connection), seed, size)


def _row(item: dict[str, Any]) -> tuple[str, str, str]:
    own = next(entry["body"] for entry in item["entries"] if entry["index"] == item["index"])
    data = own["data"]
    what = f"{data['candidate']['model']} {data['candidate']['version']} → {data['stage']}"
    return (f"{item['index']} {item['decision']}", what, str(data["verdict"]))


def _write(folder: Path, found: dict[str, Any]) -> None:
    """`sample.json` says how it was drawn; each decision has a file of its own."""
    files: dict[str, object] = {
        f"{item['index']}-{item['decision']}.json": item for item in found["items"]
    }
    files["sample.json"] = {**found, "items": [item["decision"] for item in found["items"]]}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        other = next((path.name for path in folder.iterdir() if path.name not in files), None)
        if other is not None:
            detail = f"{folder / other} is not of this sample; give it a folder of its own"
            raise CliError(f"{detail} with --to.")
        for name, value in files.items():
            _dump(folder / name, value)
    except OSError as error:
        raise CliError(f"{folder} cannot be written: {error.strerror}.") from None


def _dump(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
