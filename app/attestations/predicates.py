"""The kinds of statement about a decision: their names here and the types that tools know."""

from collections.abc import Mapping
from typing import Final

STATEMENT: Final = "https://in-toto.io/Statement/v1"
DECISION: Final = "decision"
SUMMARY: Final = "vsa"
RESULT: Final = "svr"
PREDICATE_TYPES: Final[Mapping[str, str]] = {
    # Under a host name that is reserved, so that nobody else can own it; docs/attestations.md
    # describes the predicate.
    DECISION: "https://clearance.example/attestation/release-decision/v1",
    SUMMARY: "https://slsa.dev/verification_summary/v1",
    RESULT: "https://in-toto.io/attestation/svr/v0.2",
}


def level(stage: str) -> str:
    """The property that a pass at a stage stands for."""
    return f"CLEARANCE_{stage.upper()}"
