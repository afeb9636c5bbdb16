"""What is asked of Evidently, in words that both sides of the pipe understand.

Plain values: the worker imports this, and nothing here imports Evidently or pandas.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

METHODS: Final = ("psi", "jensenshannon", "hellinger", "kl_div")
"""Drift methods that fit numbers and categories alike, so that one rule covers all columns."""

UNREADABLE: Final = "unreadable-data"
NOT_INSTALLED: Final = "not-installed"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which columns of two data sets are compared, and how."""

    columns: tuple[str, ...] = ()
    """Empty: all columns of either data set."""
    target: str | None = None
    prediction: str | None = None
    task: str | None = None
    """`classification` or `regression`; left out, the target's values say which."""
    positive: str | int | bool | None = None
    text: tuple[str, ...] = ()
    """Columns of free text, described by length, words, sentences and what is no letter."""
    drift_method: str | None = None
    """One of METHODS for all columns; left out, Evidently chooses by type and size."""

    @property
    def as_json(self) -> dict[str, Any]:
        """The fields, for the pipe and the record."""
        return asdict(self)


def asked_of(given: Mapping[str, Any]) -> Asked:
    """What `as_json` wrote."""
    known: dict[str, Any] = {field.name: given.get(field.name) for field in fields(Asked)}
    known |= {name: tuple(known[name] or ()) for name in ("columns", "text")}
    return Asked(**known)


@dataclass(frozen=True, slots=True)
class Gap:
    """A column, or the quality of the predictions, that could not be measured, and why."""

    column: str | None
    why: str
