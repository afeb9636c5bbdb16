"""The body of `add-checkpoint` (C2SP tlog-witness), written and read exactly.

It refuses any other spelling: what is not understood is not cosigned.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.ledger.merkle import HASH_SIZE
from app.ledger.note import MAX_NOTE, Checkpoint, NoteError, claimed_checkpoint, from_base64

MAX_PROOF: Final = 63
MAX_BODY: Final = MAX_NOTE + 64 * 50
SIZE_TYPE: Final = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The size that the sender believes to be the witness's last, the proof, and the note."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    @property
    def claimed(self) -> Checkpoint:
        """What the note says, unchecked."""
        return claimed_checkpoint(self.note)


def written(old: int, proof: Sequence[bytes], note: str) -> bytes:
    """The body of a request."""
    lines = "".join(f"{b64encode(node).decode()}\n" for node in proof)
    return f"old {old}\n{lines}\n{note}".encode()


def read(body: bytes) -> AddCheckpoint:
    """The request in a body; NoteError says what is wrong with it."""
    if len(body) > MAX_BODY:
        raise NoteError(f"a request has at most {MAX_BODY} bytes")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise NoteError("a request is UTF-8 text") from None
    head, separator, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    if not separator:
        raise NoteError("an empty line stands between proof and checkpoint")
    if len(lines) > MAX_PROOF:
        raise NoteError(f"a proof has at most {MAX_PROOF} lines")
    proof = tuple(from_base64(line) for line in lines)
    for number, node in enumerate(proof, start=1):
        if len(node) != HASH_SIZE:
            raise NoteError(f"proof line {number} is a hash of {len(node)} bytes, not {HASH_SIZE}")
    found = AddCheckpoint(_old(first), proof, note)
    # Malformed notes are found here, before anything is looked up.
    found.claimed  # noqa: B018 - parsing is the point
    return found


def _old(line: str) -> int:
    number = line.removeprefix("old ")
    if number == line or not (number.isascii() and number.isdigit() and len(number) < 20):
        raise NoteError("the first line is `old` and a decimal size")
    if number != str(int(number)):
        raise NoteError("the old size has no leading zeroes")
    return int(number)
