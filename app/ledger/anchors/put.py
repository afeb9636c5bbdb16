"""An anchor behind an address: the newest checkpoint is PUT there, best into write-once storage.

With `{size}` in the address each checkpoint gets an object of its own and none is overwritten.
Without, the one object is read first: what it holds must be part of this log.
"""

from typing import Final

from app.ledger.anchors.anchor import AnchorAhead, AnchorUnavailable, ContradictedByAnchor, Prove
from app.ledger.merkle import ProofError, verify_consistency
from app.ledger.note import Checkpoint, NoteError, claimed_checkpoint
from app.ledger.reading import SignedCheckpoint
from app.outbound import Answer, Outbound, OutboundError

SIZE: Final = "{size}"
_EXISTS: Final = {409, 412}
_NOTHING: Final = {404, 410}


class PutAnchor:
    """One target; the token, if any, goes with every request."""

    name = "put"

    def __init__(self, url: str, token: str | None, outbound: Outbound) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._outbound = outbound
        self._is_known = SIZE in url
        outbound.check(url.replace(SIZE, "0"))

    def hold(self, signed: SignedCheckpoint, prove: Prove) -> None:
        """Put the note; compare first with what is there."""
        newest = signed.checkpoint
        url = self._url.replace(SIZE, str(newest.size))
        if not self._is_known:
            if (held := self._held(url)) is not None:
                _compare(held, newest, prove)
            self._is_known = True
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if SIZE in self._url:
            headers["If-None-Match"] = "*"
        answer = self._send("PUT", url, signed.note.encode(), headers)
        is_there = SIZE in self._url and answer.status in _EXISTS
        if is_there and (held := self._held(url)) is not None:
            _compare(held, newest, prove)
            return
        if not 200 <= answer.status < 300:
            raise AnchorUnavailable(f"the target answered {answer.status}")

    def _held(self, url: str) -> Checkpoint | None:
        answer = self._send("GET", url)
        if answer.status in _NOTHING:
            return None
        if answer.status != 200 or answer.is_cut:
            raise AnchorUnavailable(f"what the target holds cannot be read: {answer.status}")
        try:
            return claimed_checkpoint(answer.body.decode())
        except (NoteError, UnicodeDecodeError) as error:
            raise AnchorUnavailable(f"the target holds no checkpoint: {error}") from error

    def _send(
        self,
        method: str,
        url: str,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        try:
            return self._outbound.send(
                method, url, content=content, headers={**self._headers, **(headers or {})}
            )
        except OutboundError as error:
            raise AnchorUnavailable(str(error)) from error


def _compare(held: Checkpoint, newest: Checkpoint, prove: Prove) -> None:
    if held.origin != newest.origin:
        raise ContradictedByAnchor(
            f"The target of CLEARANCE_ANCHOR_URL holds the log {held.origin}, and this is "
            f"{newest.origin}. Give each log a target of its own."
        )
    if held.size > newest.size:
        raise AnchorAhead(held.size)
    try:
        verify_consistency(held.size, newest.size, held.root, newest.root, prove(held.size))
    except ProofError as error:
        raise ContradictedByAnchor(
            f"The target of CLEARANCE_ANCHOR_URL holds the log's first {held.size} entries with "
            "another content than the database: its history was rewritten."
        ) from error
