import pytest

from app.pages.forest import LIMIT_AT, strips
from app.pages.reading import line
from tests.app.pages import samples


def strip_of(finding):
    (only,) = strips([line("gate", finding)])
    return only


@pytest.mark.parametrize(
    "finding", [samples.ACCURACY, samples.LATENCY, samples.DROP, samples.NO_HARM, samples.COST]
)
def test_what_holds_lies_right_of_the_limit(finding):
    strip = strip_of(finding)
    assert strip.limits == (LIMIT_AT,)
    assert strip.dot > LIMIT_AT
    assert strip.left is None or strip.left > LIMIT_AT


def test_what_fails_lies_left_and_what_is_open_lies_across():
    assert strip_of(samples.GERMAN).right < LIMIT_AT
    across = strip_of(samples.ATTACKS)
    assert across.left < LIMIT_AT < across.dot < across.right


def test_lower_is_better_is_turned_around():
    up = samples.finding("a", observed=samples.observed(0.9, 0.88, 0.95), limit={"min": 0.85})
    down = samples.finding("a", observed=samples.observed(0.1, 0.05, 0.12), limit={"max": 0.15})
    one, two = strip_of(up), strip_of(down)
    assert (one.left, one.dot, one.right) == pytest.approx((two.left, two.dot, two.right))


def test_slices_of_a_rule_share_their_scale():
    narrow, wide = (
        samples.finding("r", slice={"s": s}, observed=samples.observed(0.9, low, high))
        for s, low, high in (("a", 0.89, 0.91), ("b", 0.87, 0.93))
    )
    widths = [
        strip.right - strip.left
        for strip in strips([line("g", narrow), line("g", wide)])
        if strip and strip.left is not None and strip.right is not None
    ]
    assert widths[1] == pytest.approx(3 * widths[0], rel=0.01)


def test_a_side_without_bound_is_an_arrow():
    open_up = samples.finding("r", observed=samples.observed(0.9, 0.88, None))
    strip = strip_of(open_up)
    assert strip.opens_right
    assert not strip.opens_left


def test_a_range_lies_between_two_limits():
    finding = samples.RANGE["gates"][0]["findings"][0]
    strip = strip_of(finding)
    low, high = strip.limits
    assert low < strip.left < strip.dot < strip.right < high


@pytest.mark.parametrize("finding", [samples.DPIA, samples.ABSENT])
def test_what_has_no_number_has_no_strip(finding):
    assert strip_of(finding) is None


@pytest.mark.parametrize("value", [0.85, 1e300, -1e300, 0.0, None])
def test_extreme_numbers_stay_on_the_page(value):
    strip = strip_of(samples.finding("r", observed=samples.observed(value, value, value)))
    for at in (strip.left, strip.right, strip.dot):
        assert at is None or 0 <= at <= 100
