"""`clearance key`: API keys, made and ended on the database itself, and signing keys, rotated.

A key's secret is printed once, to stdout, and stored nowhere.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from sqlalchemy import select

from app.auth import keys
from app.auth.keys import KeyRequest
from app.auth.roles import PLAIN_ROLES
from app.auth.tables import api_key, principal
from app.cli import key_rotation
from app.cli.exits import CliError
from app.cli.local import OPERATOR, database, opened
from app.cli.output import plain_output, show_json, show_text
from app.cli.table import columns
from app.database import require_current, to_text
from app.ledger.signing_keys import ATTESTATION, LOG

ROLES = f"{', '.join(PLAIN_ROLES)}, reviewer:<stake>"


@click.group()
def key() -> None:
    """API keys and signing keys, on the database that CLEARANCE_DATABASE_URL names."""


CREATE_EPILOG = """\b
Examples:
  clearance key create --role submitter --name ci --models 'support-bot*'
  clearance key create --role reviewer:security --name ada --person \\
      --known-as ada@example.com --known-as github:583231
"""


@key.command(epilog=CREATE_EPILOG)
@click.option("--role", "roles", multiple=True, required=True, help=f"Repeatable: {ROLES}.")
@click.option("--name", required=True, help="Whose key it is.")
@click.option("--person", is_flag=True, help="A person; only persons sign off.")
@click.option("--models", multiple=True, metavar="PATTERN", help="Only these models. Repeatable.")
@click.option(
    "--known-as",
    multiple=True,
    metavar="NAME",
    help="A person's other name: mail address, login, github:583231. Bars the author. Repeatable.",
)
@click.option("--expires-days", type=click.IntRange(1, 36_500), help="It ends after so many days.")
@plain_output
def create(
    roles: tuple[str, ...],
    name: str,
    person: bool,  # noqa: FBT001 - click passes it by name
    models: tuple[str, ...],
    known_as: tuple[str, ...],
    expires_days: int | None,
    output: str,
) -> None:
    """Make a key and print it, once."""
    ends = datetime.now(UTC) + timedelta(days=expires_days) if expires_days else None
    wanted = KeyRequest(name, roles, person, models or ("*",), ends, known_as)
    with opened() as local:
        made = local.create_key(wanted)
    if output == "json":
        show_json({"id": made.id, "key": made.secret})
    else:
        show_text(f"{made.secret}\nThis is {made.id}. It is shown this once; keep it safe.")


@key.command("list", epilog="\b\nExample:\n  clearance key list")
@plain_output
def list_(output: str) -> None:
    """Every key, without its secret; revoked ones are marked."""
    query = (
        select(api_key, principal.c.name, principal.c.kind)
        .join(principal)
        .order_by(api_key.c.created_at.desc(), api_key.c.id.desc())
    )
    with database() as (_, engine):
        require_current(engine)
        with engine.connect() as connection:
            rows = connection.execute(query).all()
    found = [
        {
            "id": row.id,
            "name": row.name,
            "kind": row.kind,
            "roles": list(row.roles),
            "models": list(row.models),
            "created_at": to_text(row.created_at),
            "expires_at": to_text(row.expires_at) if row.expires_at else None,
            "last_used_at": to_text(row.last_used_at) if row.last_used_at else None,
            "revoked_at": to_text(row.revoked_at) if row.revoked_at else None,
        }
        for row in rows
    ]
    if output == "json":
        show_json({"items": found})
        return
    lines = [
        (
            item["id"],
            item["name"],
            item["kind"],
            ", ".join(item["roles"]),
            ", ".join(item["models"]),
            "revoked" if item["revoked_at"] else "",
        )
        for item in found
    ]
    show_text("\n".join(columns(lines)) if lines else "There are no keys yet.")


@key.command(epilog="\b\nExample:\n  clearance key revoke key_0193f0c0")
@click.argument("id")
@plain_output
def revoke(id: str, output: str) -> None:  # noqa: A002 - click names it so
    """End a key for good."""
    with opened() as local:
        with local.engine.connect() as connection:
            known = connection.execute(select(api_key.c.id).where(api_key.c.id == id)).first()
        if known is None:
            raise CliError(f"There is no key {id!r}; `clearance key list` shows all.")
        local.commit(keys.revoke(id, by=OPERATOR, at=datetime.now(UTC)))
    if output == "json":
        show_json({"id": id, "revoked": True})
    else:
        show_text(f"{id} is revoked.")


ROTATE_EPILOG = """\b
Examples:
  clearance key rotate --attestation
  clearance key rotate --log --to new-key.pem

\b
Stop the service first, or restart it afterwards: a process with the old key
stops writing. Old public keys stay served with the times of their validity.
"""


@key.command(epilog=ROTATE_EPILOG)
@click.option("--log", "purpose", flag_value=LOG, help="The key that signs checkpoints.")
@click.option("--attestation", "purpose", flag_value=ATTESTATION, help="The key of attestations.")
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The new private key; needed where the old one is configured.",
)
@plain_output
def rotate(purpose: str | None, to: Path | None, output: str) -> None:
    """Hand over from a signing key to the next."""
    if purpose is None:
        raise CliError("Say which key: --log or --attestation.")
    done = key_rotation.rotate(purpose, to)
    if output == "json":
        where = str(done.to_configure) if done.to_configure else None
        show_json({"purpose": purpose, "old": done.old, "new": done.new, "configure": where})
        return
    lines = [f"The {purpose} key is now {done.new}.", f"{done.old} stays served for checking."]
    if done.to_configure:
        name = f"CLEARANCE_{purpose.upper()}_KEY_FILE"
        lines.append(f"Let {name} name {done.to_configure} before the next start.")
    show_text("\n".join([*lines, "Restart every running process."]))
