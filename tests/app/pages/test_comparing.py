"""Side by side: candidate and baseline, this decision and the one before."""

from app.pages.comparing import beside_baseline, changes
from app.pages.failing import MOST, failing
from gates.evidence import Measurement
from tests.app.pages.samples import decision, finding, observed

DIFFERENCE = finding(
    "accuracy-versus-baseline",
    kind="versus_baseline",
    observed=observed(-0.01, -0.019, 0.002, scale="difference"),
    limit={"max_drop": 0.02},
    candidate=observed(0.9, None, None, n=500),
    baseline=observed(0.91, None, None, n=400),
)


def one(*found):
    return decision("failed", "fail", {"quality": list(found)})


def test_candidate_and_baseline_stand_side_by_side():
    (row,) = beside_baseline(one(DIFFERENCE, finding("accuracy")))
    assert row.place == "quality/accuracy-versus-baseline"
    assert (row.candidate, row.baseline) == ("90.0% (n = 500)", "91.0% (n = 400)")
    assert row.difference == "-1.9 to +0.2 points"
    assert row.limit == "max drop 2 points"


def test_only_what_ended_otherwise_is_a_change():
    seen = observed(0.9, 0.88, 0.92, n=500, count=450)
    before = one(finding("accuracy", observed=seen), finding("recall"), finding("gone"))
    after = one(finding("accuracy", observed=seen), finding("recall", "fail"), finding("new"))
    found = {row.place: row for row in changes(after, before)}
    assert set(found) == {"quality/recall", "quality/gone", "quality/new"}
    assert found["quality/recall"].is_worse
    assert found["quality/gone"].after == "no longer asked"
    assert found["quality/new"].before == "not asked"
    assert not found["quality/new"].is_worse


def test_the_worst_examples_are_named_by_id_and_no_more_than_fit():
    ids = tuple(f"q{i}" for i in range(100))
    scores = tuple(0.5 if i % 3 == 0 else 0.0 if i % 3 == 1 else 1.0 for i in range(100))
    shown = failing(
        [
            Measurement("accuracy", scores=scores, ids=ids, task="faq"),
            Measurement("recall", scores=scores, ids=ids),
            Measurement("accuracy", scores=scores),
        ],
        one(finding("accuracy")),
    )
    (group,) = shown
    assert (group.metric, group.scope, group.in_all) == ("accuracy", ("faq",), 67)
    assert len(group.ids) == MOST
    assert {score for _, score in group.ids} == {"0"}


def test_where_lower_is_better_the_highest_are_the_worst():
    m = Measurement("toxicity_rate", scores=(0.0, 1.0, 0.25), ids=("a", "b", "c"))
    (group,) = failing([m], one(finding("toxicity_rate")))
    assert group.ids == (("b", "1"), ("c", "0.25"))
