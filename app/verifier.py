"""Checks a Clearance record: every entry, the root, the signatures, and the copies kept outside.

One file on purpose: it needs the standard library and `cryptography` and nothing else of Clearance,
so that an auditor can copy it, read it whole and run `python verifier.py ARCHIVE`. It repairs
nothing, and says "verified" only of what somebody outside the operator vouches for.
"""

import argparse
import binascii
import http.client
import json
import os
import re
import sqlite3
import sys
import urllib.error
import urllib.request
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

FORMAT: Final = "clearance-archive/1"
PROOF: Final = "c2sp.org/tlog-proof@v1"
WIDTH: Final = 256
HASH: Final = 32
MAX_BODY: Final = 65_535
MAX_NOTE: Final = 64 * 1024
MAX_JSON: Final = 32 * 1024 * 1024
MAX_EVIDENCE: Final = 256 * 1024 * 1024
"""One piece of evidence, unpacked. A packed one that grows beyond is refused, not unpacked."""
CHUNK: Final = 1024 * 1024
RETRIES: Final = 5
EMPTY_ROOT: Final = sha256(b"").digest()
ED25519, COSIGNATURE = 1, 4
NOT_LOOKED_AT: Final = (
    "Evidence, documents, and checkpoints between the newest and the newest cosigned one were not "
    "looked at: they are in an archive only."
)
CLOCKS: Final = timedelta(minutes=5)
"""How far an entry's time may lie outside of the cosigned checkpoints around it."""
VERIFIED, STALE, SELF_ANCHORED = "verified", "stale", "self-anchored"
UNANCHORED, TAMPERED = "unanchored", "tampered"
EXIT: Final = {VERIFIED: 0, TAMPERED: 1, STALE: 3, SELF_ANCHORED: 3, UNANCHORED: 3}


class Broken(Exception):  # noqa: N818 - named for what it says
    """The record does not hold. `bad` is the first and the last index that may be the bad one."""

    def __init__(self, message: str, first: int | None = None, last: int | None = None) -> None:
        super().__init__(message)
        self.bad = None if first is None else (first, first if last is None else last)


class NoRecord(Exception):  # noqa: N818 - named for what it says
    """There is nothing here to check: no archive, no service, no readable key or checkpoint."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key of a log or of a witness, as C2SP writes it: `name+id+base64`."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which signature lines name it."""
        return sha256(b"%b\n%c%b" % (self.name.encode(), self.kind, self.public)).digest()[:4]

    def __str__(self) -> str:
        text = b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{text}"

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Read one; the base64 part may itself contain plus signs."""
        parts = text.strip().split("+", 2)
        raw = _base64(parts[2]) if len(parts) == 3 else None
        if raw is None or len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE):
            raise NoRecord(f"{text!r} is no public key; write name+id+base64, Ed25519")
        key = cls(parts[0], raw[0], raw[1:])
        if key.id.hex() != parts[1]:
            raise NoRecord(f"the key {text!r} does not have the id that stands in it")
        return key

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Note:
    """A signed checkpoint, parsed: nothing in it is believed yet."""

    origin: str
    size: int
    root: bytes
    text: str
    signatures: tuple[tuple[str, bytes], ...]

    @classmethod
    def parse(cls, note: str, where: str) -> "Note":
        """Refuses extension lines and whatever is not written in the one canonical way."""
        text, blank, block = note.rpartition("\n\n")
        lines = text.split("\n")
        if len(note) > MAX_NOTE or not blank or not block.endswith("\n") or len(lines) != 3:
            raise Broken(f"{where} is no checkpoint: three lines, an empty one, signatures")
        root = _base64(lines[2])
        is_number = re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1])
        if not lines[0].isprintable() or not is_number or root is None or len(root) != HASH:
            raise Broken(f"{where} is no checkpoint: origin, size and root are malformed")
        found = []
        for line in block[:-1].split("\n"):
            dash, _, rest = line.partition(" ")
            name, _, encoded = rest.partition(" ")
            raw = _base64(encoded)
            if dash != "\u2014" or not name or raw is None or len(raw) < 5:
                raise Broken(f"{where} has a signature line that is none")
            found.append((name, raw))
        return cls(lines[0], int(lines[1]), root, text + "\n", tuple(found))

    def is_signed_by(self, key: Key, where: str) -> bool:
        """Whether the log's key has signed it; a signature that is wrong is worse than none."""
        for name, raw in self.signatures:
            if (name, raw[:4]) == (key.name, key.id):
                if not key.verify(raw[4:], self.text.encode()):
                    raise Broken(f"the signature of {name} under {where} is false")
                return True
        return False

    def cosigned_at(self, key: Key, where: str) -> datetime | None:
        """When a witness cosigned it; None where it did not."""
        for name, raw in self.signatures:
            if (name, raw[:4]) == (key.name, key.id):
                time = int.from_bytes(raw[4:12])
                message = f"cosignature/v1\ntime {time}\n{self.text}".encode()
                if len(raw) != 76 or not key.verify(raw[12:], message):
                    raise Broken(f"the cosignature of {name} under {where} is false")
                return datetime.fromtimestamp(min(time, 2**37), UTC)
        return None


class Tree:
    """The RFC 6962 tree, one tile of leaves at a time, so that memory does not grow with it."""

    def __init__(self) -> None:
        self.base = 0
        self._left: list[tuple[int, bytes]] = []
        self._leftward: list[bytes] = []
        """The same from right to left, ready to be hashed in front of what is right of it."""
        self._rows: list[list[bytes]] = [[]]
        self._above: dict[int, list[bytes]] = {}

    def add(self, leaves: list[bytes]) -> None:
        """The next 256 leaves; fewer only at the end."""
        if len(self._rows) == 9:
            self._settle()
        rows = [leaves]
        while len(rows[-1]) > 1:
            pairs = iter(rows[-1])
            # An odd last node has no parent yet.
            rows.append(
                [sha256(b"\x01" + a + b).digest() for a, b in zip(pairs, pairs, strict=False)]
            )
        self._rows = rows
        if len(rows) == 9:
            self._fill(1, rows[8][0])

    def _settle(self) -> None:
        """The tile that was newest joins the perfect subtrees to the left of the next."""
        height, root = 8, self._rows[8][0]
        while self._left and self._left[-1][0] == height:
            root = sha256(b"\x01" + self._left.pop()[1] + root).digest()
            height += 1
        self._left.append((height, root))
        self._leftward = [b"\x01" + node for _, node in reversed(self._left)]
        self.base += WIDTH

    def _fill(self, level: int, root: bytes) -> None:
        """One more hash in the tile above, which may fill as well."""
        row = self._above.setdefault(level, [])
        if len(row) == WIDTH:
            row.clear()
        row.append(root)
        if len(row) == WIDTH:
            whole = row
            while len(whole) > 1:
                pairs = iter(whole)
                whole = [
                    sha256(b"\x01" + a + b).digest() for a, b in zip(pairs, pairs, strict=True)
                ]
            self._fill(level + 1, whole[0])

    def tile(self, level: int) -> bytes:
        """The newest tile of a level, as far as it is filled."""
        return b"".join(self._rows[0] if level == 0 else self._above.get(level, []))

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves, of which the last is in the newest tile."""
        inside, level, found = size - self.base, 0, b""
        while inside:
            if inside & 1:
                node = self._rows[level][inside - 1]
                found = sha256(b"\x01" + node + found).digest() if found else node
            inside, level = inside >> 1, level + 1
        for node in self._leftward if found else ():
            found = sha256(node + found).digest()
        return found or EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Member:
    """One part of an archive; its chunks can be taken until the next member is asked for."""

    name: str
    chunks: Iterable[bytes]
    offset: int = 0
    size: int = 0

    def whole(self, limit: int) -> bytes:
        """All of it, if it is not too large."""
        parts, total = [], 0
        for chunk in self.chunks:
            parts.append(chunk)
            total += len(chunk)
            if total > limit:
                raise Broken(f"{self.name} is larger than {limit} bytes")
        return b"".join(parts)

    def json(self) -> Any:
        """All of it as JSON in which no key stands twice."""
        return read_json(self.whole(MAX_JSON), self.name)


def read_json(content: bytes, where: str) -> Any:
    """JSON; two readers must not see two values, so no key may stand twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            raise Broken(f"{where}: a key stands twice in one object")
        return value

    try:
        return json.loads(content, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise Broken(f"{where} is not JSON") from None


def layout(size: int) -> Iterator[str]:
    """The names of an archive's members about the log, in their only order."""
    for number in range(-(-size // WIDTH)):
        width = min(WIDTH, size - number * WIDTH)
        yield f"checkpoints/{number}.json"
        yield tile_path("entries", number, width)
        yield tile_path("0", number, width)
        level, full = 1, number + 1
        while width == WIDTH and full % WIDTH == 0:
            full //= WIDTH
            yield tile_path(str(level), full - 1, WIDTH)
            level += 1
    level, count = 1, size // WIDTH
    while count:
        if count % WIDTH:
            yield tile_path(str(level), count // WIDTH, count % WIDTH)
        level, count = level + 1, count // WIDTH


def tile_path(level: str, number: int, width: int) -> str:
    """The path of a tile as C2SP's tlog-tiles writes it."""
    digits = f"{number % 1000:03d}"
    while number := number // 1000:
        digits = f"x{number % 1000:03d}/{digits}"
    return f"tile/{level}/{digits}" + (f".p/{width}" if width < WIDTH else "")


def tar_header(name: str, size: int) -> bytes:
    """The one header that a member of this name and size has: ustar, no owner, no time."""
    fields = (b"0000644\0", b"0000000\0", b"0000000\0", b"%011o\0" % size, b"00000000000\0")
    head = name.encode().ljust(100, b"\0") + b"".join(fields)
    tail = b"0" + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2
    total = sum(head) + sum(tail) + 8 * 32
    return (head + b"%06o\0 " % total + tail).ljust(512, b"\0")


class Archive:
    """The members of an archive file, in order; nothing but what an export writes is accepted."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 0

    def __iter__(self) -> Iterator[Member]:
        """Each member once; a second pass starts anew."""
        self._file.seek(0)
        self._at = 0
        while True:
            head = self._read(512, "between two members")
            if not any(head):
                if any(self._read(512, "in its end mark")) or self._file.read(1):
                    raise Broken("the archive goes on after its end")
                return
            name, size = head[:100].rstrip(b"\0").decode("ascii", "replace"), head[124:135]
            if not re.fullmatch(rb"[0-7]{11}", size) or tar_header(name, int(size, 8)) != head:
                if self._at == 512:
                    raise NoRecord("this is not an archive of a Clearance record (a plain tar)")
                raise Broken(f"at byte {self._at - 512} there is no member that an export writes")
            start, length = self._at, int(size, 8)
            chunks = self._chunks(name, length)
            yield Member(name, chunks, start, length)
            for _ in chunks:
                """What nobody asked for is passed over."""
            self._read(-length % 512, f"after {name}")

    def _chunks(self, name: str, left: int) -> Iterator[bytes]:
        while left:
            chunk = self._read(min(left, CHUNK), f"in the middle of {name}")
            left -= len(chunk)
            yield chunk

    def _read(self, count: int, where: str) -> bytes:
        found = self._file.read(count) if count else b""
        if len(found) < count:
            raise Broken(f"the archive is cut off: it ends {where}")
        self._at += count
        return found


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect could carry the credentials elsewhere, so it is an error like any other."""

    def redirect_request(self, *_: object) -> None:
        """No new request: the answer stays what it is."""
        return None  # noqa: RET501 - an empty body would look unfinished


class Live:
    """A running service as if it were an archive: entries, tiles, the newest checkpoint.

    Beside that is the newest checkpoint that a witness cosigned. Older ones, documents and evidence
    are in an archive only.
    """

    def __init__(self, url: str, token: str | None) -> None:
        if not re.match(r"https?://[^/]", url):
            raise NoRecord(f"{url!r} is no URL of a service")
        self._base = f"{url.rstrip('/').removesuffix('/v1/audit')}/v1"
        self._token = token

        self._open = urllib.request.build_opener(_Stay).open

    def __iter__(self) -> Iterator[Member]:
        """The members, fetched one by one."""
        keys: dict[str, Any] = {}
        # Again where a key was rotated meanwhile: keys and checkpoint must be of one moment.
        for _ in range(RETRIES):
            before, keys = keys, self._keys()
            if keys == before:
                break
            # The cosigned one first, so that it cannot be the larger one.
            seen = self.get("audit/checkpoint?cosigned=true", MAX_NOTE).decode("utf-8", "replace")
            note = self.get("audit/checkpoint", MAX_NOTE)
        else:
            raise NoRecord(f"{self._base} changed its keys again and again; try later")
        newest = Note.parse(note.decode("utf-8", "replace"), "checkpoint")
        size = Note.parse(seen, "the cosigned checkpoint").size
        if size > newest.size:
            detail = f"the service showed a checkpoint of {size} entries, and then one of"
            raise Broken(f"{detail} {newest.size}", newest.size, size - 1)
        head = {"format": FORMAT, "origin": newest.origin, "size": newest.size, "evidence": False}
        yield Member("archive.json", [json.dumps(head).encode()])
        yield Member("keys.json", [json.dumps(keys).encode()])
        yield Member("checkpoint", [note])
        place = f"checkpoints/{max(0, size - 1) // WIDTH}.json"
        for name in layout(newest.size):
            if name.startswith("checkpoints/"):
                yield Member(name, [json.dumps([seen] if name == place else []).encode()])
            else:
                yield Member(name, [self.get(f"audit/{name}", WIDTH * (MAX_BODY + 2))])
        end = {"entries": newest.size, "evidence": 0}
        yield Member("end.json", [json.dumps(end).encode()])

    def _keys(self) -> dict[str, Any]:
        """The public keys, the oldest first."""
        found = {}
        for name, path in (("log", "audit/keys"), ("attestation", "attestations/keys")):
            try:
                found[name] = read_json(self.get(path, MAX_JSON), path)["items"][::-1]
            except (KeyError, TypeError):
                raise Broken(f"{path} is no list of keys") from None
        try:
            return found | {"log": [item["verifier_key"] for item in found["log"]]}
        except (KeyError, TypeError):
            raise Broken("audit/keys is no list of keys") from None

    def get(self, path: str, limit: int) -> bytes:
        """The bytes at a path of the service."""
        return Member(path, self.stream(path)).whole(limit)

    def stream(self, path: str) -> Iterator[bytes]:
        """The same in chunks."""
        request = urllib.request.Request(f"{self._base}/{path}")  # noqa: S310 - the scheme was checked
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with self._open(request, timeout=60) as answer:
                while chunk := answer.read(CHUNK):
                    yield chunk
        except urllib.error.HTTPError as error:
            error.close()
            hint = ""
            if error.code in (401, 403):
                hint = "; set CLEARANCE_TOKEN to a key that may read the record"
            raise NoRecord(f"{self._base}/{path} answers {error.code}{hint}") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NoRecord(f"{self._base}/{path} cannot be read: {error}") from None


class LogKeys:
    """Which key signs at which size: the first as listed, every later one by `key.rotated`."""

    def __init__(self, listed: Sequence[Key]) -> None:
        self._listed = listed
        self._since = [(-1, listed[0])]

    @property
    def all(self) -> list[Key]:
        """Every key so far, the oldest first."""
        return [key for _, key in self._since]

    def at(self, size: int) -> Key:
        """The key that signs a checkpoint of this size."""
        index, newest = self._since[-1]
        if index < size:
            return newest
        return next(key for index, key in reversed(self._since) if index < size)

    def hand_over(self, index: int, entry: Mapping[str, Any]) -> None:
        """An entry `key.rotated`: the old key must have signed the new one's name."""
        data, refs = entry.get("data"), entry.get("refs")
        if not isinstance(data, dict) or not isinstance(refs, dict):
            raise Broken(f"entry {index} rotates a key and does not say which", index)
        if data.get("purpose") != "log":
            return
        old = self._since[-1][1]
        spki, endorsement = _base64(data.get("public_key")), _base64(data.get("endorsement"))
        if spki is None or endorsement is None:
            raise Broken(f"entry {index} rotates the log's key and does not name it", index)
        new = Key(old.name, ED25519, _raw_key(spki, index))
        names = f"log\n{_key_id(old)}\n{_key_id(new)}\n{b64encode(spki).decode()}\n"
        signed = old.verify(endorsement, f"clearance key rotation\n{names}".encode())
        if (entry.get("subject"), refs.get("key")) != (_key_id(old), _key_id(new)) or not signed:
            raise Broken(f"entry {index} rotates the log's key without the old key's word", index)
        self._since.append((index, new))

    def require_listed(self) -> None:
        """The keys that are served are those that the log itself introduced."""
        if self.all != list(self._listed):
            raise Broken("keys.json lists other keys than the log introduced with key.rotated")


class AttestationKeys:
    """Which keys sign attestations, each from when to when, as the log introduced them."""

    def __init__(self) -> None:
        self._made: list[dict[str, Any]] = []

    def introduce(self, index: int, entry: Mapping[str, Any]) -> None:
        """`key.created` names the first one; `key.rotated` a later one, with the old one's word."""
        data, refs = entry.get("data"), entry.get("refs")
        if not isinstance(data, dict) or data.get("purpose") != "attestation":
            return
        spki, time = _base64(data.get("public_key")) or b"", entry.get("time")
        key = sha256(spki).hexdigest()
        is_first, named = entry.get("type") == CREATED, entry.get("subject")
        if not is_first:
            named = refs.get("key") if isinstance(refs, dict) else None
            self._hand_over(index, entry, key, data)
            self._made[-1]["valid_until"] = time
        elif self._made:
            raise Broken(f"entry {index} makes a second attestation key beside the first", index)
        if named != key or not isinstance(_public(spki), EllipticCurvePublicKey):
            raise Broken(f"entry {index} does not hold the attestation key it introduces", index)
        self._made.append({"keyid": key, "spki": spki, "valid_from": time, "valid_until": None})

    def _hand_over(
        self, index: int, entry: Mapping[str, Any], key: str, data: Mapping[str, Any]
    ) -> None:
        old, word = (self._made or [{}])[-1], _base64(data.get("endorsement"))
        public = _public(old.get("spki", b""))
        names = f"attestation\n{old.get('keyid')}\n{key}\n{data.get('public_key')}\n"
        try:
            if old.get("keyid") == entry["subject"] and isinstance(public, EllipticCurvePublicKey):
                text = f"clearance key rotation\n{names}".encode()
                public.verify(word or b"", text, ECDSA(SHA256()))
                return
        except (InvalidSignature, KeyError):
            pass
        raise Broken(f"entry {index} rotates the attestation key without the old key's word", index)

    def require_listed(self, listed: object) -> int:
        """The keys that are listed, and their times, are those of the log; how many there are."""
        told = [{**key, "spki": key["spki"].hex()} for key in self._made]
        if _listed_keys(listed) != told:
            raise Broken("keys.json lists other attestation keys or times than the log")
        return len(told)


def _listed_keys(listed: object) -> list[dict[str, Any]] | None:
    """Listed attestation keys, each from its PEM."""
    try:
        return [
            {
                "keyid": item["keyid"],
                "spki": b64decode("".join(item["public_key"].split("\n")[1:-2])).hex(),
                "valid_from": item["valid_from"],
                "valid_until": item["valid_until"],
            }
            for item in (listed if isinstance(listed, list) else [])
        ]
    except (KeyError, TypeError, AttributeError, ValueError):
        return None


def _public(spki: bytes) -> object:
    """A public key from its SubjectPublicKeyInfo, or None."""
    try:
        return load_der_public_key(spki)
    except ValueError:
        return None


def _raw_key(spki: bytes, index: int) -> bytes:
    key = _public(spki)
    if not isinstance(key, Ed25519PublicKey):
        raise Broken(f"entry {index} rotates to a key that is not Ed25519", index)
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _key_id(key: Key) -> str:
    """SHA-256 of the SubjectPublicKeyInfo, by which entries name a key."""
    public = Ed25519PublicKey.from_public_bytes(key.public)
    return sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _base64(text: object) -> bytes | None:
    """Base64 in its only canonical spelling, else None."""
    if not isinstance(text, str):
        return None
    try:
        raw = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if b64encode(raw).decode() == text else None


NAMED: Final = {
    "evaluation.received": ("inputs", "raw", "files"),
    "decision.recorded": ("document", "inputs", "policy"),
    "policy.published": ("digest",),
}
"""Under which refs an entry names evidence that an archive carries."""
CREATED, ROTATED, ERASED = "key.created", "key.rotated", "privacy.erased"


def _endings(*types: str) -> tuple[bytes, ...]:
    """How entries of these types end: bodies are canonical JSON, so the type stands last."""
    return tuple(b'"type":"%b","v":1}' % name.encode() for name in types)


_TIME: Final = re.compile(rb'"time":"([0-9TZ:.-]{20,32})","type":"[a-z_.]+","v":1\}\Z')


def read_time(text: bytes) -> datetime:
    """The time that an entry claims; one that is none is before every other."""
    try:
        return datetime.fromisoformat(text.decode()).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)


class Evidence:
    """Which evidence entries name and which is there: on disk, because there may be much."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.execute("BEGIN")
        self._base.execute(
            "CREATE TABLE named (digest TEXT PRIMARY KEY, entry INTEGER, found INTEGER DEFAULT 0)"
        )
        self.count = 0
        self.erased = 0
        self._last: tuple[str, Any] = ("", "")

    def name(self, index: int, entry: Mapping[str, Any]) -> None:
        """Remember what an entry refers to."""
        refs = entry.get("refs")
        for field_name in NAMED.get(str(entry.get("type")), ()):
            digest = refs.get(field_name) if isinstance(refs, dict) else None
            for one in digest.values() if isinstance(digest, dict) else (digest,):
                if isinstance(one, str):
                    self._base.execute(
                        "INSERT OR IGNORE INTO named (digest, entry) VALUES (?, ?)", (one, index)
                    )

    def erase(self, entry: Mapping[str, Any]) -> None:
        """What was erased on the record need not be there."""
        data = entry.get("data")
        for digest in data.get("blobs", ()) if isinstance(data, dict) else ():
            done = self._base.execute("DELETE FROM named WHERE digest = ?", (digest,))
            self.erased += done.rowcount

    def check(self, member: Member) -> None:
        """One piece: its bytes have the digest in its name, and it stands there once."""
        place = re.fullmatch(r"(evidence|documents|policies)/([0-9a-f]{64})(\.zlib)?", member.name)
        if place is None:
            raise Broken(f"{member.name} does not belong here; is the archive reordered?")
        folder, name = place[1], place[2]
        content = unpacked(member.chunks, member.name) if place[3] else member.chunks
        hashed = sha256()
        for chunk in content:
            hashed.update(chunk)
        digest = f"sha256:{name}"
        row = self._base.execute(
            "SELECT entry, found FROM named WHERE digest = ?", (digest,)
        ).fetchone()
        entry = row[0] if row else None
        if hashed.hexdigest() != name:
            raise Broken(f"{member.name} is not what entry {entry} names", entry)
        if folder == "documents" and entry is None:
            raise Broken(f"{member.name} is no decision's document")
        here = (folder, entry if folder == "documents" else name)
        if (row and row[1]) or here <= self._last:
            raise Broken(f"{member.name} stands twice or not in its place", entry)
        self._last = here
        self._base.execute("UPDATE named SET found = 1 WHERE digest = ?", (digest,))
        self.count += 1

    def require_all(self) -> None:
        """Everything that entries name is there."""
        lost = self._base.execute(
            "SELECT digest, entry FROM named WHERE found = 0 ORDER BY entry LIMIT 1"
        ).fetchone()
        if lost is not None:
            raise Broken(f"entry {lost[1]} names {lost[0]}, which is not there", lost[1])


def unpacked(chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    """The content of a packed member, never more of it at once than a chunk."""
    unpack, total = zlib.decompressobj(), 0
    try:
        for chunk in chunks:
            left = chunk
            while left:
                if unpack.eof:
                    raise Broken(f"{where} goes on after its end")
                found = unpack.decompress(left, CHUNK)
                total += len(found)
                if total > MAX_EVIDENCE:
                    raise Broken(f"{where} unpacks to more than {MAX_EVIDENCE} bytes")
                yield found
                left = unpack.unconsumed_tail or unpack.unused_data
        # All input is taken; what the last symbols stand for may still be inside.
        yield unpack.flush()
    except zlib.error:
        raise Broken(f"{where} is damaged: it does not unpack") from None
    if not unpack.eof:
        raise Broken(f"{where} is cut off")


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint that was kept, and where it comes from."""

    note: Note
    name: str
    entry: tuple[int, bytes] | None = None
    """Index and leaf of the entry that came with it, as in the answer to a submission."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What the auditor brings: keys, older checkpoints, witnesses."""

    keys: tuple[Key, ...] = ()
    since: tuple[Kept, ...] = ()
    own: tuple[Kept, ...] = ()
    """Checkpoints that the operator itself kept outside of the database."""
    witnesses: tuple[Key, ...] = ()
    max_age: timedelta = timedelta(hours=24)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    every_signature: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, in words."""

    verdict: str
    claims: tuple[str, ...]
    origin: str | None
    size: int | None
    root: str | None
    bad: tuple[int, int] | None = None

    @property
    def exit_code(self) -> int:
        """0 valid, 1 tampered, 3 valid but nobody outside vouches for (all of) it."""
        return EXIT[self.verdict]


Progress = Callable[[int, int], None]


class Verification:
    """One pass over the members of a record."""

    def __init__(
        self, members: Iterable[Member], trust: Trust, progress: Progress | None = None
    ) -> None:
        self._members = iter(members)
        self._trust = trust
        self._progress = progress
        self._tree = Tree()
        self._evidence: Evidence | None = None
        self._claims: list[str] = []
        self._origin: str | None = None
        self._size: int | None = None
        self._root: bytes | None = None
        self._checkpoints = self._signatures = 0
        self._checked = 0
        """The largest size whose root is known to be the recorded one."""
        self._signer: Key | None = None
        self._attesting = AttestationKeys()
        self._listed_attesting: object = None
        self._wanted = _endings(CREATED, ROTATED)
        self._seals = [f"\n\u2014 {witness.name} " for witness in trust.witnesses]
        self._outside = 0
        self._own = 0
        self._times: list[tuple[int, datetime]] = []
        self._after: dict[int, datetime] = {}
        self._waiting: list[int] = []
        self._cosigned: tuple[int, datetime] | None = None
        self._latest: tuple[datetime, int] | None = None
        self._seen: dict[Key, tuple[int, datetime]] = {}
        self._cosignatures: list[tuple[int, datetime]] = []

    def run(self) -> Report:
        """Everything, up to the first thing that does not hold."""
        try:
            self._log()
            self._rest()
            return self._report(self._verdict())
        except Broken as broken:
            self._claims.append(f"FAILED: {broken}.")
            return self._report(TAMPERED, broken.bad)

    def _report(self, verdict: str, bad: tuple[int, int] | None = None) -> Report:
        root = self._root.hex() if self._root is not None else None
        return Report(verdict, tuple(self._claims), self._origin, self._size, root, bad)

    def _next(self, name: str) -> Member:
        member = next(self._members, None)
        if member is None or member.name != name:
            found = "the end" if member is None else member.name
            raise Broken(f"the archive is incomplete or reordered: {found} where {name} should be")
        return member

    def _log(self) -> None:
        head = self._next("archive.json").json()
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise NoRecord(f"this is not an archive of the format {FORMAT}")
        self._origin, self._size = str(head.get("origin")), head.get("size")
        self._keys = LogKeys(self._listed(self._next("keys.json").json()))
        text = self._next("checkpoint").whole(MAX_NOTE).decode("utf-8", "replace")
        newest = Note.parse(text, "the newest checkpoint")
        if (newest.origin, newest.size) != (self._origin, self._size):
            raise Broken("the newest checkpoint is of another log or size than the archive says")
        if head.get("evidence"):
            self._evidence = Evidence()
            self._wanted = _endings(CREATED, ROTATED, ERASED, *NAMED)
        names = layout(newest.size)
        for number in range(-(-newest.size // WIDTH)):
            self._bundle(number, min(WIDTH, newest.size - number * WIDTH), names)
            if self._progress is not None:
                self._progress(min(newest.size, (number + 1) * WIDTH), newest.size)
        for name in names:
            self._hash_tile(name)
        self._finish(newest)

    def _listed(self, value: Any) -> list[Key]:
        texts = value.get("log") if isinstance(value, dict) else None
        self._listed_attesting = value.get("attestation") if isinstance(value, dict) else None
        if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
            raise Broken("keys.json lists no key of the log")
        try:
            keys = [Key.parse(text) for text in texts]
        except NoRecord as error:
            raise Broken(f"keys.json: {error}") from None
        if any(key.name != self._origin or key.kind != ED25519 for key in keys):
            raise Broken(f"keys.json lists a key of another log than {self._origin}")
        if len(set(keys)) < len(keys):
            raise Broken("keys.json lists a key twice")
        return keys

    def _bundle(self, number: int, width: int, names: Iterator[str]) -> None:
        first = number * WIDTH
        place = next(names)
        notes = self._notes(self._next(place), first, width)
        place = next(names)
        bundle = self._next(place).whole(WIDTH * (MAX_BODY + 2))
        leaves = self._leaves(bundle, first, place)
        if len(leaves) != width:
            raise Broken(f"{place} holds {len(leaves)} entries, not {width}", first + len(leaves))
        for kept in self._trust.since:
            if kept.entry is not None and first <= kept.entry[0] < first + width:
                self._answered(
                    kept.name, kept.entry[0], kept.entry[1], leaves[kept.entry[0] - first]
                )
        self._tree.add(leaves)
        self._hash_tile(next(names), first)
        if width == WIDTH:
            full = number + 1
            while full % WIDTH == 0:
                self._hash_tile(next(names))
                full //= WIDTH
        self._compare(notes, first, width)

    def _answered(self, name: str, index: int, answered: bytes, leaf: bytes) -> None:
        if answered != leaf:
            raise Broken(f"entry {index} is not the one that was answered in {name}", index)
        self._claims.append(f"What was answered in {name} is entry {index}.")

    def _leaves(self, bundle: bytes, first: int, place: str) -> list[bytes]:
        """The leaf hashes of a bundle: each entry is two bytes of length and its body."""
        bodies, at, size = [], 0, len(bundle)
        while at + 2 < size:
            begin = at + 2
            at = begin + (bundle[at] << 8 | bundle[at + 1])
            bodies.append(bundle[begin:at])
        if at != size:
            raise Broken(f"{place} is damaged", first + max(0, len(bodies) - 1))
        wanted = self._wanted
        for offset in [i for i, body in enumerate(bodies) if body.endswith(wanted)]:
            self._notable(first + offset, bodies[offset])
        if self._trust.witnesses or self._trust.since:
            for index, body in enumerate(bodies, first):
                if time := _TIME.search(body, max(0, len(body) - 120)):
                    self._times.append((index, read_time(time[1])))
        return [sha256(b"\x00" + body).digest() for body in bodies]

    def _notable(self, index: int, body: bytes) -> None:
        """Entries that say something about keys or evidence."""
        entry = read_json(body, f"entry {index}")
        if entry["type"] in (CREATED, ROTATED):
            self._attesting.introduce(index, entry)
            if entry["type"] == ROTATED:
                self._keys.hand_over(index, entry)
        elif self._evidence is not None:
            if entry["type"] == ERASED:
                self._evidence.erase(entry)
            else:
                self._evidence.name(index, entry)

    def _hash_tile(self, name: str, first: int | None = None) -> None:
        """A stored tile against the recomputed one: where they differ, an entry was changed."""
        stored = self._next(name).whole(WIDTH * HASH)
        level = int(name.split("/")[1])
        computed = self._tree.tile(level)
        if stored == computed:
            return
        if first is None:
            raise Broken(f"{name} is not the tile of these entries")
        for at in range(0, len(computed), HASH):
            if stored[at : at + HASH] != computed[at : at + HASH]:
                index = first + at // HASH
                raise Broken(f"entry {index} is not the one that was recorded", index)
        raise Broken(f"{name} has another length than its entries", first)

    def _notes(self, member: Member, first: int, width: int) -> list[tuple[int, str]]:
        """The checkpoints that end within a bundle, the smallest first."""
        value = member.json()
        found: list[tuple[int, str]] = []
        for text in value if isinstance(value, list) else [""]:
            parts = text.split("\n", 2) if isinstance(text, str) and len(text) < MAX_NOTE else []
            is_size = len(parts) == 3 and parts[1].isascii() and parts[1].isdigit()
            if not is_size or len(parts[1]) > 19:
                raise Broken(f"{member.name} is no list of checkpoints")
            found.append((int(parts[1]), str(text)))
        sizes = [size for size, _ in found]
        begin = first or -1
        if sizes != sorted(set(sizes)) or (
            sizes and not begin < sizes[0] <= sizes[-1] <= first + width
        ):
            raise Broken(
                f"{member.name} has checkpoints of other sizes than {first} to {first + width}"
            )
        return found

    def _compare(self, notes: Sequence[tuple[int, str]], first: int, width: int) -> None:
        """Checkpoints and kept copies that end here, by size."""
        kept = [(item.note.size, item) for item in (*self._trust.since, *self._trust.own)]
        here = [(size, item) for size, item in kept if first < size <= first + width]
        events: Sequence[tuple[int, str | Kept]] = notes
        if here:
            events = sorted([*notes, *here], key=lambda event: event[0])
        for size, event in events:
            if isinstance(event, str):
                self._beside(size, event, notes)
            else:
                self._extends(event)
        if self._times:
            self._in_time()

    def _beside(self, size: int, text: str, notes: Sequence[tuple[int, str]]) -> None:
        """A checkpoint kept beside the entries: its root, and its signature where that matters."""
        root = binascii.b2a_base64(self._tree.root(size)).decode()
        if not text.startswith(f"{self._origin}\n{size}\n{root}\n"):
            detail = f"the checkpoint of {size} entries that lies beside them has another root"
            raise Broken(detail, self._checked, max(self._checked, size - 1))
        self._checkpoints += 1
        key = self._keys.at(size)
        if (
            size == notes[-1][0]
            or key is not self._signer
            or self._trust.every_signature
            or (self._seals and any(seal in text for seal in self._seals))
        ):
            try:
                self._signed(Note.parse(text, f"the checkpoint of {size} entries"), key)
            except Broken:
                self._first_unsigned(notes)
                raise
        self._signer = key
        self._checked = size

    def _signed(self, note: Note, key: Key) -> None:
        where = f"the checkpoint of {note.size} entries"
        if not note.is_signed_by(key, where):
            raise Broken(f"{where} is not signed by the log's key {key}")
        self._signatures += 1
        self._witnessed(note, where)

    def _witnessed(self, note: Note, where: str) -> None:
        """What the witnesses that are trusted said about a checkpoint, and when."""
        for witness in self._trust.witnesses:
            time = note.cosigned_at(witness, where)
            if time is not None:
                self._seen[witness] = (note.size, time)
                self._outside = max(self._outside, note.size)
                self._waiting.append(note.size)
                self._cosignatures.append((note.size, time))

    def _first_unsigned(self, notes: Sequence[tuple[int, str]]) -> None:
        """Of a bundle's checkpoints, name the first whose signature does not hold."""
        low = self._checked
        for size, text in notes:
            where = f"the checkpoint of {size} entries"
            if size > low or size == 0:
                try:
                    is_signed = Note.parse(text, where).is_signed_by(self._keys.at(size), where)
                except Broken as broken:
                    raise Broken(str(broken), low, max(low, size - 1)) from None
                if not is_signed:
                    raise Broken(f"{where} is not signed by the log's key", low, max(low, size - 1))
            low = max(low, size)

    def _extends(self, kept: Kept) -> None:
        """The record must still begin with what was kept."""
        note, is_own = kept.note, kept in self._trust.own
        if self._tree.root(note.size) != note.root:
            known = self._own if is_own else self._outside
            raise Broken(
                f"the first {note.size} entries are not those of the checkpoint in {kept.name}: "
                "history was rewritten",
                *(known, max(known, note.size - 1)),
            )
        self._kept_signed(kept)
        self._witnessed(note, f"the checkpoint in {kept.name}")
        self._claims.append(
            f"The record extends the checkpoint of {note.size} entries in {kept.name}."
        )
        if is_own:
            self._own = max(self._own, note.size)
        else:
            self._outside = max(self._outside, note.size)
            self._waiting.append(note.size)

    def _kept_signed(self, kept: Kept) -> None:
        if not kept.note.is_signed_by(
            self._keys.at(kept.note.size), f"the checkpoint in {kept.name}"
        ):
            raise Broken(f"the checkpoint in {kept.name} was signed by another key than this log's")

    def _in_time(self) -> None:
        """Between two cosigned checkpoints lie only entries that claim a time between them."""
        cosigned = sorted(self._cosignatures)
        for index, time in self._times:
            while cosigned and cosigned[0][0] <= index:
                self._not_after(*cosigned.pop(0))
            while self._waiting and self._waiting[0] <= index:
                self._after[self._waiting.pop(0)] = time
            if self._cosigned is not None and time < self._cosigned[1] - CLOCKS:
                size, seen = self._cosigned
                raise Broken(
                    f"entry {index} claims {time.isoformat()}, but was appended after a witness "
                    f"had cosigned {size} entries at {seen.isoformat()}",
                    index,
                )
            if self._latest is None or time > self._latest[0]:
                self._latest = (time, index)
        for item in cosigned:
            self._not_after(*item)
        self._cosignatures.clear()
        self._times.clear()

    def _not_after(self, size: int, seen: datetime) -> None:
        if self._latest is not None and self._latest[0] > seen + CLOCKS:
            time, index = self._latest
            detail = f"entry {index} claims {time.isoformat()}, but a witness saw it at "
            raise Broken(f"{detail}{seen.isoformat()}", index)
        self._cosigned, self._latest = (size, seen), None

    def _finish(self, newest: Note) -> None:
        """The newest checkpoint, and whatever was kept that the record no longer reaches."""
        size = newest.size
        self._root = self._tree.root(size)
        if self._root != newest.root:
            detail = "the entries do not give the root that the newest checkpoint signs"
            raise Broken(detail, self._checked, max(self._checked, size - 1))
        self._signed(newest, self._keys.at(size))
        self._keys.require_listed()
        attesting = self._attesting.require_listed(self._listed_attesting)
        for kept in (*self._trust.since, *self._trust.own):
            if kept.note.origin != self._origin:
                detail = f"the checkpoint in {kept.name} is of {kept.note.origin}, another log than"
                raise Broken(f"{detail} {self._origin}")
            if kept.note.size > size:
                detail = f"the checkpoint in {kept.name} covers {kept.note.size} entries, but only"
                raise Broken(f"{detail} {size} are left", size, kept.note.size - 1)
            if kept.note.size == 0:
                self._kept_signed(kept)
        keys = self._keys.all
        if self._trust.keys and not set(self._trust.keys) & set(keys):
            raise Broken(f"none of the keys that you trust signs {self._origin}")
        self._say(newest, keys)
        if attesting:
            listed = f"{attesting} attestation key{' is' if attesting == 1 else 's are'} listed"
            self._claims.append(f"{listed} with the times that the log gives.")

    def _say(self, newest: Note, keys: Sequence[Key]) -> None:
        say = self._claims.append
        say(f"{newest.size} entries, hashed one by one, give the root {newest.root.hex()}.")
        say(
            f"{self._checkpoints} checkpoints beside them have the recomputed roots; "
            f"{self._signatures} signatures were checked."
        )
        source = (
            "a key that you trust" if self._trust.keys else "a key that the record itself names"
        )
        say(f"The newest checkpoint is signed by {keys[-1]}, {source}.")
        if len(keys) > 1:
            say(f"The log's key was rotated {len(keys) - 1} times, each time by the key before.")
        for witness, (size, time) in self._seen.items():
            say(f"The witness {witness.name} cosigned {size} entries at {time.isoformat()}.")
        known = {key.name for key in (*keys, *self._trust.witnesses)}
        for name in sorted({name for name, _ in newest.signatures} - known):
            say(f"A signature of {name} was ignored; give its key with --witness-key to count it.")

    def _rest(self) -> None:
        """The evidence, and the end."""
        for member in self._members:
            if member.name == "end.json":
                break
            if self._evidence is None:
                raise Broken(f"{member.name} does not belong here; is the archive reordered?")
            self._evidence.check(member)
        else:
            raise Broken("the archive is cut off: it has no end.json")
        count = self._evidence.count if self._evidence else 0
        if member.json() != {"entries": self._size, "evidence": count}:
            raise Broken("end.json counts other entries or evidence than there are")
        if next(self._members, None) is not None:
            raise Broken("the archive goes on after end.json")
        if self._evidence is None:
            self._claims.append(NOT_LOOKED_AT)
            return
        self._evidence.require_all()
        erased = (
            f" ({self._evidence.erased} were erased, on the record)"
            if self._evidence.erased
            else ""
        )
        self._claims.append(
            f"{count} pieces of evidence have the digests that entries name{erased}."
        )

    def _verdict(self) -> str:
        size = self._size or 0
        if not self._outside:
            detail = "Nobody outside vouches for it: whoever holds the database and the log's key"
            self._claims.append(
                f"{detail} could have written it anew. Keep a checkpoint elsewhere."
            )
            return SELF_ANCHORED if self._own else UNANCHORED
        if self._outside < size:
            detail = (
                f"Entries {self._outside} to {size - 1} are newer than every outside copy and rest"
            )
            self._claims.append(f"{detail} on the log's key alone.")
            time = self._after.get(self._outside)
            if time is None or self._trust.now - time > self._trust.max_age:
                return STALE
        return VERIFIED


def verify(members: Iterable[Member], trust: Trust, progress: Progress | None = None) -> Report:
    """Check an `Archive` or a `Live` service against what the auditor brings."""
    return Verification(members, trust, progress).run()


@dataclass(frozen=True, slots=True)
class Proof:
    """A `.tlog-proof`: where an entry stands, the hashes to the root, the signed checkpoint."""

    index: int
    path: tuple[bytes, ...]
    note: Note
    where: str

    @classmethod
    def parse(cls, content: bytes, where: str) -> "Proof":
        """Refuses what the format does not have, and names the line."""
        try:
            head, blank, note = content.decode().partition("\n\n")
        except UnicodeDecodeError:
            raise Broken(f"{where} is not UTF-8") from None
        first, *lines = head.split("\n")
        if first != PROOF or not blank or len(content) > 2 * MAX_NOTE:
            raise Broken(f"{where} is no proof: {PROOF}, an index, hashes, an empty line, a note")
        at = 2
        if lines and lines[0].startswith("extra "):
            if _base64(lines.pop(0)[6:]) is None:
                raise Broken(f"line 2 of {where} has extra data that is not base64")
            at = 3
        number = re.fullmatch(r"index (0|[1-9][0-9]{0,18})", lines[0] if lines else "")
        if number is None:
            raise Broken(f"line {at} of {where} is no index")
        path = []
        for here, line in enumerate(lines[1:], at + 1):
            node = _base64(line)
            if node is None or len(node) != HASH:
                raise Broken(f"line {here} of {where} is no hash: 32 bytes in base64")
            path.append(node)
        found = Note.parse(note, f"the checkpoint in {where}")
        return cls(int(number[1]), tuple(path), found, where)

    def root(self, leaf: bytes) -> bytes:
        """The root to which the hashes lead from a leaf (RFC 9162 section 2.1.3.2)."""
        index, last, found = self.index, self.note.size - 1, leaf
        if index > last:
            raise Broken(f"{self.where} is of entry {index}, but its log has {last + 1}", index)
        for at, node in enumerate(self.path, 1):
            if not last:
                raise Broken(f"{self.where} has hashes beyond the root, from number {at} on", index)
            if index & 1 or index == last:
                found = sha256(b"\x01" + node + found).digest()
                while not index & 1 and index:
                    index, last = index >> 1, last >> 1
            else:
                found = sha256(b"\x01" + found + node).digest()
            index, last = index >> 1, last >> 1
        if last:
            raise Broken(f"{self.where} has too few hashes: {len(self.path)}", self.index)
        return found


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a proof is about: the hash of an entry, and what else is known of it."""

    hash: bytes
    name: str
    index: int | None = None
    body: bytes | None = None


def read_leaf(path: str) -> Leaf:
    """An entry: its very bytes, the service's JSON of it, or the JSON of the decision in it."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_JSON).removesuffix(b"\n")
    except OSError as error:
        raise NoRecord(f"{path} cannot be read: {error.strerror}") from None
    name, body = Path(path).name, content
    try:
        value = read_json(content, path)
        if isinstance(value.get("audit"), dict):
            place = value["audit"]
            return Leaf(bytes.fromhex(place["leaf"]), name, int(place["index"]))
        if "bytes" not in value:
            return Leaf(sha256(b"\x00" + body).digest(), name, None, body)
        body = value["bytes"].encode()
        return Leaf(sha256(b"\x00" + body).digest(), name, int(value["index"]), body)
    except (Broken, KeyError, TypeError, AttributeError, ValueError) as error:
        raise NoRecord(f"{path} holds no entry: {error}") from None


def is_proof(path: str) -> bool:
    """Whether a file is a `.tlog-proof`, by its name or by what it begins with."""
    try:
        with Path(path).open("rb") as file:
            return path.endswith(".tlog-proof") or file.read(20) == PROOF[:20].encode()
    except OSError:
        return False


def verify_proof(path: str, entry: str | None, trust: Trust) -> Report:
    """Check a `.tlog-proof` against an entry, the log's key and witnesses, and nothing else."""
    if not trust.keys or entry is None:
        raise NoRecord(
            f"{path} names neither the log's key nor the entry; give both, with --key and --entry"
        )
    if trust.since or trust.own:
        raise NoRecord("a proof is one entry's: --since and --own need an archive or a service")
    leaf, claims = read_leaf(entry), list[str]()
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_JSON)
    except OSError as error:
        raise NoRecord(f"{path} cannot be read: {error.strerror}") from None
    origin = size = root = None
    try:
        proof = Proof.parse(content, Path(path).name)
        origin, size, root = proof.note.origin, proof.note.size, proof.note.root.hex()
        verdict = _proven(proof, leaf, trust, claims)
    except Broken as broken:
        claims.append(f"FAILED: {broken}.")
        return Report(TAMPERED, tuple(claims), origin, size, root, broken.bad)
    return Report(verdict, tuple(claims), origin, size, root)


def _proven(proof: Proof, leaf: Leaf, trust: Trust, claims: list[str]) -> str:
    note, index, where = proof.note, proof.index, f"the checkpoint in {proof.where}"
    if leaf.index not in (None, index):
        raise Broken(f"{proof.where} is of entry {index}, {leaf.name} of entry {leaf.index}")
    if proof.root(leaf.hash) != note.root:
        raise Broken(f"the hashes do not lead from {leaf.name} to the root that is signed", index)
    claims.append(f"What is in {leaf.name} is entry {index} of {note.size}.")
    own = [key for key in trust.keys if key.kind == ED25519 and key.name == note.origin]
    signer = next((key for key in own if note.is_signed_by(key, where)), None)
    if signer is None:
        raise Broken(f"{where} is not signed by a key of {note.origin} that you trust")
    claims.append(f"The checkpoint is signed by {signer}, a key that you trust.")
    verdict, time = UNANCHORED, leaf.body and _TIME.search(leaf.body)
    for witness in trust.witnesses:
        seen = note.cosigned_at(witness, where)
        if seen is None:
            continue
        if time and read_time(time[1]) > seen + CLOCKS:
            claimed = read_time(time[1]).isoformat()
            raise Broken(
                f"the entry claims {claimed}, but a witness saw it at {seen.isoformat()}", index
            )
        claims.append(f"The witness {witness.name} cosigned it at {seen.isoformat()}.")
        verdict = VERIFIED
    if verdict == UNANCHORED:
        detail = "whoever holds the log's key could have made it for you alone"
        claims.append(f"No witness that you trust cosigned it: {detail}. Use --witness-key.")
    claims.append("A proof is about one entry; the rest of the record was not looked at.")
    return verdict


def read_kept(path: str) -> Kept:
    """A checkpoint that was kept: a note, a `.tlog-proof`, a decision's JSON, or an anchor file."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_JSON)
            # An anchor file only grows, and its newest line is what counts.
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4 * MAX_NOTE))
            tail = file.read().decode("utf-8", "replace")
        if content.startswith(b"{"):
            return _kept_json(content, tail, path)
        text = content.decode()
        if text.startswith("c2sp.org/tlog-proof@"):
            text = text.partition("\n\n")[2]
        return Kept(Note.parse(text, path), Path(path).name)
    except OSError as error:
        raise NoRecord(f"{path} cannot be read: {error.strerror}") from None
    except (Broken, KeyError, TypeError, ValueError) as error:
        raise NoRecord(f"{path} holds no checkpoint: {error}") from None


def _kept_json(content: bytes, tail: str, path: str) -> Kept:
    """The answer to a submission, or the last line of an anchor file that is whole."""
    try:
        answer = read_json(content, path)["audit"]
    except (Broken, KeyError):
        for line in reversed(tail.splitlines()):
            try:
                return Kept(Note.parse(json.loads(line)["note"], path), Path(path).name)
            except (Broken, ValueError, KeyError, TypeError, AttributeError):
                # A line that a power cut tore is passed over.
                continue
        raise
    entry = (int(answer["index"]), bytes.fromhex(answer["leaf"]))
    return Kept(Note.parse(str(answer["checkpoint"]), path), Path(path).name, entry)


WORDS: Final = {
    VERIFIED: "VERIFIED",
    STALE: "VALID, BUT STALE",
    SELF_ANCHORED: "VALID, BUT SELF-ANCHORED",
    UNANCHORED: "VALID, BUT UNANCHORED",
    TAMPERED: "TAMPERED",
}


def words(report: Report) -> str:
    """A report as lines; what others wrote is made harmless for a terminal."""
    head = f"{WORDS[report.verdict]}  {report.origin or 'no log'}"
    if report.bad is not None:
        first, last = report.bad
        span = f"entry {first}" if first == last else f"an entry from {first} to {last}"
        head += f": the first bad one is {span}"
    lines = [head, *(f"  {claim}" for claim in report.claims)]
    return "\n".join("".join(c if c.isprintable() else "\ufffd" for c in line) for line in lines)


def as_json(report: Report) -> dict[str, Any]:
    """A report for programs."""
    return {
        "verdict": report.verdict,
        "origin": report.origin,
        "size": report.size,
        "root": report.root,
        "first_bad": report.bad[0] if report.bad else None,
        "last_bad": report.bad[1] if report.bad else None,
        "claims": list(report.claims),
    }


def show_progress(done: int, total: int) -> None:
    """On a terminal, how far it is; nothing elsewhere."""
    if sys.stderr.isatty() and (done == total or done % (WIDTH * 64) == 0):
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{done:,} of {total:,} entries{end}")
        sys.stderr.flush()


def parser() -> argparse.ArgumentParser:
    """The command line of this file on its own."""
    made = argparse.ArgumentParser(
        prog="verifier.py",
        description="Checks an archive of a Clearance record, a running service, or a proof.",
        epilog="Exit codes: 0 verified; 1 tampered; 2 wrong usage; 3 valid, but unanchored, "
        "self-anchored or stale. A service is asked with the key in CLEARANCE_TOKEN.",
    )
    made.add_argument("record", metavar="ARCHIVE|URL|PROOF")
    several: dict[str, Any] = {"action": "append", "default": []}
    made.add_argument("--key", **several, help="the log's key that you trust")
    kept = "a checkpoint, proof or decision that you kept"
    made.add_argument("--since", **several, metavar="FILE", help=kept)
    made.add_argument("--witness-key", **several, metavar="KEY", help="a witness that you trust")
    what = "what a .tlog-proof proves: an entry's bytes or JSON, or a decision's JSON"
    made.add_argument("--entry", metavar="FILE", help=what)
    own = "a copy that the operator itself holds, such as its anchor file"
    made.add_argument("--own", **several, metavar="FILE", help=own)
    age = "how old entries may be that no outside copy covers (24)"
    made.add_argument("--max-age", type=float, default=24.0, metavar="HOURS", help=age)
    every = "check the signature of every checkpoint"
    made.add_argument("--every-signature", action="store_true", help=every)
    made.add_argument("--json", action="store_true", help="the report as JSON")
    return made


def trust_of(
    keys: Iterable[str], since: Iterable[str], witnesses: Iterable[str], **more: Any
) -> Trust:
    """What was given on a command line, as values."""
    return Trust(
        keys=tuple(Key.parse(text) for text in keys),
        since=tuple(read_kept(path) for path in since),
        witnesses=tuple(Key.parse(text) for text in witnesses),
        **more,
    )


def hours(number: float) -> timedelta:
    """A span that was given in hours."""
    try:
        span = timedelta(hours=number)
    except (ValueError, OverflowError):
        span = timedelta(-1)
    if span < timedelta(0):
        raise NoRecord(f"--max-age {number} is no number of hours")
    return span


def verify_at(
    record: str, trust: Trust, entry: str | None = None, progress: Progress = show_progress
) -> Report:
    """Check the archive or the proof at a path, or the service at a URL."""
    if "://" not in record and is_proof(record):
        return verify_proof(record, entry, trust)
    if entry is not None:
        raise NoRecord("--entry says what a .tlog-proof proves; this is none")
    if "://" in record:
        return verify(Live(record, os.environ.get("CLEARANCE_TOKEN")), trust, progress)
    try:
        with Path(record).open("rb") as file:
            return verify(Archive(file), trust, progress)
    except OSError as error:
        raise NoRecord(f"{record} cannot be read: {error.strerror}") from None


def main() -> NoReturn:
    """Check what the command line names."""
    given = parser().parse_args()
    try:
        trust = trust_of(
            given.key,
            given.since,
            given.witness_key,
            own=tuple(read_kept(path) for path in given.own),
            max_age=hours(given.max_age),
            every_signature=given.every_signature,
        )
        report = verify_at(given.record, trust, given.entry)
    except NoRecord as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(2)
    sys.stdout.write((json.dumps(as_json(report)) if given.json else words(report)) + "\n")
    sys.exit(report.exit_code)


if __name__ == "__main__":
    main()
