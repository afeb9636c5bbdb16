"""Whether a witness cosigns: the answers of C2SP tlog-witness, in the order that it gives them.

It cosigns growth that is proven, and nothing else; what it cosigned it has kept before it answers.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.ledger.add_checkpoint import SIZE_TYPE, AddCheckpoint, read
from app.ledger.cosignature import WitnessKey, cosign
from app.ledger.keys import Signer
from app.ledger.merkle import EMPTY_ROOT, ProofError, verify_consistency
from app.ledger.note import (
    SIGNATURE_PREFIX,
    Checkpoint,
    NoteError,
    VerifierKey,
    claimed_checkpoint,
    open_checkpoint,
    split_note,
)
from app.witness.memory import Memory

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: str
    media_type: str = TEXT


class Witness:
    """One witness: its name and key, the logs it knows by their keys, and what it keeps."""

    def __init__(
        self,
        name: str,
        signer: Signer,
        logs: Mapping[str, tuple[VerifierKey, ...]],
        memory: Memory,
        clock: Callable[[], int],
    ) -> None:
        self.key = WitnessKey(name, signer.public_key)
        self._signer = signer
        self._logs = logs
        self._memory = memory
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> Reply:
        """Answer one request; a cosignature is given only with 200."""
        try:
            asked = read(body)
        except NoteError as error:
            return Reply(400, f"{error}\n")
        keys = self._logs.get(asked.claimed.origin)
        if keys is None:
            return Reply(404, "this log is not known here\n")
        try:
            signed = open_checkpoint(asked.note, keys)
        except NoteError as error:
            return Reply(403, f"{error}\n")
        if asked.old > signed.size:
            return Reply(400, f"the old size {asked.old} is above the checkpoint's\n")
        with self._memory.locked():
            return self._grown(asked, signed, _trusted_only(asked.note, keys))

    def last(self, origin: str | None) -> Reply:
        """The last cosigned checkpoint of a log, or of the only one."""
        if origin is None and len(self._logs) == 1:
            origin = next(iter(self._logs))
        if origin is None or origin not in self._logs:
            return Reply(404, f"name one of these logs with ?origin=: {', '.join(self._logs)}\n")
        with self._memory.locked():
            note = self._memory.last(origin)
        return Reply(404, "nothing is cosigned yet\n") if note is None else Reply(200, note)

    def _grown(self, asked: AddCheckpoint, signed: Checkpoint, note: str) -> Reply:
        last = self._memory.last(signed.origin)
        known = None if last is None else claimed_checkpoint(last)
        size, root = (known.size, known.root) if known else (0, EMPTY_ROOT)
        if asked.old != size:
            return Reply(409, f"{size}\n", SIZE_TYPE)
        if (refusal := _refusal(size, root, signed, asked.proof)) is not None:
            return Reply(422, f"{refusal}\n")
        line = cosign(signed.text(), self.key.name, self._signer, self._clock())
        self._memory.keep(signed.origin, f"{note}{line}")
        return Reply(200, line)


def _trusted_only(note: str, keys: tuple[VerifierKey, ...]) -> str:
    """The note without signatures of strangers, who could otherwise have us keep anything."""
    text, signatures = split_note(note)
    known = {(key.name, key.key_id) for key in keys}
    lines = [
        f"{SIGNATURE_PREFIX}{name} {b64encode(raw).decode()}\n"
        for name, raw in signatures
        if (name, raw[:4]) in known
    ]
    return f"{text}\n{''.join(lines)}"


def _refusal(size: int, root: bytes, signed: Checkpoint, proof: tuple[bytes, ...]) -> str | None:
    try:
        verify_consistency(size, signed.size, root, signed.root, proof)
    except ProofError as error:
        return f"the tree of {signed.size} does not extend the {size} cosigned before: {error}"
    if signed.size == 0 and signed.root != EMPTY_ROOT:
        return "an empty tree has another root"
    return None
