"""What the service's own role may do on PostgreSQL: what it needs, and nothing of the owner's.

Entries, tiles, checkpoints and cosignatures can be read and appended; nothing can be altered,
truncated or dropped. Without a role of its own the service could drop the triggers itself.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

READ: Final = ("SELECT",)
APPEND: Final = ("SELECT", "INSERT")
REMOVE: Final = ("SELECT", "INSERT", "DELETE")
CHANGE: Final = ("SELECT", "INSERT", "UPDATE")
KEEP: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")

RULES: Final[Mapping[str, tuple[str, ...]]] = {
    "alembic_version": READ,
    "audit_entry": APPEND,
    "audit_tile": APPEND,
    "audit_checkpoint": APPEND,
    "audit_cosignature": APPEND,
    "audit_head": ("SELECT", "UPDATE"),
    "attestation": APPEND,
    "policy_epoch": ("SELECT", "UPDATE"),
    # Personal values and evidence can be erased; what is over is cleaned up.
    "audit_private": REMOVE,
    "audit_person": REMOVE,
    "evidence_blob": REMOVE,
    "identity": KEEP,
    "session": KEEP,
    "known_as": KEEP,
    "used_token": KEEP,
    "failed_attempt": KEEP,
    "idempotent_answer": KEEP,
    "registry_delivery": KEEP,
    "job": KEEP,
    "worker": KEEP,
}
"""Tables that are not for reading, adding and changing rows, which is the rule."""

JOBS_SCHEMA: Final = "dbos"


class NoSuchRole(LookupError):  # noqa: N818 - named for what it says
    """The role has to be made first; the message says how."""


def grant(engine: Engine, role: str) -> None:
    """Give the role exactly these rights, in one transaction, whatever it had before."""
    with engine.begin() as connection:
        _require(connection, role)
        quoted = connection.dialect.identifier_preparer.quote_identifier(role)
        for statement in _statements(connection, quoted):
            connection.exec_driver_sql(statement)


def _require(connection: Connection, role: str) -> None:
    found = connection.execute(
        text("SELECT rolsuper, current_user = rolname FROM pg_roles WHERE rolname = :role"),
        {"role": role},
    ).one_or_none()
    if found is None:
        raise NoSuchRole(
            f"There is no role {role!r}. Make one: CREATE ROLE {role} LOGIN PASSWORD '…'"
        )
    if any(found):
        raise NoSuchRole(
            f"{role!r} is a superuser or the owner itself, whom no grant limits. "
            "The service needs a role of its own."
        )


def _statements(connection: Connection, role: str) -> Iterator[str]:
    schema = connection.dialect.identifier_preparer.quote_identifier(
        connection.scalar(text("SELECT current_schema()"))
    )
    yield f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC, {role}"
    yield f"REVOKE ALL ON SCHEMA {schema} FROM {role}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {role}"
    for table in sorted(inspect(connection).get_table_names()):
        rights = ", ".join(RULES.get(table, CHANGE))
        quoted = connection.dialect.identifier_preparer.quote_identifier(table)
        yield f"GRANT {rights} ON {schema}.{quoted} TO {role}"
    if JOBS_SCHEMA in inspect(connection).get_schema_names():
        # The alarm clock's own tables; our rows hold the truth, so its rows prove nothing.
        yield f"GRANT USAGE ON SCHEMA {JOBS_SCHEMA} TO {role}"
        for kind, rights in (
            ("TABLES", ", ".join(KEEP)),
            ("SEQUENCES", "USAGE, SELECT"),
            ("FUNCTIONS", "EXECUTE"),
        ):
            yield f"GRANT {rights} ON ALL {kind} IN SCHEMA {JOBS_SCHEMA} TO {role}"


def can_rewrite(engine: Engine) -> bool:
    """Whether the role that we are connected as could change or drop the record."""
    if engine.dialect.name != "postgresql":
        return False
    with engine.connect() as connection:
        return bool(
            connection.scalar(
                text(
                    "SELECT has_table_privilege('audit_entry', 'UPDATE, DELETE, TRUNCATE, TRIGGER')"
                )
            )
        )
