"""A witness as an anchor (C2SP tlog-witness): it cosigns each checkpoint that extends its last one.

A cosignature counts only if it verifies under the key that the operator named.
"""

from collections.abc import Callable
from typing import Final

from app.ledger.add_checkpoint import SIZE_TYPE, written
from app.ledger.anchors.anchor import AnchorAhead, AnchorUnavailable, ContradictedByAnchor, Prove
from app.ledger.cosignature import Cosignature, WitnessKey, find_cosignature
from app.ledger.note import NoteError
from app.ledger.reading import SignedCheckpoint
from app.outbound import Answer, Outbound, OutboundError

_TRIES: Final = 3
_WORDS: Final = {
    400: "it did not understand the request",
    403: "it does not know the log's key; give it the verifier_key of /v1/audit/keys",
    404: "it does not know this log; give it the verifier_key of /v1/audit/keys",
}
Keep = Callable[[int, WitnessKey, Cosignature], None]
"""(size, witness, cosignature): store a cosignature that verified."""


class WitnessAnchor:
    """One witness; it remembers the size that the witness last cosigned."""

    def __init__(self, key: WitnessKey, url: str, outbound: Outbound, keep: Keep) -> None:
        self.name = f"witness {key.name}"
        self._key = key
        self._url = f"{url.rstrip('/')}/add-checkpoint"
        self._outbound = outbound
        self._keep = keep
        self._old = 0
        outbound.check(self._url)

    def hold(self, signed: SignedCheckpoint, prove: Prove) -> None:
        """Have the checkpoint cosigned; a size that the witness corrects is tried again."""
        newest = signed.checkpoint
        for _ in range(_TRIES):
            proof = prove(self._old) if self._old else ()
            answer = self._send(written(self._old, proof, signed.note))
            if answer.status == 200:
                self._keep(newest.size, self._key, self._cosignature(answer, newest.text()))
                self._old = newest.size
                return
            if answer.status == 409:
                last = self._last(answer)
                if last == self._old:
                    # Earlier drafts of the protocol say so of an equal size with another root.
                    raise self._contradicted(newest.size)
                if last > newest.size:
                    raise AnchorAhead(last)
                self._old = last
                continue
            if answer.status == 422:
                raise self._contradicted(newest.size)
            why = _WORDS.get(answer.status, f"it answered {answer.status}")
            raise AnchorUnavailable(why)
        raise AnchorUnavailable("it names another size each time")

    def _contradicted(self, size: int) -> ContradictedByAnchor:
        return ContradictedByAnchor(
            f"The witness {self._key.name} cosigned {self._old} entries of this log that the "
            f"database's {size} entries do not extend: the history was rewritten."
        )

    def _send(self, body: bytes) -> Answer:
        try:
            return self._outbound.send("POST", self._url, content=body)
        except OutboundError as error:
            raise AnchorUnavailable(str(error)) from error

    def _cosignature(self, answer: Answer, text: str) -> Cosignature:
        try:
            return find_cosignature(text, answer.body.decode().splitlines(), self._key)
        except (NoteError, UnicodeDecodeError) as error:
            raise AnchorUnavailable(f"its cosignature is not valid: {error}") from error

    @staticmethod
    def _last(answer: Answer) -> int:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        size = answer.body.removesuffix(b"\n")
        if kind != SIZE_TYPE or not size.isdigit() or len(size) > 19:
            raise AnchorUnavailable("it answered 409 without its last size")
        return int(size)
