"""C2SP cosignatures (`cosignature/v1`, Ed25519): a witness says when it saw a consistent log grow.

It refuses what does not verify under the key that was named; what others signed is passed over.
"""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.ledger.keys import Signer
from app.ledger.note import SIGNATURE_PREFIX, NoteError, signature, vkey_parts

COSIGNATURE: Final = b"\x04"
_TIME: Final = 8
_SIZE: Final = 4 + _TIME + 64


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's public key with its name, as `<name>+<key id>+<base64>` of type 4."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(c.isspace() for c in self.name):
            raise NoteError("a witness's name has no spaces and no plus signs")
        if len(self.public_key) != 32:
            raise NoteError("an Ed25519 public key has 32 bytes")

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || newline || 4 || key)."""
        return sha256(self.name.encode() + b"\n" + COSIGNATURE + self.public_key).digest()[:4]

    def __str__(self) -> str:
        encoded = b64encode(COSIGNATURE + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> "WitnessKey":
        """Read a vkey of type 4; a log's own key (type 1) is none."""
        name, key_id, raw = vkey_parts(text)
        if raw[:1] != COSIGNATURE:
            raise NoteError("a witness's key is an Ed25519 cosignature key (type 4)")
        key = cls(name, raw[1:])
        if key.key_id.hex() != key_id:
            raise NoteError("the witness key's id does not match its name and key")
        return key


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A valid cosignature: when it was given, in seconds since 1970, and its line."""

    time: int
    line: str


def cosign(text: str, name: str, signer: Signer, time: int) -> str:
    """The signature line, newline included, of a witness under a checkpoint's text."""
    key = WitnessKey(name, signer.public_key)
    raw = key.key_id + time.to_bytes(_TIME, "big") + signer.sign(_message(text, time))
    return f"{SIGNATURE_PREFIX}{name} {b64encode(raw).decode()}\n"


def find_cosignature(text: str, lines: Iterable[str], key: WitnessKey) -> Cosignature:
    """The witness's cosignature of a checkpoint's text among signature lines."""
    for line in lines:
        name, raw = signature(line)
        if (name, raw[:4]) != (key.name, key.key_id):
            continue
        if len(raw) != _SIZE:
            raise NoteError(f"the cosignature by {key.name} has {len(raw)} bytes, not {_SIZE}")
        time = int.from_bytes(raw[4 : 4 + _TIME], "big")
        try:
            public = Ed25519PublicKey.from_public_bytes(key.public_key)
            public.verify(raw[4 + _TIME :], _message(text, time))
        except InvalidSignature:
            raise NoteError(f"the cosignature by {key.name} does not match the note") from None
        return Cosignature(time, f"{line}\n")
    raise NoteError(f"{key.name} has not cosigned this note")


def _message(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()
