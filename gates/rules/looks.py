"""Looks: which judgement of a hypothesis this is, and the error it may spend (policy.md section 5).

A look belongs to a hypothesis about a candidate, not to a rule or a policy: publishing another
policy resets nothing, and the same inputs are the same look.
"""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from gates.evidence import Measurement, SliceKey
from gates.history import Look, Progress
from gates.rules.packing import LONG, packed

FIRST_LOOK_SHARE = 0.8  # statistics.md correction 3: half and half costs more examples


def planned_alpha(alpha: float, planned: int, number: int) -> float | None:
    """The error that look `number` (from 1) may spend of `alpha`; None past the last.

    80% goes to the first look, the rest evenly over the others; a single look has it all.
    """
    if number > planned:
        return None
    if planned == 1:
        return alpha
    share = FIRST_LOOK_SHARE if number == 1 else (1 - FIRST_LOOK_SHARE) / (planned - 1)
    return alpha * share


@lru_cache(maxsize=8192)
def hypothesis_key(
    metric: str, quantile: float | None, task: str | None, slice_: SliceKey, comparison: str
) -> str:
    """What is asked, independent of the rule, its limit and its policy."""
    return _digest((metric, quantile, task, slice_, comparison))


def inputs_digest(measurements: Iterable[Measurement | None]) -> str:
    """What was looked at: counts, n, errors, spread, scores and clusters by id, data digests.

    Times, run ids and other metrics do not enter. `repr` of a float is its shortest exact form,
    so the digest is the same on every machine.
    """
    return _digest(tuple([m and _inputs(m) for m in measurements]))


def count_digest(m: Measurement) -> str:
    """`inputs_digest` of a count of n with nothing beside it: its text, without its tuples."""
    data = (m.source.dataset_digest, m.source.prompt_set_digest) if m.source else (None, None)
    text = (
        f"(((None, {m.n}, {m.count}, 0, None, None, None), "
        f"(None, None, None, {m.unit!r}, None, None), {data!r}),)"
    )
    return sha256(text.encode()).hexdigest()


def _inputs(m: Measurement) -> tuple[object, ...]:
    scores: tuple[object, ...] | None = None if m.scores is None else _scores(m)
    exceed = (m.exceed.limit, m.exceed.count) if m.exceed else None
    data = (m.source.dataset_digest, m.source.prompt_set_digest) if m.source else (None, None)
    return (
        (m.value, m.n, m.count, m.n_errored, m.stderr, m.ci, m.confidence),
        (scores, exceed, m.quantile, m.unit, m.missing, m.incomplete),
        data if m.table is None and m.exposure is None else (*data, m.table, m.exposure),
    )


def _scores(m: Measurement) -> tuple[object, ...]:
    """Scores in an order of their own: by id, else by cluster, else as they came."""
    assert m.scores is not None
    beside = [part for part in (m.labels, m.denominators) if part is not None]
    if len(m.scores) >= LONG:
        names = [part for part in (m.ids, m.clusters) if part is not None]
        return (packed(names, [m.scores, *beside]),)
    if m.ids is not None:
        clusters = m.clusters or m.ids
        return tuple(sorted(zip(m.ids, m.scores, clusters, *beside, strict=True)))
    if m.clusters is not None:
        return tuple(sorted(zip(m.clusters, m.scores, *beside, strict=True)))
    return tuple(zip(m.scores, *beside, strict=True)) if beside else m.scores


MIN_VARIED = 20


def fingerprints(m: Measurement) -> tuple[str, ...]:
    """Digests by which evidence of another candidate is recognised when it is sent again.

    A native file, and a vector of scores of which at least MIN_VARIED differ from the commonest:
    two good candidates may well miss the same one example of ninety, not the same twenty.
    """
    found = []
    if m.source is not None and m.source.file_digest is not None:
        found.append(_digest(("file", m.source.file_digest)))
    if m.scores is not None and len(m.scores) > MIN_VARIED:
        # All but a few scores are one value only if that is the commonest of the first as well.
        ((value, _),) = Counter(m.scores[: 2 * MIN_VARIED]).most_common(1)
        if len(m.scores) - m.scores.count(value) >= MIN_VARIED:
            found.append(_digest(("scores", *_series(m.ids, m.scores))))
    return tuple(found)


def _series(ids: tuple[str, ...] | None, scores: tuple[float, ...]) -> tuple[object, ...]:
    if len(scores) < LONG:
        return ids, scores
    return (packed([] if ids is None else [ids], [scores]),)


def _digest(value: object) -> str:
    return sha256(repr(value).encode()).hexdigest()


class LookState(NamedTuple):
    """Where a hypothesis stands when it is looked at now."""

    number: int
    is_known: bool
    earlier_fail: bool
    """An earlier look at other inputs failed."""
    progress: tuple[Progress, ...] = ()
    """What the latest look handed on."""


FIRST_LOOK = LookState(1, is_known=False, earlier_fail=False)


class LookBook:
    """The looks that were taken before, by hypothesis."""

    def __init__(self, looks: Iterable[Look]) -> None:
        self._looks: dict[str, list[Look]] = {}
        for look in looks:
            self._looks.setdefault(look.hypothesis, []).append(look)

    def state(self, hypothesis: str, inputs: str) -> LookState:
        """The number of this look: a known one keeps its own, new inputs are the next."""
        earlier = self._looks.get(hypothesis)
        if not earlier:
            return FIRST_LOOK
        known = next((look.number for look in earlier if look.inputs == inputs), None)
        last = max(look.number for look in earlier)
        number = known or 1 + last
        failed = any(look.outcome == "fail" and look.inputs != inputs for look in earlier)
        handed = tuple(p for look in earlier if look.number == last for p in look.progress)
        return LookState(number, known is not None, failed, handed)
