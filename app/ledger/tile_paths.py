"""Paths of tiles and entry bundles as C2SP tlog-tiles writes them, to numbers and back.

It refuses every other spelling: one resource has one address, or caches would hold it twice.
"""

import re
from dataclasses import dataclass
from typing import Final

from app.ledger.tiles import WIDTH

_TILE: Final = re.compile(
    r"(?P<level>entries|0|[1-9][0-9]?)"
    r"/(?P<number>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)
_MAX_LEVEL: Final = 63
_MAX_GROUPS: Final = 6
"""Three digits each: a log of 2^63 entries needs no more."""


@dataclass(frozen=True, slots=True)
class TilePath:
    """A tile of hashes, or a bundle of entries where `level` is None."""

    level: int | None
    number: int
    width: int = WIDTH

    @property
    def is_full(self) -> bool:
        """Whether the resource will never grow, so that it can be kept for good."""
        return self.width == WIDTH

    def __str__(self) -> str:
        digits = f"{self.number:03d}"
        digits = digits.zfill(-len(digits) // 3 * -3)
        groups = [digits[begin : begin + 3] for begin in range(0, len(digits), 3)]
        number = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        level = "entries" if self.level is None else str(self.level)
        return f"{level}/{number}" + ("" if self.is_full else f".p/{self.width}")


def parse(path: str) -> TilePath | None:
    """The resource that a path behind `/tile/` names; None where it names none."""
    match = _TILE.fullmatch(path)
    if match is None or match["number"].count("/") >= _MAX_GROUPS:
        return None
    level = None if match["level"] == "entries" else int(match["level"])
    number = int(match["number"].replace("x", "").replace("/", ""))
    width = int(match["width"]) if match["width"] else WIDTH
    found = TilePath(level, number, width)
    if (level or 0) > _MAX_LEVEL or width > WIDTH or str(found) != path:
        # The last: leading zero groups, and a full width written as a partial one.
        return None
    return found
