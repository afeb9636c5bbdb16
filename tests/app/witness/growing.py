"""A log in memory that signs, proves and forks, as a witness sees one from outside."""

from app.ledger.keys import PemSigner, new_key_pem
from app.ledger.merkle import EMPTY_ROOT, Edge, consistency_proof, grow, leaf_hash
from app.ledger.note import Checkpoint, VerifierKey, sign_checkpoint

ORIGIN = "log.test/one"


class GrowingLog:
    """Leaves are numbers; `twist` makes another history of the same sizes."""

    def __init__(self, origin: str = ORIGIN, signer: PemSigner | None = None) -> None:
        self.origin = origin
        self.signer = signer or PemSigner(new_key_pem(), "test")
        self.key = VerifierKey(origin, self.signer.public_key)

    def leaves(self, size: int, twist: int = 0) -> list[bytes]:
        return [leaf_hash(f"{number}{'x' * twist}".encode()) for number in range(size)]

    def root(self, size: int, twist: int = 0) -> bytes:
        return grow(Edge(), self.leaves(size, twist)).after.root if size else EMPTY_ROOT

    def note(self, size: int, twist: int = 0, *signers: PemSigner) -> str:
        checkpoint = Checkpoint(self.origin, size, self.root(size, twist))
        return sign_checkpoint(checkpoint, *(signers or (self.signer,)))

    def proof(self, old: int, size: int, twist: int = 0) -> tuple[bytes, ...]:
        leaves = self.leaves(size, twist)

        def node(level: int, number: int) -> bytes:
            begin = number << level
            return grow(Edge(), leaves[begin : begin + (1 << level)]).after.root

        return consistency_proof(old, size, node)
