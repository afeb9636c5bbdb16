"""The attestation key (ECDSA P-256) behind an interface that a key service can take over.

It never overwrites a key, and never invents one where several processes must share it.
"""

from datetime import datetime
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from sqlalchemy import Engine

from app.ledger.keys import create_once, read_key
from app.ledger.signing_keys import (
    ATTESTATION,
    PublicKey,
    current_id,
    introduction,
    require_current,
)
from app.ledger.work import Conflict
from app.ledger.writer import Ledger
from app.settings import Settings, SettingsError

ATTESTATION_KEY_NAME = "clearance-attestation-key.pem"
_WHAT = "attestation key"


class AttestationSigner(Protocol):
    """Signs with ECDSA P-256 over SHA-256; where the private key lives is its own business."""

    @property
    def key(self) -> PublicKey:
        """The public side."""

    def sign(self, message: bytes) -> bytes:
        """The signature in DER, as Sigstore and OpenSSL write it (not raw r and s)."""


class PemAttestationSigner:
    """A private key held in this process's memory; never shown by `repr`."""

    def __init__(self, pem: bytes, where: str) -> None:
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise SettingsError(f"{where} is not an unencrypted PEM private key.") from error
        is_p256 = isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp256r1"
        if not is_p256:
            raise SettingsError(f"{where} is not an ECDSA P-256 key, as attestations need.")
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key = PublicKey(ATTESTATION, spki)

    def sign(self, message: bytes) -> bytes:
        """The signature in DER."""
        return self._key.sign(message, ec.ECDSA(hashes.SHA256()))


def attestation_signer(settings: Settings) -> AttestationSigner:
    """The configured key; on SQLite a key file beside the database, created on first use."""
    if settings.attestation_key_pem is not None:
        pem = settings.attestation_key_pem.encode()
        return PemAttestationSigner(pem, "CLEARANCE_ATTESTATION_KEY_PEM")
    path = settings.attestation_key_file
    if path is None and not settings.is_sqlite:
        raise SettingsError(
            "On PostgreSQL the attestation key must be given, because replicas share it. Make one "
            "with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 "
            "-out attestation-key.pem and name it in CLEARANCE_ATTESTATION_KEY_FILE "
            "(or put its text in CLEARANCE_ATTESTATION_KEY_PEM)."
        )
    if path is None:
        path = settings.key_directory / ATTESTATION_KEY_NAME
        create_once(path, _WHAT, new_attestation_key_pem)
    return PemAttestationSigner(read_key(path, _WHAT), str(path))


def new_attestation_key_pem() -> bytes:
    """A fresh private key as unencrypted PKCS 8."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def introduce(engine: Engine, ledger: Ledger, key: PublicKey, at: datetime) -> None:
    """Record the first attestation key; of several replicas that start at once, one does it."""
    try:
        with engine.connect() as connection:
            if current_id(connection, ATTESTATION) is None:
                ledger.commit_sync(introduction(key, "service", at))
    except Conflict:
        # Another replica was first; whether with the same key, the next line says.
        pass
    with engine.connect() as connection:
        require_current(connection, [key])
