"""The promises of docs/honesty.md in small: all that is enumerated, and quick simulations."""

from pathlib import Path

import pytest

from gates.verdict import Verdict
from tests.calibrate import enumerating, page, pairs, polling, releasing, repeating
from tests.calibrate.guarded import CASES as GUARDED
from tests.calibrate.model import ALPHA, MOST, Errors, Sampled, simulated
from tests.calibrate.related import CASES as RELATED
from tests.calibrate.report import Report, again, ceilings
from tests.calibrate.samples import CASES

TRIES = 200


@pytest.mark.parametrize("case", enumerating.COUNTED, ids=lambda case: case.name)
@pytest.mark.parametrize("alpha", [0.05, 0.04, 0.01])
def test_what_claims_to_be_exact_keeps_its_level_by_enumeration(case, alpha):
    for n in enumerating.SIZES:
        for rate in enumerating.RATES:
            errors = enumerating.errors(case, n, rate, alpha)
            assert not errors.approximate
            assert errors.false_pass <= alpha + 1e-9
            assert errors.false_fail <= alpha + 1e-9


@pytest.mark.parametrize("mean", enumerating.MEANS)
@pytest.mark.parametrize("alpha", [0.05, 0.04, 0.01])
def test_events_keep_their_level_by_enumeration(mean, alpha):
    errors = enumerating.events(mean, alpha)
    assert not errors.approximate
    assert max(errors.false_pass, errors.false_fail) <= alpha + 1e-9


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_bets_keep_their_level_over_every_order(alpha):
    most = 0.0
    for n in enumerating.SHORT[:2]:
        for errors in enumerating.bets(n, alpha).values():
            assert max(errors.false_pass, errors.false_fail) <= alpha + 1e-9
            most = max(most, errors.false_pass)
    assert most > 0.0, "nothing was ever passed, so nothing was asked"


@pytest.mark.parametrize(("won", "lost"), enumerating.SHARES)
def test_bets_on_pairs_keep_their_level_at_every_look(won, lost):
    errors = enumerating.paired_bets(30, won, lost)
    assert max(errors.false_pass, errors.false_fail) <= ALPHA


@pytest.mark.parametrize("sizes", pairs.SIZES)
def test_score_tests_of_two_arms_keep_to_their_stated_ceiling(sizes):
    for errors in (*(pairs.worst(sizes, m) for m in pairs.MARGINS), pairs.worst_ratio(sizes)):
        assert max(errors.false_pass, errors.false_fail) <= pairs.CEILING


@pytest.mark.parametrize("case", [*CASES, *RELATED, *GUARDED], ids=lambda case: case.name)
def test_simulated_errors_stay_within_their_ceiling(case: Sampled):
    for n in case.sizes[:3]:
        errors = simulated(case, n, TRIES)
        level = case.ceiling if errors.approximate else ALPHA
        assert errors.false_pass <= level + errors.slack(level)
        assert errors.false_fail <= level + errors.slack(level)


def test_the_gates_of_others_do_not_keep_it():
    """Otherwise the comparison in docs/honesty.md would compare nothing."""
    for rival in enumerating.RIVALS.values():
        assert enumerating.rival_false_pass(rival(100, 0.99), 0.99) > 0.3


def test_trying_again_costs_no_false_pass():
    report = Report(TRIES, lambda _: None)
    again(report)
    assert report.broken == []
    assert repeating.rerun_passed(0.85, 500, 10, repeating.exact(0.85)) > 0.3


@pytest.mark.parametrize("release", releasing.ALL, ids=lambda release: release.name)
def test_whole_releases_keep_the_promise(release):
    shares = releasing.shares(release, TRIES)
    slack = Errors(0, 0, TRIES)
    for verdict in release.is_wrong:
        assert shares[verdict] <= ALPHA + slack.slack(ALPHA)
    if release.is_planned:
        assert shares[Verdict.ESCALATE] <= 0.2 + slack.slack(0.2)
        assert shares[Verdict.PASS] > 0.7


@pytest.mark.parametrize("case", polling.CASES, ids=lambda case: case.name)
def test_polling_keeps_the_level(case):
    errors = polling.ever(case, 400)
    level = case.ceiling if errors.approximate else ALPHA
    assert errors.false_pass <= level + errors.slack(level)
    assert errors.false_fail <= level + errors.slack(level)


@pytest.mark.parametrize("case", polling.CERTIFIED, ids=lambda case: case.name)
def test_wrong_certificates_stay_rare_at_every_look(case):
    share = polling.wrongly_certified(case, 500)
    assert share <= ALPHA + Errors(0, 0, 500).slack(ALPHA)


@pytest.mark.parametrize("case", polling.CERTIFIED[:3], ids=lambda case: case.name)
def test_what_is_not_decided_could_not_be_certified(case):
    whole = polling.wrongly_certified(case, 25, all_decided=True)
    assert polling.wrongly_certified(case, 25) == whole


def test_a_broken_claim_is_reported():
    report = Report(TRIES, lambda _: None)
    report.claim("kept", 0.05, 0.05, 0.0)
    report.claim("broken", 0.0501, 0.05, 0.0)
    assert [claim.split(":")[0] for claim in report.broken] == ["broken"]


def test_no_ceiling_is_above_the_one_that_the_page_promises():
    drawn = {case.ceiling for case in (*CASES, *RELATED, *GUARDED)}
    polled = {case.ceiling for case in polling.CASES}
    assert max(drawn | polled | {pairs.CEILING}) == MOST


def test_what_may_err_beyond_the_promise_stands_first_with_its_ceiling():
    report = Report(TRIES, lambda _: None, sections=[("Further down", "")])
    report.ceilings += [
        ("kept", ALPHA, Errors(0.04, 0.05, 0, "t", approximate=True)),
        ("skewed", 0.07, Errors(0.062, 0.049, 0, "hall_t", approximate=True)),
    ]
    ceilings(report)
    title, table = report.sections[0]
    assert title == "What may err more often"
    assert table.splitlines()[-1] == "| skewed | `hall_t` | 7 | 6.2 | 4.9 |"


def test_the_page_is_of_this_engine():
    """A change of an estimator raises the engine's version, and the page must be measured anew."""
    text = (Path(__file__).parents[2] / "docs/honesty.md").read_text("utf-8")
    assert text.startswith(page.intro())
