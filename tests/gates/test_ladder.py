"""The evidence ladder: each rung by what was sent, and what is asked for where nothing holds."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, isfinite, nan, sqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.evidence import Exceed, ImpossibleEvidence, Measurement
from gates.ladder import Unsettled, difference, estimate
from gates.statistics import binomial
from gates.statistics.difference import RateDifference
from gates.statistics.estimate import Estimate, Side

UNIT = (0.0, 1.0)
KIND = {
    "accuracy": ("proportion", UNIT),
    "precision": ("proportion", UNIT),
    "faithfulness": ("mean", UNIT),
    "relevance": ("mean", None),
    "f1": ("ratio", UNIT),
    "roc_auc": ("ratio", UNIT),
    "nps": ("ratio", (-100.0, 100.0)),
    "latency": ("quantile", None),
    "cross_tenant_leaks": ("count", None),
    "model_size": ("point", None),
}


def m(metric: str, **fields: Any) -> Measurement:
    return Measurement(metric, **fields)


def on(
    measurement: Measurement,
    *,
    limit: float = 0.85,
    side: Side = "lower",
    quantile: float | None = 0.95,
    value_range: tuple[float, float] | None = None,
    related: Sequence[Measurement] = (),
) -> Estimate | Unsettled:
    kind, usual = KIND[measurement.metric]
    return estimate(
        measurement,
        kind=kind,
        value_range=value_range or usual,
        quantile=quantile if kind == "quantile" else None,
        limit=limit,
        side=side,
        related=related,
    )


def known(measurement: Measurement, **rest: Any) -> Estimate:
    found = on(measurement, **rest)
    assert not isinstance(found, Unsettled), found
    return found


def unsettled(measurement: Measurement, **rest: Any) -> Unsettled:
    found = on(measurement, **rest)
    assert isinstance(found, Unsettled), found
    assert len(found.detail) > 20
    return found


SPREAD = sqrt(0.913 * 0.087 / 1999)


@pytest.mark.parametrize(
    ("sent", "method"),
    [
        (m("accuracy", count=1826, n=2000), "clopper_pearson"),
        (m("accuracy", scores=(1.0,) * 9 + (0.0,)), "clopper_pearson"),
        (m("accuracy", value=0.913, n=2000), "clopper_pearson"),
        (m("accuracy", value=0.913, n=2000, stderr=SPREAD), "clopper_pearson"),
        (m("accuracy", value=1.0, n=2000, stderr=0.0), "clopper_pearson"),
        (m("accuracy", value=0.913, n=2000, stderr=0.02), "clopper_pearson+t_pseudo_score"),
        (
            m("accuracy", value=0.9, n=200, ci=(0.8, 0.95), confidence=0.95),
            "clopper_pearson+supplied_interval",
        ),
        (m("accuracy", scores=(0.5, 1.0, 1.0)), "t_pseudo_score"),
        (m("accuracy", scores=(1.0, 0.0), clusters=("a", "b")), "clustered_t"),
        (m("precision", value=0.9, n=200), "clopper_pearson"),
        (m("faithfulness", scores=(0.5, 1.0, 1.0)), "t_pseudo_score"),
        (m("faithfulness", scores=(0.5, 1.0), clusters=("a", "a")), "clustered_t"),
        (m("faithfulness", value=0.9, n=50, stderr=0.02), "t_pseudo_score"),
        (m("faithfulness", value=0.9, n=50), "kl_chernoff"),
        (m("faithfulness", value=0.9, n=50, stderr=0.0), "kl_chernoff"),
        (m("faithfulness", value=0.9, n=100, stderr=0.3 / sqrt(99)), "clopper_pearson"),
        (m("faithfulness", count=45, n=50), "clopper_pearson"),
        (
            m("faithfulness", value=0.9, n=50, ci=(0.8, 0.95), confidence=0.95),
            "supplied_interval",
        ),
        (
            m("faithfulness", value=0.9, n=50, stderr=0.02, ci=(0.8, 0.95), confidence=0.95),
            "t_pseudo_score+supplied_interval",
        ),
        (m("relevance", scores=tuple(float(k % 5) for k in range(100))), "hall_t"),
        (m("relevance", value=4.12, stderr=0.05, n=300), "student_t"),
        (m("relevance", value=4.1, n=30, ci=(4.0, 4.2), confidence=0.9), "supplied_interval"),
        (m("f1", count=80, n=100), "clopper_pearson_f1"),
        (m("f1", value=0.9, n=500, stderr=0.01), "student_t"),
        (m("roc_auc", value=0.9, n=500, stderr=0.01), "student_t"),
        (
            m("roc_auc", value=0.9, n=500, ci=(0.85, 0.93), confidence=0.95),
            "supplied_interval",
        ),
        (m("nps", scores=(100.0, 0.0, -100.0)), "t_pseudo_score"),
        (m("latency", scores=(0.3, 0.2, 0.9)), "order_statistic"),
        (m("latency", exceed=Exceed(0.85, 31), n=1000), "clopper_pearson"),
        (m("latency", quantile=0.99, value=0.7, n=1000), "clopper_pearson"),
        (
            m("latency", quantile=0.95, value=0.71, n=1000, ci=(0.66, 0.78), confidence=0.95),
            "supplied_interval",
        ),
    ],
)
def test_each_rung(sent: Measurement, method: str) -> None:
    side: Side = "upper" if sent.metric == "latency" else "lower"
    assert known(sent, side=side).method == method


@pytest.mark.parametrize(
    ("sent", "reason", "word"),
    [
        (m("accuracy", value=0.99), "no_uncertainty", "`n`"),
        (m("accuracy", value=0.99, stderr=0.01), "no_uncertainty", "`n`"),
        (m("accuracy", value=0.99, ci=(0.9, 1.0), confidence=0.95), "no_uncertainty", "`n`"),
        (m("accuracy", value=0.9, n=50, ci=(0.9, 0.9), confidence=0.95), "no_uncertainty", "width"),
        (
            m("relevance", value=4.1, n=1, ci=(4.0, 4.2), confidence=0.95),
            "too_few_samples",
            "One example",
        ),
        (m("accuracy", value=0.9, n=50, ci=(0.8, 0.9)), "no_uncertainty", "`confidence`"),
        (m("accuracy"), "no_uncertainty", "`count`"),
        (m("accuracy", value=nan, n=50), "not_a_number", "finite"),
        (m("accuracy", count=0, n=0), "no_samples", "no example"),
        (m("accuracy", scores=()), "no_samples", "no example"),
        (m("accuracy", count=0, n=0, n_errored=9), "no_samples", "no example"),
        (m("precision", value=0.905, n=150), "no_uncertainty", "TP + FP"),
        (m("faithfulness", value=0.9), "no_uncertainty", "stderr"),
        (m("faithfulness", value=0.9, stderr=0.01), "no_uncertainty", "stderr"),
        (m("relevance", value=4.9), "no_uncertainty", "stderr"),
        (m("relevance", value=4.9, n=50), "no_uncertainty", "stderr"),
        (m("relevance", value=4.9, stderr=0.1), "no_uncertainty", "stderr"),
        (m("relevance", value=4.9, stderr=0.0, n=500), "no_uncertainty", "stderr"),
        (m("relevance", value=4.9, stderr=0.1, n=50), "too_few_samples", "100"),
        (m("relevance", value=4.9, n=50, ci=(4.9, 4.9), confidence=0.9), "no_uncertainty", "width"),
        (m("relevance", scores=(4.0,) * 99), "too_few_samples", "100"),
        (m("relevance", scores=(4.0,) * 100), "no_uncertainty", "equal"),
        (m("relevance", scores=(4.0, 5.0), clusters=("a", "b")), "no_uncertainty", "range"),
        (m("f1", value=0.9, n=500), "no_uncertainty", "TP"),
        (m("f1", scores=(0.9, 0.8)), "no_uncertainty", "average"),
        (m("roc_auc", value=0.9, n=500), "no_uncertainty", "stderr"),
        (m("roc_auc", value=0.9, n=50, stderr=0.01), "too_few_samples", "100"),
        (m("roc_auc", scores=(0.9, 0.8)), "no_uncertainty", "average"),
        (m("roc_auc", count=9, n=10), "no_uncertainty", "stderr"),
        (m("latency", value=0.7, quantile=0.95, n=1000), "no_uncertainty", "exceed"),
        (m("latency", value=0.7, n=1000), "no_uncertainty", "exceed"),
        (m("latency", value=0.7, quantile=0.99), "no_uncertainty", "exceed"),
        (m("latency", exceed=Exceed(0.8, 31), n=1000), "exceed_limit_mismatch", "0.85"),
        (m("latency", exceed=Exceed(0.85, 31)), "no_uncertainty", "`n`"),
        (m("latency", value=0.7, quantile=0.99, n=99, bucketed=True), "no_uncertainty", "exceed"),
        (m("latency", scores=(1.0, 2.0), clusters=("a", "b")), "no_uncertainty", "clustered"),
        (m("cross_tenant_leaks", count=0, n=100), "no_uncertainty", "max_count"),
        (m("model_size", value=7.0), "no_uncertainty", "exact"),
    ],
)
def test_what_settles_nothing_says_what_to_send(sent: Measurement, reason: str, word: str) -> None:
    found = unsettled(sent, side="upper" if sent.metric == "latency" else "lower")
    assert found.reason == reason
    assert word in found.detail


@pytest.mark.parametrize(
    "sent",
    [
        m("accuracy", count=11, n=10),
        m("accuracy", count=-1, n=10),
        m("accuracy", value=87.0, n=100),
        m("accuracy", value=-0.1, n=10),
        m("accuracy", scores=(0.5, 1.5)),
        m("accuracy", value=0.5, n=-1),
        m("accuracy", count=5, n=10, n_errored=-1),
        m("accuracy", value=0.5, n=10, stderr=-0.1),
        m("accuracy", value=0.5, n=10, stderr=inf),
        m("faithfulness", value=1.5, n=10, stderr=0.1),
        m("faithfulness", scores=(0.5, -0.5)),
        m("latency", exceed=Exceed(0.85, 31), n=10),
    ],
)
def test_impossible_values_are_refused(sent: Measurement) -> None:
    with pytest.raises(ImpossibleEvidence) as caught:
        on(sent, side="upper")
    assert caught.value.slug == "impossible-value"


@pytest.mark.parametrize(("kind", "quantile"), [("guess", None), ("quantile", None)])
def test_an_unknown_kind_is_refused(kind: str, quantile: float | None) -> None:
    sent = m("latency", scores=(1.0,))
    with pytest.raises(ValueError, match="no estimator"):
        estimate(sent, kind=kind, value_range=None, quantile=quantile, limit=1.0, side="upper")
    with pytest.raises(ValueError, match="no estimator"):
        difference(sent, sent, kind="quantile", value_range=None)


def test_spread_beside_a_proportion_only_widens() -> None:
    plain = known(m("accuracy", value=0.9, n=200))
    for more in ({"stderr": 0.04}, {"ci": (0.8, 0.99), "confidence": 0.95}):
        wide = known(m("accuracy", value=0.9, n=200, **more))
        assert wide.lower(0.05, errors=True) < plain.lower(0.05, errors=True)
        assert wide.p_below(0.95) > plain.p_below(0.95)
        assert not wide.approximate
    for less in ({"stderr": 0.001}, {"ci": (0.899, 0.901), "confidence": 0.95}):
        same = known(m("accuracy", value=0.9, n=200, **less))
        assert same.lower(0.05, errors=True) == plain.lower(0.05, errors=True)


def test_zero_stderr_is_the_exact_boundary() -> None:
    for metric in ("accuracy", "faithfulness"):
        perfect = known(m(metric, value=1.0, n=100, stderr=0.0))
        expected = binomial.lower(100, 100, 0.05)
        assert perfect.lower(0.05, errors=True) == pytest.approx(expected)


def test_half_a_range_is_no_range() -> None:
    costs = m("relevance", scores=(4.0,) * 50)
    assert unsettled(costs, value_range=(0.0, inf)).reason == "too_few_samples"


def test_errors_where_no_worst_value_is_known_cannot_pass() -> None:
    for sent in (
        m("relevance", value=4.12, stderr=0.05, n=300, n_errored=1),
        m("relevance", scores=tuple(float(k % 5) for k in range(100)), n_errored=1),
        m("relevance", value=4.1, n=300, ci=(4.0, 4.2), confidence=0.95, n_errored=1),
    ):
        assert known(sent).lower(0.05, errors=True) == -inf
        assert isfinite(known(sent).lower(0.05, errors=False))


def test_order_information_comes_from_related_rows_of_the_same_size() -> None:
    p95 = m("latency", quantile=0.95, value=0.8, n=1000)
    p99 = m("latency", quantile=0.99, value=0.84, n=1000)
    both = known(p95, side="upper", related=[p99])
    assert both.lower(0.04, errors=True) > 0.95
    assert getattr(both, "scale", None) == "share_within_limit"
    for useless in (replace(p99, n=999), replace(p99, bucketed=True), replace(p99, n=None)):
        assert unsettled(p95, side="upper", related=[useless]).reason == "no_uncertainty"
    assert unsettled(p95, side="upper").reason == "no_uncertainty"
    assert known(replace(p95, bucketed=True), side="upper", related=[p99]).count is None


def test_a_lower_percentile_over_the_limit_refutes() -> None:
    p90 = m("latency", quantile=0.9, value=0.9, n=1000)
    assert known(p90, side="upper").p_below(0.95) < 1e-6


def test_percentiles_out_of_order_are_impossible() -> None:
    p50 = m("latency", quantile=0.5, value=0.9, n=1000)
    p99 = m("latency", quantile=0.99, value=0.7, n=1000)
    with pytest.raises(ImpossibleEvidence):
        on(p50, side="upper", related=[p99])


@pytest.mark.parametrize(
    ("candidate", "baseline", "kind", "value_range", "method"),
    [
        (m("a", count=90, n=100), m("a", value=0.9, n=100), "proportion", UNIT, "miettinen"),
        (m("a", value=0.9, n=100, stderr=0.1), m("a", count=9, n=99), "proportion", UNIT, "sep"),
        (m("a", scores=(0.5,) * 20), m("a", scores=(0.4, 0.6) * 9), "mean", UNIT, "welch"),
        (m("a", value=0.5, n=50, stderr=0.1), m("a", scores=(0.5,) * 20), "mean", UNIT, "welch"),
        (m("a", value=0.5, n=50), m("a", scores=(0.5,) * 20), "mean", UNIT, "separate"),
        (
            m("a", value=4.0, n=200, stderr=0.1),
            m("a", scores=(4.0, 5.0) * 60),
            "mean",
            None,
            "welch",
        ),
        (
            m("a", scores=(0.5,) * 40, clusters=tuple("ab" * 20)),
            m("a", scores=(0.4, 0.6) * 9),
            "mean",
            UNIT,
            "mover",
        ),
    ],
)
def test_differences(
    candidate: Measurement,
    baseline: Measurement,
    kind: str,
    value_range: tuple[float, float] | None,
    method: str,
) -> None:
    found = difference(candidate, baseline, kind=kind, value_range=value_range)
    assert not isinstance(found, Unsettled)
    assert found.method.startswith(method)
    low, high = found.lower(0.05, errors=True), found.upper(0.05, errors=True)
    assert low < found.value < high


@pytest.mark.parametrize(
    ("candidate", "baseline", "kind", "who"),
    [
        (m("a", value=0.9), m("a", count=9, n=10), "proportion", "The candidate"),
        (m("a", count=9, n=10), m("a", value=0.9), "proportion", "The baseline"),
        (m("a", scores=(0.5, 0.6)), m("a", scores=(0.5,) * 20), "mean", "A difference of means"),
    ],
)
def test_differences_that_settle_nothing_say_whose(
    candidate: Measurement, baseline: Measurement, kind: str, who: str
) -> None:
    found = difference(candidate, baseline, kind=kind, value_range=UNIT)
    assert isinstance(found, Unsettled)
    assert found.detail.startswith(who)


def test_errors_count_against_the_candidate_and_for_the_baseline() -> None:
    clean = m("a", count=900, n=1000)
    one = difference(clean, clean, kind="proportion", value_range=UNIT)
    two = difference(replace(clean, n_errored=9), clean, kind="proportion", value_range=UNIT)
    three = difference(clean, replace(clean, n_errored=9), kind="proportion", value_range=UNIT)
    assert isinstance(one, RateDifference)
    assert isinstance(two, RateDifference)
    assert isinstance(three, RateDifference)
    for worse in (two, three):
        assert worse.lower(0.05, errors=True) < one.lower(0.05, errors=True)
        assert worse.p_below(0.0) == one.p_below(0.0)


forms = st.one_of(
    st.builds(
        lambda n, share, e: m("accuracy", count=round(share * n), n=n, n_errored=e),
        st.integers(1, 2**53),
        st.floats(0, 1),
        st.integers(0, 50),
    ),
    st.builds(
        lambda v, n, s, e: m("accuracy", value=v, n=n, stderr=s, n_errored=e),
        st.floats(0, 1),
        st.integers(1, 10**6),
        st.none() | st.floats(0, 10),
        st.integers(0, 50),
    ),
    st.builds(
        lambda v, n, s, e: m("faithfulness", value=v, n=n, stderr=s, n_errored=e),
        st.floats(0, 1),
        st.none() | st.integers(0, 10**6),
        st.none() | st.floats(0, 1e300),
        st.integers(0, 50),
    ),
    st.builds(
        lambda v, n, s: m("relevance", value=v, n=n, stderr=s),
        st.floats(-1e300, 1e300),
        st.none() | st.integers(0, 10**6),
        st.none() | st.floats(0, 1e300),
    ),
    st.builds(
        lambda v, e: m("faithfulness", scores=tuple(v), n_errored=e),
        st.lists(st.floats(0, 1), max_size=9),
        st.integers(0, 50),
    ),
    st.builds(
        lambda v: m("relevance", scores=tuple(v) * 50),
        st.lists(st.floats(-1e300, 1e300), max_size=9),
    ),
    st.builds(
        lambda v, e: m("latency", scores=tuple(v), n_errored=e),
        st.lists(st.floats(-1e300, 1e300), max_size=99),
        st.integers(0, 50),
    ),
)


@settings(deadline=None, max_examples=400)
@given(forms, st.floats(-1e300, 1e300), st.sampled_from([5e-324, 1e-12, 0.05, 0.5]))
def test_anything_possible_gets_an_answer(sent: Measurement, limit: float, alpha: float) -> None:
    for side in ("lower", "upper"):
        found = on(sent, limit=limit, side=side)
        if isinstance(found, Unsettled):
            continue
        for errors in (True, False):
            assert found.lower(alpha, errors=errors) <= found.upper(alpha, errors=errors)
        assert 0.0 <= found.p_below(limit) <= 1.0
        assert 0.0 <= found.p_above(limit) <= 1.0
        needed = found.samples_to_settle(limit, side, alpha)
        assert needed is None or needed >= 1


@pytest.mark.parametrize(("hits", "outcome"), [(445, "pass"), (400, "fail"), (435, "inconclusive")])
def test_the_three_answers_of_the_design(hits: int, outcome: str) -> None:
    found = known(m("accuracy", count=hits, n=500))
    if found.lower(0.05, errors=True) >= 0.85:
        got = "pass"
    else:
        got = "fail" if found.p_below(0.85) <= 0.05 else "inconclusive"
    assert got == outcome
