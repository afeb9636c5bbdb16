"""The anchor that is always there: a file that checkpoints are appended to, outside the database.

A line is one JSON object with the time and the note. It is never rewritten; a line that a power cut
tore is passed over. It helps only where the database's administrator cannot write to it.
"""

import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.database import to_text
from app.ledger.anchors.anchor import AnchorAhead, AnchorUnavailable, ContradictedByAnchor, Prove
from app.ledger.merkle import ProofError, verify_consistency
from app.ledger.note import MAX_NOTE, Checkpoint, NoteError, claimed_checkpoint
from app.ledger.reading import SignedCheckpoint

_TAIL: Final = 4 * MAX_NOTE


class FileAnchor:
    """Append-only by use; make it so by the file system where you can (`chattr +a`)."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def hold(self, signed: SignedCheckpoint, prove: Prove) -> None:
        """Append the note, unless the last line holds it already."""
        try:
            descriptor = self._opened()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self._append(descriptor, signed, prove)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise AnchorUnavailable(f"the file cannot be used: {error.strerror}") from error

    def _opened(self) -> int:
        is_new = not self._path.exists()
        if is_new:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        descriptor = os.open(self._path, flags, 0o644)
        if is_new:
            directory = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        return descriptor

    def _append(self, descriptor: int, signed: SignedCheckpoint, prove: Prove) -> None:
        tail = _tail(descriptor)
        held = _newest(tail)
        if held is not None:
            self._compare(held, signed.checkpoint, prove)
            if held == signed.checkpoint:
                return
        line = json.dumps({"at": to_text(datetime.now(UTC)), "note": signed.note})
        torn = b"" if not tail or tail.endswith(b"\n") else b"\n"
        os.write(descriptor, torn + line.encode() + b"\n")
        os.fsync(descriptor)

    def _compare(self, held: Checkpoint, newest: Checkpoint, prove: Prove) -> None:
        if held.origin != newest.origin:
            raise ContradictedByAnchor(
                f"The anchor file {self._path} belongs to the log {held.origin}, and this is "
                f"{newest.origin}. Name another file in CLEARANCE_ANCHOR_FILE."
            )
        if held.size > newest.size:
            raise AnchorAhead(held.size)
        try:
            proof = prove(held.size)
            verify_consistency(held.size, newest.size, held.root, newest.root, proof)
        except ProofError as error:
            raise ContradictedByAnchor(
                f"The anchor file {self._path} holds the log's first {held.size} entries with "
                "another content than the database: its history was rewritten."
            ) from error


def _tail(descriptor: int) -> bytes:
    size = os.lseek(descriptor, 0, os.SEEK_END)
    return os.pread(descriptor, _TAIL, max(0, size - _TAIL))


def _newest(tail: bytes) -> Checkpoint | None:
    """The checkpoint of the last whole line; None in a new file."""
    for line in reversed(tail.splitlines()):
        try:
            return claimed_checkpoint(json.loads(line)["note"])
        except (ValueError, TypeError, KeyError, NoteError):
            continue
    if tail.strip():
        raise AnchorUnavailable("no line of the file is a checkpoint; is it another file?")
    return None
