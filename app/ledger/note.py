"""C2SP signed notes, checkpoints and verifier keys (Ed25519).

Parsing refuses extension lines and anything not written as we would write it, and ignores
signatures of unknown keys. A note without a valid signature by a known key is no note.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.ledger.keys import Signer
from app.ledger.merkle import HASH_SIZE

ED25519 = b"\x01"
SIGNATURE_PREFIX = "\u2014 "
MAX_NOTE = 64 * 1024


class NoteError(ValueError):
    """A note, checkpoint or verifier key is malformed, or not signed by a known key."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: whose log, how many leaves, which root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note's text, which is what gets signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name it signs under, as `<name>+<key id>+<base64>`."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(c.isspace() for c in self.name):
            raise NoteError("a key's name has no spaces and no plus signs")
        if len(self.public_key) != 32:
            raise NoteError("an Ed25519 public key has 32 bytes")

    @property
    def log_id(self) -> bytes:
        """SHA-256(name || newline || type || key): the key's id in full, as Sigstore wants it."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public_key).digest()

    @property
    def key_id(self) -> bytes:
        """The first four bytes of that."""
        return self.log_id[:4]

    def __str__(self) -> str:
        encoded = b64encode(ED25519 + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read a vkey."""
        name, key_id, raw = vkey_parts(text)
        if raw[:1] != ED25519:
            raise NoteError("only Ed25519 verifier keys are known here")
        key = cls(name, raw[1:])
        if key.key_id.hex() != key_id:
            raise NoteError("the verifier key's id does not match its name and key")
        return key


def vkey_parts(text: str) -> tuple[str, str, bytes]:
    """Name, key id in hex, and type with key; the base64 part may itself contain plus signs."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise NoteError("a verifier key is <name>+<key id>+<base64>")
    return parts[0], parts[1], from_base64(parts[2])


def sign_checkpoint(checkpoint: Checkpoint, *signers: Signer) -> str:
    """The signed note of a checkpoint; two signers only where one key hands over to the next."""
    text = checkpoint.text()
    lines = []
    for signer in signers:
        key = VerifierKey(checkpoint.origin, signer.public_key)
        signature = b64encode(key.key_id + signer.sign(text.encode())).decode()
        lines.append(f"{SIGNATURE_PREFIX}{key.name} {signature}\n")
    return f"{text}\n{''.join(lines)}"


def open_checkpoint(note: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint of a note that carries a valid signature by at least one of the keys."""
    return _checkpoint(open_note(note, keys))


def claimed_checkpoint(note: str) -> Checkpoint:
    """What a note says before anybody has checked who says it."""
    return _checkpoint(split_note(note)[0])


def _checkpoint(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) != 4:
        raise NoteError("a checkpoint has exactly three lines: origin, size, root")
    origin, size, root = lines[:3]
    if not (size.isascii() and size.isdigit() and len(size) < 20 and size == str(int(size))):
        raise NoteError("a checkpoint's size is a plain decimal number")
    raw = from_base64(root)
    if not origin or len(raw) != HASH_SIZE:
        raise NoteError("a checkpoint has an origin and a root hash of 32 bytes")
    return Checkpoint(origin, int(size), raw)


def open_note(note: str, keys: Iterable[VerifierKey]) -> str:
    """The text of a note once a known key's signature holds; unknown signatures are ignored."""
    text, signatures = split_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    verified = 0
    for name, raw in signatures:
        key = known.get((name, raw[:4]))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public_key).verify(raw[4:], text.encode())
        except InvalidSignature:
            raise NoteError(f"the signature by {name} does not match the note") from None
        verified += 1
    if not verified:
        raise NoteError("no known key has signed this note")
    return text


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """A note's text, and who signed it: name, and key id with signature. Nothing is checked."""
    if len(note) > MAX_NOTE or any(c < " " and c != "\n" for c in note):
        raise NoteError("a note is short and has no control characters")
    text, separator, block = note.rpartition("\n\n")
    if not separator or not text or not block.endswith("\n"):
        raise NoteError("a note is text, an empty line, and signature lines")
    return text + "\n", [signature(line) for line in block[:-1].split("\n")]


def signature(line: str) -> tuple[str, bytes]:
    """The name in a signature line, and key id with signature."""
    parts = line.removeprefix(SIGNATURE_PREFIX).split(" ")
    if not line.startswith(SIGNATURE_PREFIX) or len(parts) != 2 or not parts[0]:
        raise NoteError("a signature line is an em dash, a name and a signature")
    raw = from_base64(parts[1])
    if len(raw) < 5:
        raise NoteError("a signature has a key id of four bytes and a body")
    return parts[0], raw


def from_base64(text: str) -> bytes:
    """Base64 in its only canonical spelling: two spellings of one hash would be two notes."""
    try:
        raw = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("this is not base64") from None
    if b64encode(raw).decode() != text:
        raise NoteError("this is not base64 in its canonical form")
    return raw
