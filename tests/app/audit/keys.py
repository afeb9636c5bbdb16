"""Keys that tests need: one in a certain spelling, and a witness by the book."""

from base64 import b64encode
from datetime import datetime
from itertools import count

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.verifier import COSIGNATURE, ED25519, Key


def key_with_plus() -> Key:
    """A key whose base64 contains a plus sign."""
    for number in count():
        found = Key("log.test/x", ED25519, b"\xfb\xef\xbe" * 10 + number.to_bytes(2))
        if "+" in str(found).split("+", 2)[2]:
            return found
    raise AssertionError


class Cosigner:
    """C2SP cosignature/v1, written from the specification and from nothing of ours."""

    def __init__(self, name: str) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.key = Key(name, COSIGNATURE, self._key.public_key().public_bytes_raw())

    def line(self, note: str, time: datetime) -> str:
        """The signature line under a checkpoint."""
        text = note[: note.index("\n\n") + 1]
        stamp = int(time.timestamp())
        signature = self._key.sign(f"cosignature/v1\ntime {stamp}\n{text}".encode())
        raw = self.key.id + stamp.to_bytes(8) + signature
        return f"\u2014 {self.key.name} {b64encode(raw).decode()}\n"
