"""Every estimator and every kind of rule over every bad input, through `decide`.

The two registries say what there is: one that gets an estimator or a kind more fails here until it
says what evidence leads to it. Whatever is wrong with that evidence, it is refused as impossible or
ends in a finding; never in an error of ours, and never in a pass that it does not carry.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from math import inf, nan
from typing import Any

import pytest

from gates.evidence import Exceed, ImpossibleEvidence, Measurement
from gates.explanation import limits_of
from gates.finding import Finding
from gates.rules.registry import KINDS
from gates.statistics.registry import ESTIMATORS
from gates.verdict import Mode, Outcome, Verdict
from tests.gates.build import judge, m, policy
from tests.gates.statistics.test_registry import (
    GROUPS,
    INSTEAD,
    MADE,
    OTHER,
    ROUGH,
    SERIES,
    TRUTH,
)

N = len(SERIES)
IDS = tuple(f"q{i:03}" for i in range(N))
GOOD = tuple(0.9 + s / 20 for s in SERIES)
EVEN = tuple(0.9 + s / 20 for s in OTHER)
FAIR = tuple(0.5 + s / 20 for s in SERIES)
SAME = tuple(0.5 + s / 20 for s in OTHER)
THIRD = tuple((i * 59 % 89) / 89 for i in range(N))
NAMED = {"ids": IDS}
LESS = "versus_baseline: {max_drop: 0.3}"
"""No candidate below is so good that it clears this whatever the baseline is."""
Case = tuple[str, tuple[Measurement, ...], Measurement | None]


def one(rule: str, sent: Measurement, baseline: Measurement | None = None) -> Case:
    return rule, (sent,), baseline


def groups(*counts: tuple[int, int]) -> tuple[Measurement, ...]:
    return tuple(
        m("selection_rate", count=x, n=n, slice={"sex": f"g{i}"}) for i, (x, n) in enumerate(counts)
    )


ACCURACY = m("accuracy", count=190, n=N)
HALF = m("accuracy", count=100, n=N)
REACHES: dict[str, Case] = {
    "rate": one("metric: accuracy, min: 0.9", ACCURACY),
    "rate_from_value": one("metric: accuracy, min: 0.9", m("accuracy", value=0.95, n=N)),
    "count_over_limit": one(
        "metric: latency, quantile: 0.9, max: 1, unit: s",
        m("latency", exceed=Exceed(1.0, 8), n=N, unit="s"),
    ),
    "f1_from_counts": one("metric: f1, min: 0.9", m("f1", count=190, n=N)),
    "events": one(
        "metric: incidents, kind: count, direction: lower, max: 1",
        m("incidents", count=3, exposure=100.0),
    ),
    "quantile": one(
        "metric: latency, quantile: 0.9, max: 1, unit: s", m("latency", scores=GOOD, unit="s")
    ),
    "mean_by_betting": one(
        "metric: faithfulness, min: 0.8, strict: true", m("faithfulness", scores=GOOD, **NAMED)
    ),
    "mean_of_range": one("metric: faithfulness, min: 0.8", m("faithfulness", value=0.95, n=N)),
    "bounded_mean": one("metric: faithfulness, min: 0.9", m("faithfulness", scores=GOOD)),
    "unbounded_mean": one("metric: relevance, min: 0.9", m("relevance", scores=GOOD)),
    "stated_stderr": one("metric: roc_auc, min: 0.9", m("roc_auc", value=0.95, stderr=0.01, n=N)),
    "clustered_mean": one(
        "metric: faithfulness, min: 0.8", m("faithfulness", scores=GOOD, clusters=GROUPS)
    ),
    "ratio_of_sums": one(
        "metric: cost_per_success, max: 2, unit: USD",
        m("cost_per_success", scores=GOOD, denominators=EVEN, unit="USD"),
    ),
    "auc": one("metric: roc_auc, min: 0.7", m("roc_auc", scores=SERIES, labels=TRUTH)),
    "kappa": one("metric: kappa, min: 0.5", m("kappa", table=((90, 5), (8, 97)))),
    "correlation": one("metric: pearson, min: 0.5", m("pearson", scores=GOOD, labels=SERIES)),
    "rank_correlation": one(
        "metric: spearman, min: 0.5", m("spearman", scores=GOOD, labels=SERIES)
    ),
    "calibration_error": one("metric: ece, max: 0.7", m("ece", scores=SERIES, labels=TRUTH)),
    "stability_index": one(
        "metric: psi, max: 0.5", m("psi", table=((400, 600, 1000), (500, 600, 900)))
    ),
    "of_labels": one(
        "metric: balanced_accuracy, min: 0.6", m("balanced_accuracy", scores=ROUGH, labels=TRUTH)
    ),
    "rate_difference": one(f"metric: accuracy, {LESS}", HALF, HALF),
    "rate_ratio": (
        "disparity: selection_rate, groups: [sex], min_ratio: 0.5, min_samples: 20",
        groups((100, N), (98, N)),
        None,
    ),
    "mean_difference": one(
        f"metric: faithfulness, {LESS}",
        m("faithfulness", scores=FAIR),
        m("faithfulness", scores=SAME),
    ),
    "separate_difference": one(
        f"metric: f1, {LESS}", m("f1", count=80, n=N), m("f1", count=78, n=N)
    ),
    "paired_rates": one(
        f"metric: accuracy, {LESS}",
        m("accuracy", scores=TRUTH, **NAMED),
        m("accuracy", scores=ROUGH, **NAMED),
    ),
    "paired_means": one(
        f"metric: faithfulness, {LESS}",
        m("faithfulness", scores=FAIR, **NAMED),
        m("faithfulness", scores=SAME, **NAMED),
    ),
    "paired_clusters": one(
        f"metric: faithfulness, {LESS}",
        m("faithfulness", scores=FAIR, clusters=GROUPS, **NAMED),
        m("faithfulness", scores=SAME, clusters=GROUPS, **NAMED),
    ),
    "paired_auc": one(
        f"metric: roc_auc, {LESS}",
        m("roc_auc", scores=OTHER, labels=TRUTH, **NAMED),
        m("roc_auc", scores=THIRD, labels=TRUTH, **NAMED),
    ),
}
ASKED: dict[str, Case] = {
    "threshold": REACHES["rate"],
    "max_count": one(
        "metric: leak_rate, max_count: 190, min_samples: 20", m("leak_rate", count=190, n=N)
    ),
    "versus_baseline": REACHES["paired_rates"],
    "disparity": REACHES["rate_ratio"],
    "distribution": one(
        "metric: latency, distribution: {direction: increase}",
        m("latency", scores=GOOD, unit="s"),
        m("latency", scores=EVEN, unit="s"),
    ),
    "experiment": one("experiment: {primary: {metric: accuracy, max_drop: 0.3}}", HALF, HALF),
    "coverage": (
        "coverage: {dimension: sex, require: [g0, g1], min_samples: 20}",
        groups((100, N), (98, N)),
        None,
    ),
    "document": one("document: dpia", ACCURACY),
    "passed_stage": one("passed_stage: evaluation", ACCURACY),
    "sign_off": one("sign_off: security", ACCURACY),
    "expr": one("expr: \"metrics['accuracy'].value > 0.5\"", ACCURACY),
}
SEXES = ({"sex": "g0"}, {"sex": "g1"})
COVERED = "coverage: {dimension: sex, require: [g0, g1], min_samples: 20}"
OTHERWISE: dict[str, Case] = {
    "coverage by values": (
        COVERED,
        tuple(m("accuracy", value=0.9, n=N, slice=sex) for sex in SEXES),
        None,
    ),
    "coverage by scores": (
        COVERED,
        tuple(m("faithfulness", scores=GOOD, slice=sex) for sex in SEXES),
        None,
    ),
    "coverage by canaries": (
        "coverage: {dimension: sex, require: [g0], min_samples: 20, judge: {canaries: canary}}",
        (*groups((100, N)), m("canary", scores=(1.0,) * N)),
        None,
    ),
    "experiment of days": (
        "experiment: {primary: {metric: accuracy, max_drop: 0.3}, min_days: 3}",
        (HALF, m("experiment_days", value=14.0)),
        HALF,
    ),
    "max_count by scores": one(
        "metric: leak_rate, max_count: 190, min_samples: 20", m("leak_rate", scores=TRUTH)
    ),
    "max_count by value": one(
        "metric: leak_rate, max_count: 190, min_samples: 20", m("leak_rate", value=0.5, n=N)
    ),
    "max_count with a rate": one(
        "metric: leak_rate, max_count: 9, rate_below: 0.1", m("leak_rate", count=5, n=N)
    ),
    "gap of rates": (
        "disparity: selection_rate, groups: [sex], max_gap: 0.3, min_samples: 20",
        groups((100, N), (98, N)),
        None,
    ),
    "gap of means": (
        "disparity: faithfulness, groups: [sex], max_gap: 0.3, min_samples: 20",
        tuple(m("faithfulness", scores=FAIR, slice=sex) for sex in SEXES),
        None,
    ),
    "distribution both ways": one(
        "metric: latency, distribution: {direction: either, nan: remove, outliers: remove, "
        "effect: {measure: mean_ratio, high: 1.1}}",
        m("latency", scores=GOOD, unit="s"),
        m("latency", scores=EVEN, unit="s"),
    ),
    "guard": one("metric: accuracy, min: 0.93, mode: guard, notice: 0.03", ACCURACY),
    "two limits": one("metric: accuracy, min: 0.9, max: 0.99", ACCURACY),
    "share of the baseline": one(
        "metric: relevance, versus_baseline: {max_drop_percent: 80}",
        m("relevance", scores=FAIR),
        m("relevance", scores=SAME),
    ),
    "pairs of shares": one(
        "metric: relevance, versus_baseline: {max_drop_percent: 80}",
        m("relevance", scores=FAIR, **NAMED),
        m("relevance", scores=SAME, **NAMED),
    ),
    "share of a stated baseline": one(
        "metric: relevance, versus_baseline: {max_drop_percent: 80}",
        m("relevance", value=0.9, stderr=0.01, n=N),
        m("relevance", value=0.9, stderr=0.01, n=N),
    ),
    "intervals apart": one(
        f"metric: roc_auc, {LESS}",
        m("roc_auc", value=0.6, ci=(0.55, 0.65), confidence=0.95, n=N),
        m("roc_auc", value=0.6, ci=(0.55, 0.65), confidence=0.95, n=N),
    ),
    "quantiles apart": one(
        "metric: latency, quantile: 0.9, versus_baseline: {max_rise: 1}, unit: s",
        m("latency", scores=GOOD, unit="s"),
        m("latency", scores=EVEN, unit="s"),
    ),
    "strict pairs": one(
        f"metric: faithfulness, strict: true, {LESS}",
        m("faithfulness", scores=FAIR, **NAMED),
        m("faithfulness", scores=SAME, **NAMED),
    ),
    "interval": one(
        "metric: roc_auc, min: 0.9", m("roc_auc", value=0.95, ci=(0.92, 0.98), confidence=0.95, n=N)
    ),
}
"""Other ways to ask and to answer that have code of their own."""
CASES = {**{f"estimator {k}": v for k, v in REACHES.items()},
         **{f"kind {k}": v for k, v in ASKED.items()}, **OTHERWISE}  # fmt: skip
NO_NUMBERS = frozenset({"kind document", "kind passed_stage", "kind sign_off"})
SERIES_OF = ("scores", "labels", "denominators")
Spoil = Callable[[Measurement], Measurement]


def _numbers(change: Callable[[float], float], *only: str) -> Spoil:
    """Changes every number that was measured, alone or in a series; or `only` some."""

    def spoil(sent: Measurement) -> Measurement:
        found: dict[str, Any] = {}
        for name in only or ("value", "stderr", "exposure", *SERIES_OF):
            known = getattr(sent, name)
            if known is not None:
                found[name] = (
                    tuple(map(change, known)) if isinstance(known, tuple) else change(known)
                )
        return replace(sent, **found)

    return spoil


def _counts(change: Callable[[int], int]) -> Spoil:
    """Changes every count, of tables as well."""

    def spoil(sent: Measurement) -> Measurement:
        found: dict[str, Any] = {
            name: change(known)
            for name in ("count", "n")
            if (known := getattr(sent, name)) is not None
        }
        if sent.table is not None:
            found["table"] = tuple(tuple(map(change, row)) for row in sent.table)
        if sent.exceed is not None:
            found["exceed"] = Exceed(sent.exceed.limit, change(sent.exceed.count))
        return replace(sent, **found)

    return spoil


def _first(size: int) -> Spoil:
    """The first so many examples, or a count of as many."""

    def spoil(sent: Measurement) -> Measurement:
        if sent.exposure is not None:
            return sent  # events over an exposure have no examples
        names = ("ids", "clusters", *SERIES_OF)
        found: dict[str, Any] = {
            name: known[:size] for name in names if (known := getattr(sent, name)) is not None
        }
        return _counts(lambda k: min(k, size))(replace(sent, **found))

    return spoil


def _one_cluster(sent: Measurement) -> Measurement:
    return sent if sent.scores is None else replace(sent, clusters=("one",) * len(sent.scores))


def _one_id(sent: Measurement) -> Measurement:
    return sent if sent.scores is None else replace(sent, ids=("one",) * len(sent.scores))


def _with(number: float) -> Spoil:
    """One of the numbers of each series is this one; or the only number is."""

    def spoil(sent: Measurement) -> Measurement:
        found: dict[str, Any] = {
            name: (number, *known[1:])
            for name in SERIES_OF
            if (known := getattr(sent, name)) is not None
        }
        return _numbers(lambda _: number, "value", "stderr", "exposure")(replace(sent, **found))

    return spoil


BAD: dict[str, Spoil] = {
    "ties": _numbers(lambda x: round(2 * x) / 2, *SERIES_OF),
    "constant": _numbers(lambda _: 0.5, *SERIES_OF),
    "constant at the top": _numbers(lambda _: 1.0, *SERIES_OF),
    "constant scores": _numbers(lambda _: 1.0, "scores"),
    "all zero": lambda sent: _counts(lambda k: k if k == N else 0)(_numbers(lambda _: 0.0)(sent)),
    "no denominators": _numbers(lambda _: 0.0, "denominators", "exposure"),
    "no spread": _numbers(lambda _: 0.0, "stderr"),
    "huge": _numbers(lambda x: 1e300 * x),
    "beyond huge": _numbers(lambda x: 1.7e308 * x),
    "huge and tiny": lambda sent: _with(1e300)(_numbers(lambda x: 1e-300 * x)(sent)),
    "tiny": _numbers(lambda x: 1e-300 * x),
    "least": _numbers(lambda x: 5e-324 if x > 0.5 else 0.0),
    "least exposure": _numbers(lambda _: 5e-324, "exposure"),
    "negative": _numbers(lambda x: -x),
    "negative counts": _counts(lambda k: -k),
    "counts beyond 2^53": _counts(lambda k: (2**53 + 1) * k),
    "counts by a hair beyond 2^53": _counts(lambda k: 2**53 + k),
    "everything errored": lambda sent: replace(_first(0)(sent), n_errored=N),
    "more errors than examples": lambda sent: replace(sent, n_errored=2**53 + 1),
}
NOTHING: dict[str, Spoil] = {
    "NaN": _with(nan),
    "infinite": _with(inf),
    "minus infinite": _with(-inf),
    "one example": _first(1),
    "no example": _first(0),
    "one cluster": _one_cluster,
    "one id": _one_id,
    "not a number": lambda sent: replace(sent, value=None, missing="N/A"),
    "run cut short": lambda sent: replace(sent, incomplete="the run was stopped"),
}
"""Of which nothing can be shown, whatever the rest says: never a pass."""


LOOKS = ("single", "planned(2)", "anytime, n_plan: 1000")


def _found(
    case: Case, change: Spoil, side: str = "both", looks: str = "single"
) -> tuple[Verdict, list[Finding]] | None:
    """What is decided, None where the evidence is refused."""
    rule, sent, baseline = case
    if side != "baseline":
        sent = tuple(map(change, sent))
    if baseline is not None and side != "candidate":
        baseline = change(baseline)
    rules = policy(rule, header=f"defaults: {{looks: {looks}}}")
    try:
        made = judge(rules, *sent, baseline=None if baseline is None else [baseline])
    except ImpossibleEvidence:
        return None
    return made.verdict, list(made.findings)


PYTHON = re.compile(r"\b(nan|inf|None|fsum)\b")


def _is_carried(finding: Finding) -> bool:
    """Whether a pass that claims proof has a bound, and an estimate, on the good side."""
    seen = finding.observed
    proves = finding.outcome is Outcome.PASS and finding.proven and finding.mode is Mode.PROVE
    if not proves or seen is None or finding.kind in {"coverage", "zero_tolerance"}:
        return True
    low, high = limits_of(finding, seen)
    value = seen.value
    if low is not None and (seen.lower is None or seen.lower < low or (value or low) < low):
        return False
    return high is None or (
        seen.upper is not None and seen.upper <= high and (value or high) <= high
    )


def _is_sound(finding: Finding) -> bool:
    """Words for people, numbers that are numbers, and bounds around the value."""
    if PYTHON.search(" ".join((finding.message, *finding.flags))) or not _is_carried(finding):
        return False
    seen = finding.observed
    if seen is None:
        return True
    low = -inf if seen.lower is None else seen.lower
    high = inf if seen.upper is None else seen.upper
    value = low if seen.value is None else seen.value
    return low - 1e-9 * abs(low) <= value <= high + 1e-9 * abs(high) or seen.method == "exact"


@pytest.mark.parametrize("name", OTHERWISE)
def test_the_sound_evidence_passes(name: str) -> None:
    """Else nothing below could tell that a bad one passes wrongly."""
    found = _found(CASES[name], lambda sent: sent)
    assert found is not None
    for finding in found[1]:
        assert finding.outcome is Outcome.PASS, finding.message


def test_every_estimator_and_every_kind_has_evidence() -> None:
    assert set(REACHES) == set(ESTIMATORS)
    assert set(ASKED) == {"threshold", *KINDS}


@pytest.mark.parametrize("name", REACHES)
def test_the_evidence_leads_to_its_estimator(name: str) -> None:
    made: Mapping[str, Any] = {**MADE, **INSTEAD.get(name, {})}
    wanted = ESTIMATORS[name].build(*(made[what] for what in ESTIMATORS[name].takes)).method
    found = _found(REACHES[name], lambda sent: sent)
    assert found is not None
    for finding in found[1]:
        assert finding.observed is not None
        assert finding.observed.method == wanted
        assert finding.outcome is Outcome.PASS, finding.message


ASKING = [
    (name, side)
    for name, (_, _, baseline) in CASES.items()
    for side in (("both",) if baseline is None else ("both", "candidate", "baseline"))
]


@pytest.mark.parametrize(("name", "side"), ASKING)
def test_bad_evidence_has_an_outcome(name: str, side: str) -> None:
    """Whatever the looks are: only where there is a next one is its size asked for."""
    asked = product(BAD.items(), LOOKS if side == "both" else LOOKS[1:2])
    for (how, change), looks in asked:
        found = _found(CASES[name], change, side, looks)
        for finding in found[1] if found else ():
            assert finding.outcome is not Outcome.ERROR, (how, finding.message)
            assert _is_sound(finding), (how, finding.message, finding.observed)


@pytest.mark.parametrize(("name", "side"), [ask for ask in ASKING if ask[0] not in NO_NUMBERS])
def test_of_nothing_nothing_passes(name: str, side: str) -> None:
    _, sent, baseline = CASES[name]
    whole = () if side == "baseline" else sent
    whole += () if baseline is None or side == "candidate" else (baseline,)
    for how, change in NOTHING.items():
        if all(change(part) == part for part in whole):
            continue  # there is no series of which one number could be spoilt
        found = _found(CASES[name], change, side, "planned(2)")
        if found is None:
            continue
        verdict, findings = found
        assert verdict is not Verdict.PASS, (how, [f.message for f in findings])
        for finding in findings:
            assert finding.outcome is not Outcome.ERROR, (how, finding.message)
            assert _is_sound(finding), (how, finding.message, finding.observed)
