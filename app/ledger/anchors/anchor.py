"""What an anchor is. A new kind is one module with this shape, and a line in `configured`."""

from collections.abc import Callable
from typing import Protocol

from app.ledger.reading import SignedCheckpoint
from app.ledger.tiles import LogInconsistent

Prove = Callable[[int], tuple[bytes, ...]]
"""(old size) -> the proof that the checkpoint at hand extends the log's tree of that size."""


class AnchorUnavailable(Exception):  # noqa: N818 - named for what it says
    """The anchor does not answer, or refuses for a reason of its own; it is tried again."""


class AnchorAhead(Exception):  # noqa: N818 - named for what it says
    """The anchor holds more entries than the checkpoint that it was given."""

    def __init__(self, size: int) -> None:
        super().__init__(f"it holds {size} entries")
        self.size = size


class ContradictedByAnchor(LogInconsistent):
    """An outside copy shows another history than the database. Nothing more may be written."""


class Anchor(Protocol):
    """One place that holds checkpoints."""

    @property
    def name(self) -> str:
        """What `/readyz` calls it; no path, address or secret."""

    def hold(self, signed: SignedCheckpoint, prove: Prove) -> None:
        """Hold this checkpoint, which is the database's newest.

        Raises ContradictedByAnchor where it does not extend what is held, AnchorAhead where more
        is held, and AnchorUnavailable where nobody can say.
        """
