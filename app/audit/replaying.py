"""Decides every recorded decision again, from what was recorded, and compares byte for byte.

It trusts nothing that was answered: policy, evidence, history, waivers and time come from the
record, and what the engine makes of them must be the recorded document to the last byte. Under
another engine every recorded value must come again; fields that it added do not count.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from app.audit.reading import Read, Record, entries
from app.evaluations.inputs import from_bytes
from app.evaluations.presentation import ServiceFields, decision_json
from app.evaluations.replaying import again, changed_values, differences
from app.replies import json_bytes
from gates.engine import engine
from gates.policy import Policy, load_document

RECORDED: Final = "decision.recorded"
_KEPT_POLICIES: Final = 64
_KEPT: Final = 50


class Outcome(StrEnum):
    """What deciding again showed."""

    IDENTICAL = "identical"
    SAME_VALUES = "same_values"
    """Another engine decided it; this one gives every value that stands there, and more beside."""
    DIFFERENT = "different"
    ERASED = "evidence_erased"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Replayed:
    """One decision, decided again."""

    index: int
    decision: str
    outcome: Outcome
    recorded_engine: str | None = None
    differences: tuple[str, ...] = ()

    @property
    def has_other_engine(self) -> bool:
        """Whether it was decided by another version of the engine than this one."""
        return self.recorded_engine not in (None, engine())


class Replayer:
    """Replays one record; policies that were read are kept at hand."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._policies: dict[str, Policy] = {}

    def all(self) -> Iterator[Replayed]:
        """Every decision of the record, in its order."""
        for item in entries(self._record.members()):
            if item.is_of(RECORDED):
                yield self.one(item)

    def one(self, item: Read) -> Replayed:
        """One decision again."""
        body = item.body
        refs, name = body["refs"], str(body["subject"])
        content = self._record.evidence(refs["inputs"])
        document = self._record.document(refs["document"], name)
        if content is None or document is None:
            return Replayed(item.index, name, Outcome.ERASED)
        try:
            inputs = from_bytes(content)
            policy = self._policy(refs["policy"])
        except ValueError as error:
            detail = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            return Replayed(item.index, name, Outcome.IMPOSSIBLE, None, (detail,))
        made = again(policy, inputs)
        then = json.loads(document)
        again_shown = decision_json(made, **_service(then))
        if json_bytes(again_shown) == document:
            return Replayed(item.index, name, Outcome.IDENTICAL, inputs.engine)
        now = json.loads(json_bytes(again_shown))
        if inputs.engine == engine():
            found = differences(then, now) or ["the same values are written in other bytes"]
        elif not (found := changed_values(then, now)):
            return Replayed(item.index, name, Outcome.SAME_VALUES, inputs.engine)
        return Replayed(item.index, name, Outcome.DIFFERENT, inputs.engine, tuple(found))

    def _policy(self, digest: str) -> Policy:
        known = self._policies.get(digest)
        if known is None:
            content = self._record.policy(digest)
            if content is None:
                raise ValueError(f"the record does not have the policy {digest}")
            known = load_document(json.loads(content))
            if len(self._policies) >= _KEPT_POLICIES:
                self._policies.clear()
            self._policies[digest] = known
        return known


def _service(then: dict[str, Any]) -> ServiceFields:
    """What only the service could know when it answered, taken from the answer."""
    return {
        "id": then["id"],
        "status": then["status"],
        "evaluation": then["evaluation"],
        "policy_version": then["policy"]["version"],
        "review": then["review"],
        "valid_until": then["valid_until"],
        "notes": then["notes"],
        "links": then["links"],
    }


@dataclass(frozen=True, slots=True)
class Summary:
    """How many decisions are what they were, and which are not."""

    total: int
    counts: Mapping[Outcome, int]
    engines: Mapping[str, int]
    """Decisions by the engine that made them."""
    shown: tuple[Replayed, ...]
    """The first that are not identical."""

    @property
    def exit_code(self) -> int:
        """1 where this very engine decides otherwise; 3 where another one had decided."""
        if any(item.outcome in _WRONG and not item.has_other_engine for item in self.shown):
            return 1
        return 3 if any(item.outcome in _WRONG for item in self.shown) else 0

    @property
    def words(self) -> list[str]:
        """In lines, the first difference first."""
        same, gone = self.counts.get(Outcome.IDENTICAL, 0), self.counts.get(Outcome.ERASED, 0)
        parts = [f"{same} of {self.total} decisions are identical to the last byte"]
        if older := self.counts.get(Outcome.SAME_VALUES, 0):
            parts.append(f"{older} in every value that their own engine wrote")
        if gone:
            parts.append(f"{gone} have evidence that was erased")
        lines = [f"REPLAYED  {', '.join(parts)}."]
        lines += [
            f"  {count} were decided by engine {name}, and this is {engine()}."
            for name, count in self.engines.items()
            if name != engine()
        ]
        for item in self.shown:
            lines.append(f"  entry {item.index}, {item.decision}: {item.outcome}")
            lines += [f"    {line}" for line in item.differences[:_SHOWN]]
        return lines

    @property
    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "decisions": self.total,
            "engine": engine(),
            "engines": dict(self.engines),
            "outcomes": {outcome.value: n for outcome, n in self.counts.items()},
            "not_identical": [
                {
                    "index": item.index,
                    "decision": item.decision,
                    "outcome": item.outcome.value,
                    "engine": item.recorded_engine,
                    "differences": list(item.differences),
                }
                for item in self.shown
            ],
        }


_WRONG: Final = (Outcome.DIFFERENT, Outcome.IMPOSSIBLE)
_ALIKE: Final = (Outcome.IDENTICAL, Outcome.SAME_VALUES)
_SHOWN: Final = 20


def summary(record: Record) -> Summary:
    """Replay a whole record; what is not identical is kept, up to a limit a person can read."""
    counts: Counter[Outcome] = Counter()
    engines: Counter[str] = Counter()
    shown: list[Replayed] = []
    for item in Replayer(record).all():
        counts[item.outcome] += 1
        if item.recorded_engine is not None:
            engines[item.recorded_engine] += 1
        # One of this engine's own differences decides the exit code, so room is kept for it.
        is_grave = item.outcome in _WRONG and not item.has_other_engine
        if item.outcome not in _ALIKE and (len(shown) < _KEPT or is_grave):
            shown = [*shown[: _KEPT - 1], item]
    return Summary(counts.total(), counts, engines, tuple(shown))
