"""The log's signing key behind an interface that a key management service can take over.

It never overwrites a key, and never invents one where several processes must share it.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from app.settings import Settings, SettingsError

LOG_KEY_NAME = "clearance-log-key.pem"


class Signer(Protocol):
    """Signs with Ed25519; where the private key lives is its own business."""

    @property
    def public_key(self) -> bytes:
        """The 32 raw bytes."""

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature."""


class PemSigner:
    """A private key held in this process's memory; never shown by `repr`."""

    def __init__(self, pem: bytes, where: str) -> None:
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise SettingsError(f"{where} is not an unencrypted PEM private key.") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise SettingsError(f"{where} is not an Ed25519 key, which is what the log signs with.")
        self._key = key
        self.public_key = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature."""
        return self._key.sign(message)


def log_signer(settings: Settings) -> Signer:
    """The configured key; on SQLite a key file beside the database, created on first use."""
    if settings.log_key_pem is not None:
        return PemSigner(settings.log_key_pem.encode(), "CLEARANCE_LOG_KEY_PEM")
    if settings.log_key_file is not None:
        return _from_file(settings.log_key_file)
    if not settings.is_sqlite:
        raise SettingsError(
            "On PostgreSQL the log's signing key must be given, because replicas share it. "
            "Make one with: openssl genpkey -algorithm ed25519 -out log-key.pem "
            "and name it in CLEARANCE_LOG_KEY_FILE (or put its text in CLEARANCE_LOG_KEY_PEM)."
        )
    path = settings.key_directory / LOG_KEY_NAME
    create_once(path, "log key", new_key_pem)
    return _from_file(path)


def new_key_pem() -> bytes:
    """A fresh private key as unencrypted PKCS 8."""
    return Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def read_key(path: Path, what: str) -> bytes:
    """The bytes of a key file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"The {what} {path} cannot be read: {error.strerror}.") from error


def _from_file(path: Path) -> PemSigner:
    return PemSigner(read_key(path, "log key"), str(path))


def create_once(path: Path, what: str, fresh: Callable[[], bytes]) -> None:
    """Whole or not at all, mode 0600; of two processes that race, both end with the first key."""
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(fresh())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)
            except FileExistsError:
                return
        finally:
            Path(temporary).unlink()
    except OSError as error:
        raise SettingsError(
            f"The {what} {path} cannot be created: {error.strerror}. "
            "Name a writable directory in CLEARANCE_DATA_DIR."
        ) from error
