"""Handing over from one signing key to the next: recorded first, then put in its place.

It never deletes a private key, and a hand-over that was interrupted is completed by repeating it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from app.attestations.keys import (
    ATTESTATION_KEY_NAME,
    PemAttestationSigner,
    attestation_signer,
    introduce,
    new_attestation_key_pem,
)
from app.cli.exits import CliError
from app.cli.local import OPERATOR, Local, database
from app.database import require_current
from app.ledger.anchors.keeping import Anchoring
from app.ledger.keys import (
    LOG_KEY_NAME,
    PemSigner,
    Signer,
    create_once,
    log_signer,
    new_key_pem,
    read_key,
)
from app.ledger.signing_keys import (
    ATTESTATION,
    LOG,
    PublicKey,
    current_id,
    hand_over_text,
    log_key,
    rotation,
)
from app.ledger.writer import Ledger
from app.settings import Settings

_RECIPES = {
    LOG: "openssl genpkey -algorithm ed25519 -out new-key.pem",
    ATTESTATION: "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out new-key.pem",
}


@dataclass(frozen=True, slots=True)
class Rotated:
    """What became of it: the new key's id, and the file that a setting must name from now on."""

    purpose: str
    old: str
    new: str
    to_configure: Path | None


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two keys; `signer` is there where it can sign checkpoints."""

    key: PublicKey
    sign: Callable[[bytes], bytes]
    signer: Signer | None = None


def rotate(purpose: str, to: Path | None) -> Rotated:
    """Make the next key of a purpose the current one, on the database of this environment."""
    with database() as (given, engine):
        require_current(engine)
        place = _own_place(given, purpose)
        if place is None and to is None:
            raise CliError(
                f"The {purpose} key is configured, so its successor must be given, too.",
                f"Make one with: {_RECIPES[purpose]}",
                f"and repeat with: clearance key rotate --{purpose} --to new-key.pem",
            )
        following = to or _following(_required(place))
        if to is None:
            fresh = new_key_pem if purpose == LOG else new_attestation_key_pem
            create_once(following, f"new {purpose} key", fresh)
        old, new = _standing(given, purpose), _loaded(following, purpose)
        if old.key.id == new.key.id:
            raise CliError("The new key is the one in use; make another.")
        with engine.connect() as connection:
            is_recorded = current_id(connection, purpose) == new.key.id
        if not is_recorded:
            _record(given, engine, old, new)
        if place is not None:
            _put(following, place, old.key)
        return Rotated(purpose, old.key.id, new.key.id, None if place else following)


def _required(place: Path | None) -> Path:
    assert place is not None
    return place


def _own_place(given: Settings, purpose: str) -> Path | None:
    """Where a key lies that nobody configured."""
    configured = (
        (given.log_key_file, given.log_key_pem)
        if purpose == LOG
        else (given.attestation_key_file, given.attestation_key_pem)
    )
    if configured != (None, None) or not given.is_sqlite:
        return None
    return given.key_directory / (LOG_KEY_NAME if purpose == LOG else ATTESTATION_KEY_NAME)


def _following(place: Path) -> Path:
    return place.with_suffix(".next.pem")


def _standing(given: Settings, purpose: str) -> _Side:
    if purpose == LOG:
        signer = log_signer(given)
        return _Side(log_key(signer.public_key), signer.sign, signer)
    attesting = attestation_signer(given)
    return _Side(attesting.key, attesting.sign)


def _loaded(path: Path, purpose: str) -> _Side:
    pem = read_key(path, f"new {purpose} key")
    if purpose == LOG:
        signer = PemSigner(pem, str(path))
        return _Side(log_key(signer.public_key), signer.sign, signer)
    attesting = PemAttestationSigner(pem, str(path))
    return _Side(attesting.key, attesting.sign)


def _record(given: Settings, engine: Engine, old: _Side, new: _Side) -> None:
    """Append `key.rotated` under the old key; the new log key signs that checkpoint as well."""
    now = datetime.now(UTC)
    others = () if old.key.purpose == LOG else (old.key,)
    ledger = Ledger(engine, given, log_signer(given), successor=new.signer, current=others)
    ledger.start()
    try:
        # A rotation is trusted by whoever trusts the old key: not on a log that an anchor refutes.
        Anchoring(engine, ledger, given).require_held()
        if others:
            introduce(engine, ledger, old.key, now)
        endorsement = old.sign(hand_over_text(old.key, new.key))
        work = rotation(old.key, new.key, endorsement, OPERATOR, now)
        Local(given, engine, ledger).commit(work)
    finally:
        ledger.stop()


def _put(following: Path, place: Path, old: PublicKey) -> None:
    """The old file stays under another name; at every moment one key file is in its place."""
    if not following.exists():
        return
    retired = place.with_suffix(f".{old.id[:16]}.pem")
    try:
        if not retired.exists():
            os.link(place, retired)
        following.replace(place)
    except OSError as error:
        raise CliError(
            f"The new key is recorded, but {following} could not be moved: {error.strerror}.",
            f"Move it to {place}, or repeat the command.",
        ) from None
