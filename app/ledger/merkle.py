"""The RFC 6962 tree: hashes, growth by a batch, inclusion and consistency proofs, verification.

Pure functions over bytes. It refuses malformed proofs instead of guessing, and reads no leaves:
whoever asks for a proof supplies `node`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()

Node = Callable[[int, int], bytes]
"""(level, number) -> hash of the perfect subtree over leaves [number << level, ... + 2^level)."""


class ProofError(ValueError):
    """A proof does not show what it claims to show."""


def leaf_hash(body: bytes) -> bytes:
    """SHA-256(0x00 || body)."""
    return sha256(b"\x00" + body).digest()


def parent_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Edge:
    """A tree of `size` leaves by its perfect subtrees' roots, largest first (a compact range)."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ProofError(f"an edge of size {self.size} cannot have {len(self.hashes)} hashes")

    @property
    def root(self) -> bytes:
        """The tree's root hash."""
        return fold(self.hashes)


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over subtrees given from left to right, the larger ones first."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = parent_hash(left, root)
    return root


@dataclass(frozen=True, slots=True)
class Growth:
    """What a batch of leaves did to the tree: per level, the first number held and the hashes.

    The last hash of a level may belong to a subtree that is still incomplete.
    """

    before: Edge
    after: Edge
    levels: tuple[tuple[int, list[bytes]], ...]

    def node(self, level: int, number: int) -> bytes:
        """A node that this batch touched or needed."""
        start, hashes = self.levels[level]
        return hashes[number - start]

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """The proof of a leaf of this batch in the tree after it."""
        proof = []
        number = index
        for start, hashes in self.levels[:-1]:
            sibling = (number ^ 1) - start
            if sibling < len(hashes):
                proof.append(hashes[sibling])
            number >>= 1
        return tuple(proof)


def grow(before: Edge, leaves: Sequence[bytes]) -> Growth:
    """Append leaf hashes (at least one) to a tree known only by its edge.

    Level by level, the nodes pair up; an odd last one moves up unchanged, which is RFC 6962's
    shape. A left sibling from before the batch is in the edge exactly when the size has that bit.
    """
    if not leaves:
        raise ProofError("a tree grows by at least one leaf")
    carried = list(before.hashes)
    levels: list[tuple[int, list[bytes]]] = []
    start, hashes = before.size, list(leaves)
    while True:
        if start & 1:
            hashes.insert(0, carried.pop())
            start -= 1
        levels.append((start, hashes))
        if start + len(hashes) == 1:
            break
        pairs = iter(hashes)
        above = [parent_hash(left, right) for left, right in zip(pairs, pairs, strict=False)]
        if len(hashes) & 1:
            above.append(hashes[-1])
        start, hashes = start >> 1, above
    size = before.size + len(leaves)
    edge = [
        levels[level][1][(size >> level) - 1 - levels[level][0]]
        for level in reversed(range(size.bit_length()))
        if size >> level & 1
    ]
    return Growth(before, Edge(size, tuple(edge)), tuple(levels))


def perfect_subtrees(begin: int, end: int) -> Iterable[tuple[int, int]]:
    """The (level, number) of the perfect subtrees that make up leaves [begin, end), left to right.

    `begin` must be a multiple of a power of two that is at least as large as the range.
    """
    while begin < end:
        level = (end - begin).bit_length() - 1
        yield level, begin >> level
        begin += 1 << level


def root_of(size: int, node: Node) -> bytes:
    """The root of the first `size` leaves."""
    return fold([node(*place) for place in perfect_subtrees(0, size)])


def inclusion_proof(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """The audit path of a leaf (RFC 9162 section 2.1.3.1)."""
    if not 0 <= index < size:
        raise ProofError(f"there is no leaf {index} in a tree of {size}")
    return _path(0, index, size, node)


def consistency_proof(first: int, second: int, node: Node) -> tuple[bytes, ...]:
    """That the tree of `second` leaves extends the one of `first` (RFC 9162 section 2.1.4.1)."""
    if not 0 <= first <= second:
        raise ProofError(f"a tree of {second} cannot extend one of {first}")
    if first in (0, second):
        return ()
    # The largest perfect subtree that ends where the first tree ends.
    level = (first & -first).bit_length() - 1
    number = (first >> level) - 1
    is_whole_tree = first == 1 << level
    start = () if is_whole_tree else (node(level, number),)
    return start + _path(level, number, second, node)


def _path(level: int, number: int, size: int, node: Node) -> tuple[bytes, ...]:
    proof = []
    while last := (size - 1) >> level:
        sibling = number ^ 1
        if sibling < last or (sibling == last and (last + 1) << level <= size):
            proof.append(node(level, sibling))
        elif sibling == last:
            places = perfect_subtrees(last << level, size)
            proof.append(fold([node(*place) for place in places]))
        level, number = level + 1, number >> 1
    return tuple(proof)


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that this proof leads to (RFC 9162 section 2.1.3.2); ProofError if malformed."""
    if not 0 <= index < size:
        raise ProofError(f"there is no leaf {index} in a tree of {size}")
    _require_hashes([leaf, *proof])
    number, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("the proof is too long")
        if number & 1 or number == last:
            root = parent_hash(sibling, root)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            root = parent_hash(root, sibling)
        number, last = number >> 1, last >> 1
    if last:
        raise ProofError("the proof is too short")
    return root


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Raise ProofError unless `leaf` is leaf number `index` of the tree with this root."""
    if root_from_inclusion(index, size, leaf, proof) != root:
        raise ProofError("the proof leads to another root")


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise ProofError unless the second tree extends the first (RFC 9162 section 2.1.4.2)."""
    _require_hashes([first_root, second_root, *proof])
    if not 0 <= first <= second:
        raise ProofError(f"a tree of {second} cannot extend one of {first}")
    if first in (0, second):
        same = first_root == (EMPTY_ROOT if first == 0 else second_root)
        if proof or not same:
            raise ProofError("trees of equal size differ, or the proof should be empty")
        return
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if _roots_from_consistency(first, second, path) != (first_root, second_root):
        raise ProofError("the proof does not connect the two roots")


def _roots_from_consistency(first: int, second: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    if not path:
        raise ProofError("the proof is too short")
    number, last = first - 1, second - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("the proof is too long")
        if number & 1 or number == last:
            old, new = parent_hash(sibling, old), parent_hash(sibling, new)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = parent_hash(new, sibling)
        number, last = number >> 1, last >> 1
    if last:
        raise ProofError("the proof is too short")
    return old, new


def _require_hashes(hashes: Iterable[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_SIZE:
            raise ProofError(f"a hash has {HASH_SIZE} bytes, not {len(value)}")
