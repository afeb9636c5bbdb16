"""A proof is checked, never taken on trust: it holds, or it is refused in words."""

from typing import Any

import pytest

from app.cli.audit.prove import verified
from app.ledger.keys import PemSigner, new_key_pem
from app.ledger.merkle import Edge, ProofError, grow, leaf_hash
from app.ledger.note import Checkpoint, NoteError, VerifierKey, sign_checkpoint

ORIGIN = "log.test/x"
BODIES = [f"entry {i}" for i in range(11)]
SIGNER = PemSigner(new_key_pem(), "test")
KEY = VerifierKey(ORIGIN, SIGNER.public_key)
GROWN = grow(Edge(), [leaf_hash(body.encode()) for body in BODIES])
NOTE = sign_checkpoint(Checkpoint(ORIGIN, GROWN.after.size, GROWN.after.root), SIGNER)


def place(index: int = 5) -> dict[str, Any]:
    return {
        "index": index,
        "leaf": leaf_hash(BODIES[index].encode()).hex(),
        "proof": [node.hex() for node in GROWN.inclusion(index)],
        "checkpoint": NOTE,
        "bytes": BODIES[index],
    }


@pytest.mark.parametrize("index", range(len(BODIES)))
def test_every_entry_is_proven(index):
    assert verified(place(index), KEY).size == len(BODIES)


def signed_as(size: int, root: bytes, signer: PemSigner = SIGNER) -> str:
    return sign_checkpoint(Checkpoint(ORIGIN, size, root), signer)


@pytest.mark.parametrize(
    "changes",
    [
        {"index": 11},
        {"index": 2**70},
        {"index": -1},
        {"index": 6},
        {"index": "5"},
        {"index": True},
        {"index": None},
        {"proof": []},
        {"proof": place()["proof"][:-1]},
        {"proof": [*place()["proof"], "00" * 32]},
        {"proof": place()["proof"][::-1]},
        {"proof": [node[2:] for node in place()["proof"]]},
        {"proof": [node + "00" for node in place()["proof"]]},
        {"proof": ["" for _ in place()["proof"]]},
        {"proof": "zz"},
        {"proof": None},
        {"proof": [1, 2]},
        {"leaf": ""},
        {"leaf": "00" * 32},
        {"leaf": "no hex"},
        {"leaf": None},
        {"bytes": "entry 6"},
        {"bytes": None},
        {"checkpoint": ""},
        {"checkpoint": None},
        {"checkpoint": NOTE.replace("\n\n", "\nextension line\n\n")},
        {"checkpoint": NOTE.replace("\n11\n", "\n12\n")},
        {"checkpoint": NOTE.partition("\n\n")[0] + "\n\n"},
        {"checkpoint": signed_as(11, bytes(32))},
        {"checkpoint": signed_as(0, bytes(32))},
        {"checkpoint": signed_as(11, GROWN.after.root, PemSigner(new_key_pem(), "other"))},
    ],
)
def test_whatever_does_not_prove_it_is_refused(changes):
    with pytest.raises((ProofError, NoteError, ValueError)):
        verified(place() | changes, KEY)


@pytest.mark.parametrize("name", ["index", "leaf", "proof", "checkpoint"])
def test_an_answer_without_its_parts_is_refused(name):
    answer = place()
    del answer[name]
    with pytest.raises(ProofError, match="no proof"):
        verified(answer, KEY)
