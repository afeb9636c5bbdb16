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
        order = _order(names, numbers)
        names = [[series[i] for i in order] for series in names]
        numbers = [[series[i] for i in order] for series in numbers]
    found = sha256()
    for texts in names:
        for start in range(0, len(texts), LONG):
            found.update(b"\x00" if start else b"")
            found.update("\x00".join(texts[start : start + LONG]).encode())
        found.update(b"\x01")
    for values in numbers:
        found.update(pack(f"<{len(values)}d", *values))
    return found.hexdigest()


def _order(names: Sequence[Sequence[str]], numbers: Sequence[Sequence[float]]) -> list[int]:
    """Places in the order of the first names; what else is there only orders equal names."""
    first = names[0]
    order = sorted(range(len(first)), key=first.__getitem__)
    if not _ascends([first[i] for i in order]):
        keys = list(zip(*names, *numbers, strict=True))
        order.sort(key=keys.__getitem__)
    return order


def _ascends(names: Sequence[str]) -> bool:
    """Whether no two names are equal or out of order."""
    return all(map(lt, names, islice(names, 1, None)))
