from pathlib import Path

import pytest

from app.settings import Settings, SettingsError, read_settings


def test_nothing_set_means_a_file_in_the_working_directory():
    settings = read_settings({"HOME": "/root"})
    assert settings == Settings()
    assert settings.sqlite_path == Path("clearance.db")
    assert settings.key_directory == Path()
    assert settings.max_body_bytes == 20 * 1024 * 1024


def test_everything_comes_from_the_environment():
    settings = read_settings(
        {
            "CLEARANCE_DATABASE_URL": "sqlite:////var/lib/clearance/record.db",
            "CLEARANCE_DATA_DIR": "/keys",
            "CLEARANCE_QUEUE_SIZE": "7",
            "CLEARANCE_PUBLIC_URL": "https://clearance.example.com",
            "CLEARANCE_LOG_ORIGIN": "",
            "CLEARANCE_URL": "http://the-client-reads-this",
            "CLEARANCE_TOKEN": "and-this",
        }
    )
    assert settings.sqlite_path == Path("/var/lib/clearance/record.db")
    assert settings.key_directory == Path("/keys")
    assert settings.queue_size == 7
    assert settings.log_origin is None
    assert settings.default_origin == "clearance.example.com/clearance/log"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_means_psycopg_3(scheme):
    settings = read_settings({"CLEARANCE_DATABASE_URL": f"{scheme}://u:p@h/db"})
    assert settings.database_url == "postgresql+psycopg://u:p@h/db"
    assert not settings.is_sqlite
    with pytest.raises(SettingsError, match="not a SQLite file"):
        _ = settings.key_directory


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"CLEARANCE_DATABSE_URL": "sqlite:///a"}, "mean CLEARANCE_DATABASE_URL"),
        ({"CLEARANCE_TOKN": "x"}, "mean CLEARANCE_TOKEN"),
        ({"CLEARANCE_XYZZY": "1"}, "Known are"),
        ({"CLEARANCE_DATABASE_URL": "mysql://h/db"}, "not 'mysql'"),
        ({"CLEARANCE_DATABASE_URL": "sqlite://"}, "sqlite:///"),
        ({"CLEARANCE_DATABASE_URL": "sqlite:///"}, "must name a file"),
        ({"CLEARANCE_DATABASE_URL": "sqlite:///:memory:"}, "forget the record"),
        ({"CLEARANCE_DATABASE_URL": "sqlite:///file:x?mode=memory"}, "must name a file"),
        ({"CLEARANCE_QUEUE_SIZE": "many"}, "whole number"),
        ({"CLEARANCE_QUEUE_SIZE": "-1"}, "whole number"),
        ({"CLEARANCE_QUEUE_SIZE": "0"}, "at least 1"),
        ({"CLEARANCE_QUEUE_SIZE": "\u0661"}, "whole number"),
        ({"CLEARANCE_QUEUE_SIZE": "9" * 30}, "whole number"),
        ({"CLEARANCE_LOG_ORIGIN": "has space"}, "LOG_ORIGIN"),
        ({"CLEARANCE_LOG_ORIGIN": "a+b"}, "LOG_ORIGIN"),
        ({"CLEARANCE_LOG_ORIGIN": "a\nb"}, "LOG_ORIGIN"),
        ({"CLEARANCE_PUBLIC_URL": "clearance.example.com"}, "full URL"),
        ({"CLEARANCE_LOG_KEY_FILE": "k", "CLEARANCE_LOG_KEY_PEM": "p"}, "not both"),
    ],
)
def test_what_is_wrong_is_said(environment, says):
    with pytest.raises(SettingsError, match=says):
        read_settings(environment)


def test_no_secret_shows():
    settings = Settings(
        database_url="postgresql://u:hunter2@h/db", log_key_pem="-----BEGIN PRIVATE KEY-----"
    )
    shown = repr(settings) + str(settings)
    assert "hunter2" not in shown
    assert "PRIVATE" not in shown


def test_settings_do_not_change():
    with pytest.raises(AttributeError):
        Settings().queue_size = 3  # type: ignore[misc]  # that it is refused is the test


def test_networks_that_may_be_called_are_read_or_refused():
    made = read_settings({"CLEARANCE_OUTBOUND_ALLOW": "10.0.0.0/8, fd00::/8"})
    assert [str(network) for network in made.outbound_allow] == ["10.0.0.0/8", "fd00::/8"]
    with pytest.raises(SettingsError, match="OUTBOUND_ALLOW must list networks"):
        read_settings({"CLEARANCE_OUTBOUND_ALLOW": "10.0.0.1/8"})
