from base64 import b64decode, b64encode

import pytest

from app.ledger.cosignature import WitnessKey, cosign, find_cosignature
from app.ledger.keys import PemSigner, new_key_pem
from app.ledger.note import NoteError, VerifierKey

SIGNER = PemSigner(new_key_pem(), "test")
KEY = WitnessKey("witness.test/w1", SIGNER.public_key)
TEXT = f"log.test/one\n7\n{b64encode(bytes(32)).decode()}\n"
LINE = cosign(TEXT, KEY.name, SIGNER, 1_679_315_147).rstrip("\n")


def test_a_cosignature_is_the_line_of_the_specification():
    name, _, encoded = LINE.removeprefix("\u2014 ").partition(" ")
    raw = b64decode(encoded)
    assert (name, raw[:4], len(raw)) == (KEY.name, KEY.key_id, 4 + 8 + 64)
    assert int.from_bytes(raw[4:12], "big") == 1_679_315_147
    message = f"cosignature/v1\ntime 1679315147\n{TEXT}".encode()
    assert raw[12:] == SIGNER.sign(message)
    assert find_cosignature(TEXT, ["\u2014 other AAAAAAA=", LINE], KEY).time == 1_679_315_147


def test_a_witness_key_is_of_type_four_and_survives_writing():
    assert WitnessKey.parse(str(KEY)) == KEY
    log = VerifierKey(KEY.name, SIGNER.public_key)
    with pytest.raises(NoteError, match="type 4"):
        WitnessKey.parse(str(log))
    with pytest.raises(NoteError, match="id does not match"):
        WitnessKey.parse(str(KEY).replace(KEY.key_id.hex(), "00000000"))
    for name in ("", "a b", "a+b"):
        with pytest.raises(NoteError):
            WitnessKey(name, SIGNER.public_key)
    with pytest.raises(NoteError, match="32 bytes"):
        WitnessKey("w", bytes(31))


def test_what_was_changed_does_not_verify():
    raw = b64decode(LINE.rpartition(" ")[2])
    for position in (5, 11, 12, 40, 75):
        changed = bytearray(raw)
        changed[position] ^= 1
        line = f"\u2014 {KEY.name} {b64encode(changed).decode()}"
        with pytest.raises(NoteError, match="does not match"):
            find_cosignature(TEXT, [line], KEY)
    with pytest.raises(NoteError, match="does not match"):
        find_cosignature(TEXT.replace("\n7\n", "\n8\n"), [LINE], KEY)
    short = f"\u2014 {KEY.name} {b64encode(raw[:-1]).decode()}"
    with pytest.raises(NoteError, match="has 75 bytes"):
        find_cosignature(TEXT, [short], KEY)
    with pytest.raises(NoteError, match="has not cosigned"):
        find_cosignature(TEXT, ["\u2014 other AAAAAAA="], KEY)
