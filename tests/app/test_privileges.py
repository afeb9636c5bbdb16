"""The service under a role of its own, on a real PostgreSQL: it works, and can rewrite nothing."""

from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.attestations.keys import new_attestation_key_pem
from app.database import make_engine, metadata, migrate
from app.jobs.alarm import migrate as migrate_alarms
from app.ledger.keys import new_key_pem
from app.privileges import RULES, NoSuchRole, can_rewrite, grant
from app.record.completeness import compare
from app.settings import Settings
from tests.app.http.service import running
from tests.app.record.test_completeness import tell

pytestmark = pytest.mark.postgres


@pytest.fixture
def role(postgres_server: str):
    """A role that may log in and has been granted nothing."""
    name = f"service_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'of-its-own'")
        connection.execute(create.format(sql.Identifier(name)))
    yield name
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


@pytest.fixture
def owner(postgres_server: str, empty_postgres_url: str, role: str):
    """The owner's engine on a migrated database of its own; afterwards the role holds nothing."""
    engine = make_engine(Settings(database_url=empty_postgres_url))
    migrate(engine)
    migrate_alarms(Settings(database_url=empty_postgres_url))
    yield engine
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {role}")
    engine.dispose()


@pytest.fixture
def as_role(owner, role: str, empty_postgres_url: str, tmp_path) -> Settings:
    """The settings of a service that connects as the role, once it has its grants."""
    grant(owner, role)
    url = make_url(empty_postgres_url).set(username=role, password="of-its-own")
    keys = {"log": new_key_pem(), "attestation": new_attestation_key_pem()}
    for name, pem in keys.items():
        (tmp_path / f"{name}.pem").write_bytes(pem)
    return Settings(
        database_url=url.render_as_string(hide_password=False),
        data_dir=tmp_path,
        log_key_file=tmp_path / "log.pem",
        attestation_key_file=tmp_path / "attestation.pem",
        log_origin="clearance.test/log",
    )


DISARM = (
    "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql "
    "AS $$ BEGIN RETURN NEW; END $$"
)
REFUSED = [
    *(
        f"{verb} {table}{rest}"
        for table in ("audit_entry", "audit_tile", "audit_checkpoint", "audit_cosignature")
        for verb, rest in (
            ("DELETE FROM", ""),
            ("TRUNCATE", ""),
            ("DROP TABLE", ""),
            ("ALTER TABLE", " DISABLE TRIGGER ALL"),
            ("ALTER TABLE", " ADD COLUMN x int"),
        )
    ),
    "UPDATE audit_entry SET body = ''",
    "UPDATE audit_tile SET root = ''",
    "UPDATE audit_checkpoint SET note = ''",
    "UPDATE audit_cosignature SET line = ''",
    "UPDATE attestation SET predicate = ''",
    "UPDATE evidence_blob SET body = ''",
    "UPDATE alembic_version SET version_num = '0001'",
    "DELETE FROM audit_head",
    "INSERT INTO audit_head VALUES (2, 'x', 0, '')",
    "DELETE FROM decision",
    "DELETE FROM evaluation",
    "DELETE FROM sign_off",
    "DELETE FROM policy_version",
    "DELETE FROM api_key",
    "DELETE FROM signing_key",
    "CREATE TABLE mine (x int)",
    DISARM,
    "DROP TRIGGER audit_entry_refuses_change ON audit_entry",
    "SET session_replication_role = replica",
]


def _refusal(engine, statement: str) -> str | None:
    """The error's SQLSTATE; None where the statement was carried out."""
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
    except DBAPIError as error:
        return str(getattr(error.orig, "sqlstate", error))
    return None


def test_the_service_runs_under_its_own_role_and_that_role_rewrites_nothing(
    owner, as_role: Settings
) -> None:
    assert can_rewrite(owner)
    with running(as_role) as service:
        engine = service.app.state.runtime.engine
        assert not can_rewrite(engine)
        tell(service)
        assert service.client.get("/readyz").status_code == 200
        # 42501: insufficient privilege, and not the trigger behind it.
        assert {s: _refusal(engine, s) for s in REFUSED} == dict.fromkeys(REFUSED, "42501")
    assert compare(owner).is_complete


def test_granting_again_takes_back_what_was_too_much(owner, role: str, as_role: Settings) -> None:
    with owner.begin() as connection:
        connection.exec_driver_sql(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
        connection.exec_driver_sql(f"GRANT CREATE ON SCHEMA public TO {role}")
    engine = make_engine(as_role)
    assert can_rewrite(engine)
    grant(owner, role)
    assert not can_rewrite(engine)
    with pytest.raises(DBAPIError, match="permission denied"), engine.begin() as connection:
        connection.execute(text("CREATE TABLE mine (x int)"))
    engine.dispose()


def test_a_role_that_no_grant_limits_is_refused(owner) -> None:
    with pytest.raises(NoSuchRole, match="CREATE ROLE nobody"):
        grant(owner, "nobody")
    with pytest.raises(NoSuchRole, match="role of its own"):
        grant(owner, owner.url.username)


def test_every_rule_is_about_a_table_that_exists(owner) -> None:
    assert set(RULES) <= set(inspect(owner).get_table_names())
    assert set(metadata.tables) <= set(inspect(owner).get_table_names())
