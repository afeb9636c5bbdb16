"""Commands that work on the database itself, and what they say when it is not as it should be."""

import json
import sqlite3

import pytest

from tests.app.cli.shell import clearance


@pytest.fixture
def env(tmp_path):
    return {"CLEARANCE_DATABASE_URL": f"sqlite:///{tmp_path}/clearance.db"}


@pytest.mark.parametrize(
    "arguments", [["key", "list"], ["key", "create", "--role", "viewer", "--name", "x"]]
)
def test_an_empty_database_names_the_command(env, arguments):
    done = clearance(*arguments, env=env)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "clearance migrate" in done.stderr


def test_an_older_schema_is_not_served(env, tmp_path):
    clearance("migrate", env=env)
    with sqlite3.connect(tmp_path / "clearance.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()
    done = clearance("serve", "--port", "0", env=env)
    assert done.returncode == 2
    assert "clearance migrate" in done.stderr


def test_a_newer_schema_is_refused(env, tmp_path):
    clearance("migrate", env=env)
    with sqlite3.connect(tmp_path / "clearance.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for arguments in (["serve", "--port", "0"], ["migrate"]):
        done = clearance(*arguments, env=env)
        assert done.returncode == 2
        assert "newer version" in done.stderr


def test_keys_are_made_listed_and_ended(env):
    clearance("migrate", env=env)
    made = clearance("key", "create", "--role", "viewer", "--name", "eve", env=env)
    assert made.returncode == 0
    secret = made.stdout.splitlines()[0]
    assert secret.startswith("clr_")
    listed = clearance("key", "list", env=env).stdout
    assert "eve" in listed
    assert secret not in listed
    (item,) = json.loads(clearance("key", "list", "-o", "json", env=env).stdout)["items"]
    ended = clearance("key", "revoke", item["id"], "-o", "json", env=env)
    assert json.loads(ended.stdout) == {"id": item["id"], "revoked": True}
    assert "revoked" in clearance("key", "list", env=env).stdout
    again = clearance("key", "revoke", item["id"], env=env)
    assert again.returncode == 2
    unknown = clearance("key", "revoke", "key_none", env=env)
    assert unknown.returncode == 2
    assert "clearance key list" in unknown.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--role", "king", "--name", "x"], "king"),
        (["--role", "reviewer:security", "--name", "x"], "person"),
        (["--role", "admin", "--role", "reviewer:legal", "--name", "x", "--person"], "admin"),
        (["--role", "viewer"], "--name"),
        (["--role", "viewer", "--name", "x", "--expires-days", "0"], "--expires-days"),
    ],
)
def test_impossible_keys_are_refused(env, arguments, said):
    clearance("migrate", env=env)
    done = clearance("key", "create", *arguments, env=env)
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr


@pytest.mark.parametrize(
    ("variables", "code", "said"),
    [
        ({"CLEARANCE_DATABASE_URL": "sqlite:////does/not/exist/c.db"}, 4, "cannot be used"),
        ({"CLEARANCE_DATABASE_URL": "postgresql://127.0.0.1:1/x"}, 4, "cannot be used"),
        ({"CLEARANCE_DATABASE_URL": "mysql://x"}, 2, "must start with"),
        ({"CLEARANCE_DATABASSE_URL": "x"}, 2, "Did you mean CLEARANCE_DATABASE_URL"),
    ],
)
def test_an_unusable_database_is_told_apart_from_a_wrong_setting(variables, code, said):
    done = clearance("migrate", env=variables)
    assert done.returncode == code
    assert done.stdout == ""
    assert said in done.stderr
