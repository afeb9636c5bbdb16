"""Signs what a settlement says and prepares it for the record, in the transaction that settles.

Nothing is signed before a decision is settled, and nothing is handed out that is not in the log.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Table

from app.attestations.dsse import PAYLOAD_TYPE, Envelope, leaf_body, pae
from app.attestations.keys import AttestationSigner
from app.attestations.statements import Settlement, statements
from app.attestations.tables import attestation
from app.evaluations.inputs import blob, digest_of
from app.ids import new_id
from app.ledger.signing_keys import PublicKey
from app.ledger.tables import evidence_blob
from app.ledger.work import NewEntry
from app.replies import json_bytes

ENTRY_TYPE = "attestation.signed"


@dataclass(frozen=True, slots=True)
class Attested:
    """What the settling Work writes besides its own: leaves, rows, and the digests to refer to."""

    entries: Sequence[NewEntry]
    rows: Sequence[tuple[Table, Sequence[Mapping[str, Any]]]]
    refs: Mapping[str, str]
    """SHA-256 of what was signed, by predicate: the settling entry names its statements."""

    @property
    def as_refs(self) -> Mapping[str, Any]:
        """The reference for the settling entry; nothing where nothing was signed."""
        return {"attestations": dict(self.refs)} if self.refs else {}


class Attestor:
    """The attestation key in the name of one verifier."""

    def __init__(self, signer: AttestationSigner, origin: str) -> None:
        self._signer = signer
        self.verifier = f"https://{origin}"

    @property
    def key(self) -> PublicKey:
        """The public key that statements verify under."""
        return self._signer.key

    def attest(self, settled: Settlement) -> Attested:
        """Sign every statement that a settlement gives."""
        entries: list[NewEntry] = []
        blobs: list[Mapping[str, Any]] = []
        rows: list[Mapping[str, Any]] = []
        refs: dict[str, str] = {}
        key = self._signer.key
        for name, statement in statements(settled, self.verifier).items():
            payload = json_bytes(statement)
            signed = pae(PAYLOAD_TYPE, payload)
            envelope = Envelope(payload, self._signer.sign(signed), key.id)
            stored = blob(payload, digest_of(payload))
            entry = NewEntry(
                id=new_id("ent"),
                type=ENTRY_TYPE,
                at=settled.settled_at,
                actor="",
                subject=settled.decision["id"],
                body=leaf_body(envelope, key.spki),
            )
            entries.append(entry)
            blobs.append(stored)
            rows.append(
                {
                    "entry": entry.id,
                    "decision": settled.decision["id"],
                    "settlement": settled.entry,
                    "predicate": name,
                    "payload": stored["digest"],
                }
            )
            refs[name] = f"sha256:{sha256(signed).hexdigest()}"
        written = [(evidence_blob, blobs), (attestation, rows)] if entries else []
        return Attested(entries, written, refs)
