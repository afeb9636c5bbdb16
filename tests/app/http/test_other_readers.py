"""Somebody else's program reads our log: `tlog-scales`, an independent C2SP tlog-tiles client."""

import pytest
from cryptography.exceptions import InvalidSignature
from tlog_scales.backend import make_backend
from tlog_scales.reader import Tile, TilesReader
from tlog_scales.signing import Ed25519CosignatureVerifier, Vkey
from tlog_scales.tlog import Checkpoint

from app.ledger.cosignature import WitnessKey, cosign
from app.ledger.keys import PemSigner, new_key_pem
from app.ledger.work import Work
from tests.app.http.service import Service
from tests.app.ledger.works import entry


def test_its_tiles_give_the_signed_root_and_the_same_proofs(service: Service) -> None:
    ledger = service.app.state.runtime.ledger
    for _ in range(6):
        ledger.commit_sync(Work(entries=[entry() for _ in range(100)]))
    base = f"{service.client.base_url}/v1/audit"
    reader = TilesReader(make_backend(base))
    checkpoint = reader.get_checkpoint()
    key = service.client.get("/v1/audit/keys").json()["items"][0]["verifier_key"]
    checkpoint.verify(Vkey.from_string(key))
    assert reader.calculate_root_hash() == checkpoint.root_hash
    size = checkpoint.size
    for old in (1, 255, 256, 300, size - 1):
        found = service.call("GET", f"/v1/audit/consistency?from={old}&to={size}").json()
        theirs = reader.get_consistency_proof(old, size)
        assert [node.hex() for node in theirs.node_hashes] == found["proof"]
        theirs.check(reader.mth(0, old), checkpoint.root_hash)
    for index in (0, 255, 256, size - 1):
        ours = service.call("GET", f"/v1/audit/entries/{index}/proof").json()
        proof = reader.get_inclusion_proof(index, size)
        assert [node.hex() for node in proof.node_hashes] == ours["proof"]
        proof.check(bytes.fromhex(ours["leaf"]), checkpoint.root_hash)
    bundle = service.call("GET", "/v1/audit/tile/entries/001").content
    body = service.call("GET", "/v1/audit/entries/300").json()["bytes"].encode()
    assert Tile.from_entries_bytes(bundle)[300 - 256] == body


def test_it_accepts_our_cosignature_and_no_other() -> None:
    signer = PemSigner(new_key_pem(), "witness")
    key = Vkey.from_string(str(WitnessKey("w.test/1", signer.public_key)))
    text = "log.test/one\n7\n" + "A" * 43 + "=\n"
    line = cosign(text, "w.test/1", signer, 1_900_000_000)
    signed = Checkpoint.from_text(f"{text}\n{line}")
    signed.verify(key)
    time = Ed25519CosignatureVerifier.get_timestamp(signed.signatures[0].payload)
    assert time == 1_900_000_000
    other = Checkpoint.from_text(f"{text.replace('7', '8')}\n{line}")
    with pytest.raises(InvalidSignature):
        other.verify(key)
