"""What a result file turns into, and the one error for a file that cannot be understood.

Plain values; nothing here reads a file.
"""

from dataclasses import dataclass
from datetime import datetime

from gates.evidence import Measurement


class FormatError(ValueError):
    """A result file that is refused. `slug` is the problem type, `detail` the sentence for people.

    Slugs: `unrecognised-format`, `ambiguous-format`, `unknown-format` (the name asked for),
    `malformed-file`, `nothing-measured`, `unsupported-version`, `impossible-value`,
    `file-too-deep`, `file-too-large`.
    """

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Reading:
    """What one format module takes from a file; `notes` say what was left out or assumed."""

    measurements: tuple[Measurement, ...]
    tool_version: str | None = None
    model: str | None = None
    measured_at: datetime | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Understood:
    """A file after reading: which format it was, and everything the decision may use of it.

    `digest` is `sha256:<hex>` of the content. A file that is one JSON value is digested in compact
    form with sorted keys, so that white space does not matter, nor whether it came as text or as
    parsed JSON. `measured_at` is aware UTC, or None where the file does not say or states no zone.
    """

    format: str
    title: str
    tool_version: str | None
    measurements: tuple[Measurement, ...]
    model: str | None
    measured_at: datetime | None
    notes: tuple[str, ...]
    digest: str
