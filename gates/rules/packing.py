"""Long series as short digests: what was looked at, whatever order its examples were sent in.

It packs numbers and names for hashing only; nothing is computed from them.
"""

from collections.abc import Sequence
from hashlib import sha256
from itertools import islice
from operator import lt
from struct import pack

LONG = 4096
"""From here on a series is packed; shorter ones are written out."""


def packed(names: Sequence[Sequence[str]], numbers: Sequence[Sequence[float]]) -> str:
    """The digest of series of one length, ordered by the first names and then the numbers.

    Without names the order that was sent counts.
    """
    if names and not _ascends(names[0]):
        keys = list(zip(*names, *numbers, strict=True))
        order = sorted(range(len(keys)), key=keys.__getitem__)
        names = [[series[i] for i in order] for series in names]
        numbers = [[series[i] for i in order] for series in numbers]
    found = sha256()
    for texts in names:
        found.update("\x00".join(texts).encode())
        found.update(b"\x01")
    for values in numbers:
        found.update(pack(f"<{len(values)}d", *values))
    return found.hexdigest()


def _ascends(names: Sequence[str]) -> bool:
    """Whether no two names are equal or out of order."""
    return all(map(lt, names, islice(names, 1, None)))
