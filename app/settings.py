"""Everything an operator can set, read once from `CLEARANCE_*` and frozen.

It refuses unknown variables, values out of range and databases that would forget; it opens nothing.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

PREFIX = "CLEARANCE_"
ANCHOR_NAME = "clearance-anchor.jsonl"
SQLITE_PREFIX = "sqlite:///"
FOR_CLIENTS = frozenset({"CLEARANCE_URL", "CLEARANCE_TOKEN"})
"""Read by `clearance submit` and its like, never by the service."""


class SettingsError(ValueError):
    """A setting is missing, unknown or impossible. The message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Secrets (URL with password, key material) never show in `repr`."""

    database_url: str = field(default="sqlite:///clearance.db", repr=False)
    data_dir: Path | None = None
    log_origin: str | None = None
    log_key_file: Path | None = None
    log_key_pem: str | None = field(default=None, repr=False)
    attestation_key_file: Path | None = None
    attestation_key_pem: str | None = field(default=None, repr=False)
    secrets_key_file: Path | None = None
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str | None = None
    public_url: str | None = None
    examples_url: str | None = None
    outbound_allow: tuple[Network, ...] = ()
    anchor_file: Path | None = None
    anchor_url: str | None = field(default=None, repr=False)
    anchor_token: str | None = field(default=None, repr=False)
    witnesses: tuple[tuple[str, str], ...] = ()
    anchor_seconds: int = 10
    anchor_max_age_seconds: int = 0
    identity_file: Path | None = None
    mlflow_file: Path | None = None
    rate_limit: str | None = "1200/minute"
    submitter_rate_limit: str | None = None
    failure_limit: str | None = "60/minute"
    max_body_bytes: int = 20 * 1024 * 1024
    max_blob_bytes: int = 2 * 1024**3
    blob_quota_bytes: int = 10 * 1024**3
    blob_keep_hours: int = 24
    queue_size: int = 1024
    batch_size: int = 128
    pool_size: int = 10
    pool_timeout_seconds: int = 10
    busy_timeout_seconds: int = 10
    statement_timeout_seconds: int = 30
    stop_timeout_seconds: int = 20

    def __post_init__(self) -> None:
        object.__setattr__(self, "database_url", _database_url(self.database_url))
        for name in _POSITIVE:
            if getattr(self, name) < 1:
                raise SettingsError(f"{PREFIX}{name.upper()} must be at least 1.")
        for name in _RATES:
            object.__setattr__(self, name, _rate(name, getattr(self, name)))
        if self.log_origin is not None:
            _require_origin(self.log_origin)
        if self.public_url is not None and not urlsplit(self.public_url).netloc:
            raise SettingsError(
                f"{PREFIX}PUBLIC_URL must be a full URL such as https://clearance.example.com."
            )
        for value, require in (
            (self.smtp_url, _require_smtp_url),
            (self.examples_url, _require_examples_url),
        ):
            if value is not None:
                require(value)
        for key in ("log_key", "attestation_key"):
            if None not in (getattr(self, f"{key}_file"), getattr(self, f"{key}_pem")):
                name = f"{PREFIX}{key.upper()}"
                raise SettingsError(f"Set {name}_FILE or {name}_PEM, not both: they might differ.")

    @property
    def is_sqlite(self) -> bool:
        """Whether the record is one file on this machine."""
        return self.database_url.startswith("sqlite")

    @property
    def sqlite_path(self) -> Path:
        """The database file; only for SQLite."""
        if not self.is_sqlite:
            raise SettingsError("This database is not a SQLite file.")
        return Path(self.database_url.removeprefix(SQLITE_PREFIX))

    @property
    def key_directory(self) -> Path:
        """Where keys that nobody configured are created: `data_dir`, else beside the database."""
        return self.data_dir if self.data_dir is not None else self.sqlite_path.parent

    @property
    def anchor_path(self) -> Path | None:
        """The anchor file, None where the setting is `none`.

        Unless named it lies beside the keys; on PostgreSQL without a data directory, in the
        directory that the service is started in.
        """
        if self.anchor_file is not None:
            return None if self.anchor_file == Path("none") else self.anchor_file
        if self.is_sqlite or self.data_dir is not None:
            return self.key_directory / ANCHOR_NAME
        return Path(ANCHOR_NAME)

    @property
    def link_base(self) -> str:
        """What links begin with: as configured; else nothing, so that they begin at the root."""
        return (self.public_url or "").rstrip("/")

    @property
    def default_origin(self) -> str:
        """The log's name when none is set and none is recorded yet."""
        host = urlsplit(self.public_url).netloc if self.public_url else "localhost"
        return f"{host}/clearance/log"


_POSITIVE = (
    "anchor_seconds",
    "max_body_bytes",
    "max_blob_bytes",
    "blob_quota_bytes",
    "blob_keep_hours",
    "queue_size",
    "batch_size",
    "pool_size",
    "pool_timeout_seconds",
    "busy_timeout_seconds",
    "statement_timeout_seconds",
    "stop_timeout_seconds",
)

_RATES = ("rate_limit", "submitter_rate_limit", "failure_limit")
_RATE = re.compile(r"[1-9][0-9]{0,8}/(second|minute|hour|day)")


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; an empty value counts as not set."""
    environment = os.environ if environment is None else environment
    known = {f"{PREFIX}{item.name.upper()}": item for item in fields(Settings)}
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable in FOR_CLIENTS:
            continue
        if variable not in known:
            raise SettingsError(_unknown(variable, [*known, *FOR_CLIENTS]))
        if text:
            name = known[variable].name
            values[name] = (
                _READERS.get(name, str)(text)
                if name not in _POSITIVE
                else (_whole_number(variable, text))
            )
    return Settings(**values)


def networks(text: str) -> tuple[Network, ...]:
    """Networks from a comma-separated list such as `10.0.0.0/8, fd00::/8`."""
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise SettingsError(
            f"{PREFIX}OUTBOUND_ALLOW must list networks such as 10.0.0.0/8, fd00::/8: {error}."
        ) from None


def _witnesses(text: str) -> tuple[tuple[str, str], ...]:
    """Pairs of a witness's key and its address, separated by blanks or commas."""
    words = text.replace(",", " ").split()
    pairs = tuple(zip(words[::2], words[1::2], strict=False))
    if len(words) % 2 or any("+" not in key or "://" not in url for key, url in pairs):
        raise SettingsError(
            f"{PREFIX}WITNESSES must list each witness's key and address, such as "
            "witness.example/w1+1f2e3d4c+BAbCd… https://witness.example."
        )
    return pairs


_READERS: Mapping[str, Callable[[str], Any]] = {
    "data_dir": Path,
    "log_key_file": Path,
    "attestation_key_file": Path,
    "secrets_key_file": Path,
    "outbound_allow": networks,
    "anchor_file": Path,
    "witnesses": _witnesses,
    "anchor_max_age_seconds": lambda text: _whole_number(f"{PREFIX}ANCHOR_MAX_AGE_SECONDS", text),
    "identity_file": Path,
    "mlflow_file": Path,
}


def _whole_number(variable: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise SettingsError(f"{variable} must be a whole number, not {text!r}.")
    return int(text)


def _rate(name: str, text: str | None) -> str | None:
    """`off` is no limit; else so many in a window."""
    if text is None or text == "off":
        return None
    if _RATE.fullmatch(text) is None:
        raise SettingsError(f"{PREFIX}{name.upper()} must be such as 600/minute, or off.")
    return text


def _unknown(variable: str, known: list[str]) -> str:
    names = [name.removeprefix(PREFIX) for name in known]
    near = get_close_matches(variable.removeprefix(PREFIX), names, n=1, cutoff=0.6)
    hint = f"Did you mean {PREFIX}{near[0]}?" if near else f"Known are {', '.join(sorted(known))}."
    return f"{variable} is not a setting. {hint}"


def _database_url(url: str) -> str:
    """The URL with its driver named. Only SQLite files and PostgreSQL can keep the record."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme in {"postgresql", "postgres", "postgresql+psycopg"}:
        return f"postgresql+psycopg://{rest}"
    if url.startswith(SQLITE_PREFIX):
        path = url.removeprefix(SQLITE_PREFIX)
        if not path or path.startswith(("?", ":memory:", "file:")) or "?" in path:
            raise SettingsError(
                f"{PREFIX}DATABASE_URL must name a file, such as sqlite:///clearance.db: "
                "a database in memory would forget the record."
            )
        return url
    raise SettingsError(
        f"{PREFIX}DATABASE_URL must start with sqlite:/// or postgresql://, not {scheme[:20]!r}."
    )


def _require_examples_url(url: str) -> None:
    """The host is the operator's choice alone; what a pipeline sends may only fill the path."""
    parts = urlsplit(url)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.netloc
        or "{" in parts.netloc
        or "{id}" not in url
        or set(re.findall(r"[{][^}]*}?|}", url)) - {"{model}", "{version}", "{id}"}
    ):
        raise SettingsError(
            f"{PREFIX}EXAMPLES_URL must be a URL with {{id}} in its path or query, such as "
            "https://traces.example.com/{model}/{id}."
        )


def _require_origin(origin: str) -> None:
    """C2SP names: not empty, no plus sign, no space, no control characters."""
    if not origin or "+" in origin or any(c.isspace() or not c.isprintable() for c in origin):
        raise SettingsError(
            f"{PREFIX}LOG_ORIGIN must be a name such as clearance.example.com/log, "
            "without spaces and plus signs."
        )


def _require_smtp_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise SettingsError(f"{PREFIX}SMTP_URL must be smtp://host or smtps://host.")
