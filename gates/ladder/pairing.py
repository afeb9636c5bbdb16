"""Which examples of candidate and baseline are the same: matched by id, never guessed.

Examples that only one side has must be explained by errors of the other; where they are not, the
samples are compared as separate ones and the finding says so.
"""

from dataclasses import dataclass
from math import fsum

from gates.evidence import Measurement
from gates.ladder.screening import repeats


@dataclass(frozen=True, slots=True)
class Pairs:
    """Scores on the same examples, in the same order.

    `clusters` are what pairs share, where that is more than one example. `n_errored` counts pairs
    of which either half errored. `questions` says that each pair is a question asked several
    times, its score the mean of its repeats. `labels` are the truths, equal on both sides. `ids`
    name the pairs.
    """

    candidate: tuple[float, ...]
    baseline: tuple[float, ...]
    n_errored: int
    clusters: tuple[str, ...] | None = None
    questions: bool = False
    labels: tuple[float, ...] | None = None
    ids: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Pairs."""
        return len(self.candidate)


def pairs_of(candidate: Measurement, baseline: Measurement) -> Pairs | str | None:
    """The pairs; a clause that says why there are none; None where ids are not sent at all."""
    ones, twos = candidate.ids, baseline.ids
    if candidate.scores is None or baseline.scores is None or ones is None or twos is None:
        return None
    if repeats(ones) or (ones != twos and repeats(twos)):
        return _of_questions(candidate, baseline)
    errors = candidate.n_errored + baseline.n_errored
    labels = (candidate.labels, baseline.labels)
    if ones == twos:
        if labels[0] is not None and labels[0] != labels[1]:
            return "the same examples have other labels in the baseline"
        clusters = _shared(candidate.clusters, baseline.clusters)
        return Pairs(
            candidate.scores, baseline.scores, errors, clusters, labels=labels[0], ids=ones
        )
    where = {name: position for position, name in enumerate(twos)}
    matched = [(i, where[name]) for i, name in enumerate(ones) if name in where]
    if (why := _unmatched(candidate, baseline, len(matched), len(ones), len(twos))) is not None:
        return why
    truths = labels[0] or (), labels[1] or ()
    if all(truths) and any(truths[0][i] != truths[1][j] for i, j in matched):
        return "the same examples have other labels in the baseline"
    first, second = candidate.scores, baseline.scores
    return Pairs(
        tuple(first[i] for i, _ in matched),
        tuple(second[j] for _, j in matched),
        errors,
        _shared(
            _picked(candidate.clusters, [i for i, _ in matched]),
            _picked(baseline.clusters, [j for _, j in matched]),
        ),
        labels=_numbers(labels[0], [i for i, _ in matched]),
        ids=tuple(ones[i] for i, _ in matched),
    )


def _of_questions(candidate: Measurement, baseline: Measurement) -> Pairs | str:
    """One pair for each question, the mean of its repeats on either side."""
    ones, twos = _by_question(candidate), _by_question(baseline)
    names = [name for name in ones if name in twos]
    if (why := _unmatched(candidate, baseline, len(names), len(ones), len(twos))) is not None:
        return why
    groups = dict(zip(candidate.ids or (), candidate.clusters or (), strict=False))
    return Pairs(
        tuple(ones[name] for name in names),
        tuple(twos[name] for name in names),
        candidate.n_errored + baseline.n_errored,
        _shared(tuple(groups[name] for name in names) if groups else None, None),
        questions=True,
    )


def _by_question(m: Measurement) -> dict[str, float]:
    repeats: dict[str, list[float]] = {}
    for name, score in zip(m.ids or (), m.scores or (), strict=True):
        repeats.setdefault(name, []).append(score)
    return {name: fsum(scores) / len(scores) for name, scores in repeats.items()}


def _unmatched(
    candidate: Measurement, baseline: Measurement, matched: int, ones: int, twos: int
) -> str | None:
    """Why a partial match is no pairing: an example that vanished without an error."""
    if matched == 0:
        return "no id stands on both sides"
    if ones - matched <= baseline.n_errored and twos - matched <= candidate.n_errored:
        return None
    return f"{matched} of {ones} ids stand in the baseline too, and errors do not explain the rest"


def _shared(one: tuple[str, ...] | None, two: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The clusters of either side, the coarser of two; None where each example is one by itself."""
    clusters = one if one is not None else two
    if one is not None and two is not None and one != two:
        clusters = min(one, two, key=lambda names: len(set(names)))
    return None if clusters is None or len(set(clusters)) == len(clusters) else clusters


def _picked(values: tuple[str, ...] | None, at: list[int]) -> tuple[str, ...] | None:
    return None if values is None else tuple(values[i] for i in at)


def _numbers(values: tuple[float, ...] | None, at: list[int]) -> tuple[float, ...] | None:
    return None if values is None else tuple(values[i] for i in at)
