from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.keys import PemSigner, new_key_pem
from app.ledger.note import (
    Checkpoint,
    NoteError,
    VerifierKey,
    open_checkpoint,
    open_note,
    sign_checkpoint,
)

SIGNER = PemSigner(new_key_pem(), "test")
KEY = VerifierKey("example.com/log", SIGNER.public_key)
CHECKPOINT = Checkpoint("example.com/log", 7, bytes(range(32)))
NOTE = sign_checkpoint(CHECKPOINT, SIGNER)

# golang.org/x/mod/sumdb/note: the example key and note of its documentation.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def signed(text, signer=SIGNER, name=KEY.name):
    key = VerifierKey(name, signer.public_key)
    signature = b64encode(key.key_id + signer.sign(text.encode())).decode()
    return f"{text}\n\u2014 {name} {signature}\n"


def test_a_note_of_another_implementation_opens():
    key = VerifierKey.parse(GO_VKEY)
    assert str(key) == GO_VKEY
    assert open_note(GO_NOTE, [key]) == GO_NOTE.partition("\n\n")[0] + "\n"


def test_a_signed_checkpoint_opens_to_itself():
    assert open_checkpoint(NOTE, [KEY]) == CHECKPOINT
    root = b64encode(bytes(range(32))).decode()
    assert NOTE.startswith(f"example.com/log\n7\n{root}\n\n\u2014 example.com/log ")


def test_signatures_of_unknown_keys_are_ignored():
    other = PemSigner(new_key_pem(), "other")
    line = signed(CHECKPOINT.text(), other, "witness.example/w").rpartition("\n\n")[2]
    assert open_checkpoint(NOTE + line, [KEY]) == CHECKPOINT
    both = CHECKPOINT.text() + "\n" + line + NOTE.rpartition("\n\n")[2]
    assert open_checkpoint(both, [KEY]) == CHECKPOINT
    # The same name with another key is another key.
    impostor = signed(CHECKPOINT.text(), other).rpartition("\n\n")[2]
    assert open_checkpoint(NOTE + impostor, [KEY]) == CHECKPOINT
    with pytest.raises(NoteError, match="no known key"):
        open_checkpoint(CHECKPOINT.text() + "\n" + line + impostor, [KEY])


@given(st.integers(0, len(NOTE) - 1), st.characters())
def test_no_changed_note_opens_to_anything_else(position, character):
    changed = NOTE[:position] + character + NOTE[position + 1 :]
    if changed == NOTE:
        return
    with pytest.raises(NoteError):
        open_checkpoint(changed, [KEY])


@pytest.mark.parametrize(
    "text",
    [
        "example.com/log\n7\n",
        CHECKPOINT.text() + "extension line\n",
        CHECKPOINT.text() + "\nexample.com/log\n",
        CHECKPOINT.text().replace("\n7\n", "\n07\n"),
        CHECKPOINT.text().replace("\n7\n", "\n-7\n"),
        CHECKPOINT.text().replace("\n7\n", "\n+7\n"),
        CHECKPOINT.text().replace("\n7\n", "\n 7\n"),
        CHECKPOINT.text().replace("\n7\n", "\n\u0667\n"),
        CHECKPOINT.text().replace("\n7\n", "\n\n"),
        CHECKPOINT.text().replace("\n7\n", "\n" + "9" * 25 + "\n"),
        "\n7\n" + b64encode(bytes(32)).decode() + "\n",
        "example.com/log\n7\n" + b64encode(bytes(31)).decode() + "\n",
        "example.com/log\n7\n" + b64encode(bytes(32)).decode().rstrip("=") + "\n",
        "example.com/log\n7\n" + b64encode(bytes(32)).decode()[:-2] + "B=\n",
        "example.com/log\r\n7\r\n" + b64encode(bytes(32)).decode() + "\r\n",
    ],
)
def test_a_malformed_checkpoint_is_refused_though_signed(text):
    with pytest.raises(NoteError):
        open_checkpoint(signed(text), [KEY])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "\n\n",
        CHECKPOINT.text(),
        NOTE[:-1],
        NOTE + "\n",
        NOTE + "trailing",
        NOTE.replace("\u2014", "-"),
        NOTE.replace("\u2014 ", "\u2014  "),
        NOTE.replace("\n\n", "\n"),
        NOTE + "\u2014 x AAAA\n",
        NOTE + "\u2014 x not-base64\n",
        NOTE + "\x00",
        "x" * 70_000 + NOTE,
    ],
)
def test_a_malformed_note_is_refused(note):
    with pytest.raises(NoteError):
        open_checkpoint(note, [KEY])


def test_a_key_survives_writing_and_reading_even_with_plus_signs_in_its_base64():
    found = 0
    for _ in range(60):
        public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        key = VerifierKey("a/b", public)
        assert VerifierKey.parse(str(key)) == key
        found += str(key).count("+") > 2
    assert found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        GO_VKEY.replace("c74f20a3", "c74f20a4"),
        GO_VKEY.replace("PeterNeumann", "Peter Neumann"),
        GO_VKEY.replace("PeterNeumann", ""),
        "x+00000000+" + b64encode(b"\x02" + bytes(32)).decode(),
        "x+00000000+" + b64encode(b"\x01" + bytes(31)).decode(),
        GO_VKEY + "!",
    ],
)
def test_a_malformed_verifier_key_is_refused(text):
    with pytest.raises(NoteError):
        VerifierKey.parse(text)
