"""`clearance audit export`: the record of this database in one file, whole or not at all."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import click

from app.audit.archive import members, snapshot, tar
from app.audit.population import lines
from app.audit.reading import DatabaseRecord
from app.cli.exits import FAILED, CliError
from app.cli.local import database
from app.cli.output import plain_output, show_json, show_text
from app.database import require_current
from app.pages.escaping import terminal
from app.verifier import Broken, NoRecord

EPILOG = """\b
Examples:
  clearance audit export --to record.tar
  clearance audit export --csv --to population.csv

\b
It works on the database named by CLEARANCE_DATABASE_URL, while the service runs.
With a service only: curl -H "Authorization: Bearer $CLEARANCE_TOKEN" \\
    $CLEARANCE_URL/v1/audit/export -o record.tar
"""


@click.command(epilog=EPILOG)
@click.option("--to", "target", required=True, metavar="FILE", help="Where to; - for stdout.")
@click.option("--csv", "as_csv", is_flag=True, help="One line a decision, review or waiver.")
@plain_output
def export(target: str, output: str, *, as_csv: bool) -> None:
    """Write the whole record as an archive that anyone can verify without an account."""
    with database() as (_, engine):
        require_current(engine)
        with snapshot(engine) as connection:
            content: Iterator[bytes]
            if as_csv:
                content = (line.encode() for line in lines(DatabaseRecord(connection)))
            else:
                content = tar(members(connection))
            try:
                size, digest = _written(target, _watched(content))
            except Broken as error:
                raise CliError(
                    f"The record cannot be exported: {error}.",
                    "`clearance audit verify --database` says more.",
                    code=FAILED,
                ) from None
            except NoRecord as error:
                raise CliError(f"There is no record to export: {error}.") from None
    if target == "-":
        return
    if output == "json":
        show_json({"file": target, "size": size, "sha256": digest})
    else:
        show_text(terminal(f"{target}: {size:,} bytes, sha256 {digest}"))


def _watched(content: Iterable[bytes]) -> Iterator[bytes]:
    """The same chunks, with their number shown to people who watch."""
    done = shown = 0
    is_watched = sys.stderr.isatty()
    for chunk in content:
        yield chunk
        done += len(chunk)
        if is_watched and done - shown > 8 * 1024 * 1024:
            shown = done
            click.echo(f"\r{done // 2**20:,} MiB", nl=False, err=True)
    if is_watched and shown:
        click.echo("\r", nl=False, err=True)


def _written(target: str, content: Iterable[bytes]) -> tuple[int, str]:
    """Size and digest of what was written; a file appears under its name once it is whole."""
    digest, size = sha256(), 0
    if target == "-":
        for chunk in content:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return 0, ""
    path = Path(target)
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in content:
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CliError(f"{target} cannot be written: {error.strerror}.") from None
    return size, digest.hexdigest()
