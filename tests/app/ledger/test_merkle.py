"""RFC 6962, against the published roots of the Certificate Transparency test data and itself."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.merkle import (
    EMPTY_ROOT,
    Edge,
    ProofError,
    consistency_proof,
    grow,
    inclusion_proof,
    leaf_hash,
    perfect_subtrees,
    root_from_inclusion,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# certificate-transparency test data: eight leaves, and the root of each first n of them.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {  # (index, size): proof
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {  # (first, second): proof
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def hash_of(leaves):
    """RFC 6962 section 2.1, as it is written there."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + hash_of(leaves[:split]) + hash_of(leaves[split:])).digest()


def nodes(leaves):
    return lambda level, number: hash_of(leaves[number << level : (number + 1) << level])


def numbered(size):
    return [leaf_hash(number.to_bytes(4)) for number in range(size)]


KNOWN = [leaf_hash(leaf) for leaf in LEAVES]


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size):
    root = bytes.fromhex(ROOTS[size])
    assert root_of(size, nodes(KNOWN)) == root
    if size:
        assert grow(Edge(), KNOWN[:size]).after.root == root
    else:
        assert Edge().root == EMPTY_ROOT == root


@pytest.mark.parametrize(("place", "proof"), INCLUSION.items())
def test_published_inclusion_proofs(place, proof):
    index, size = place
    expected = tuple(bytes.fromhex(text) for text in proof)
    assert inclusion_proof(index, size, nodes(KNOWN)) == expected
    verify_inclusion(index, size, KNOWN[index], expected, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("place", "proof"), CONSISTENCY.items())
def test_published_consistency_proofs(place, proof):
    first, second = place
    expected = tuple(bytes.fromhex(text) for text in proof)
    assert consistency_proof(first, second, nodes(KNOWN)) == expected
    roots = [bytes.fromhex(ROOTS[size]) for size in place]
    verify_consistency(first, second, roots[0], roots[1], expected)


@given(st.integers(0, 70), st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_growing_in_batches_is_the_whole_tree_at_once(start, batches):
    leaves = numbered(start + sum(batches))
    edge = Edge(start, tuple(nodes(leaves)(*place) for place in perfect_subtrees(0, start)))
    for count in batches:
        size = edge.size + count
        growth = grow(edge, leaves[edge.size : size])
        root = hash_of(leaves[:size])
        assert growth.after.root == root
        for index in range(edge.size, size):
            proof = growth.inclusion(index)
            assert proof == inclusion_proof(index, size, nodes(leaves[:size]))
            verify_inclusion(index, size, leaves[index], proof, root)
        edge = growth.after


@given(st.integers(1, 130).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))))
def test_every_inclusion_proof_holds(place):
    index, size = place
    leaves = numbered(size)
    proof = inclusion_proof(index, size, nodes(leaves))
    verify_inclusion(index, size, leaves[index], proof, hash_of(leaves))


@given(st.integers(0, 130).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_every_consistency_proof_holds(place):
    first, second = place
    leaves = numbered(second)
    proof = consistency_proof(first, second, nodes(leaves))
    verify_consistency(first, second, hash_of(leaves[:first]), hash_of(leaves), proof)


def mutations(proof):
    """As transparency-dev/merkle mutates them: flips, garbage around, parts gone, order changed."""
    junk = b"\x07" * 32
    yield (junk, *proof)
    yield (*proof, junk)
    yield (*proof, b"")
    if proof:
        yield proof[:-1]
        yield proof[1:]
        yield ()
    for position, value in enumerate(proof):
        flipped = bytes([value[0] ^ 1]) + value[1:]
        yield (*proof[:position], flipped, *proof[position + 1 :])
        yield (*proof[:position], value[:-1], *proof[position + 1 :])
    if len(proof) > 1:
        yield (proof[1], proof[0], *proof[2:])


@given(st.integers(2, 70).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))))
def test_no_mutated_inclusion_proof_holds(place):
    index, size = place
    leaves = numbered(size)
    root = hash_of(leaves)
    proof = inclusion_proof(index, size, nodes(leaves))
    for wrong in mutations(proof):
        with pytest.raises(ProofError):
            verify_inclusion(index, size, leaves[index], wrong, root)
    for other in {index - 1, index + 1, index ^ 2, size, -1} - {index}:
        with pytest.raises(ProofError):
            verify_inclusion(other, size, leaves[index], proof, root)
    with pytest.raises(ProofError):
        verify_inclusion(index, size, leaves[index - 1], proof, root)
    with pytest.raises(ProofError):
        verify_inclusion(index, size, leaves[index], proof, EMPTY_ROOT)


@given(st.integers(2, 70).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n))))
def test_no_mutated_consistency_proof_holds(place):
    first, second = place
    leaves = numbered(second)
    old, new = hash_of(leaves[:first]), hash_of(leaves)
    proof = consistency_proof(first, second, nodes(leaves))
    for wrong in mutations(proof):
        with pytest.raises(ProofError):
            verify_consistency(first, second, old, new, wrong)
    for one, other in ((new, old), (old, old), (new, new), (old, EMPTY_ROOT), (b"", new)):
        with pytest.raises(ProofError):
            verify_consistency(first, second, one, other, proof)


@pytest.mark.parametrize(
    ("first", "second", "roots", "proof"),
    [
        (3, 3, (KNOWN[0], KNOWN[1]), ()),
        (3, 3, (KNOWN[0], KNOWN[0]), (KNOWN[0],)),
        (0, 3, (KNOWN[0], KNOWN[0]), ()),
        (0, 3, (EMPTY_ROOT, KNOWN[0]), (KNOWN[1],)),
        (4, 3, (KNOWN[0], KNOWN[0]), ()),
        (-1, 3, (KNOWN[0], KNOWN[0]), ()),
        (3, 5, (KNOWN[0], KNOWN[0]), ()),
    ],
)
def test_trivial_claims_are_checked_too(first, second, roots, proof):
    with pytest.raises(ProofError):
        verify_consistency(first, second, roots[0], roots[1], proof)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (4, 3), (-1, 3)])
def test_no_proof_for_a_leaf_that_is_not_there(index, size):
    with pytest.raises(ProofError):
        inclusion_proof(index, size, nodes(KNOWN))
    with pytest.raises(ProofError):
        root_from_inclusion(index, size, KNOWN[0], ())


def test_no_tree_shrinks_or_grows_by_nothing():
    with pytest.raises(ProofError):
        consistency_proof(4, 3, nodes(KNOWN))
    with pytest.raises(ProofError):
        grow(Edge(), [])


def test_an_edge_has_a_hash_for_each_bit_of_its_size():
    with pytest.raises(ProofError):
        Edge(3, (KNOWN[0],))
    with pytest.raises(ProofError):
        Edge(-1, ())
