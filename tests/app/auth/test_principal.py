"""Grants that do not mix, and limits that count whom they should."""

import pytest

from app.auth.principal import Grant, Principal, granted
from app.auth.roles import Permission
from app.auth.throttle import Throttle
from app.errors import Problem
from app.settings import Settings


def person(*grants: Grant) -> Principal:
    return granted(id="per_1", kind="person", name="ada", grants=grants, via="session")


def test_a_permission_reaches_only_the_models_it_was_given_for():
    ada = person(Grant(("reviewer:legal",), ("fraud-*",)), Grant(("viewer",), ("*",)))
    signs = ada.narrowed(Permission.SIGN_OFF)
    assert signs.models == ("fraud-*",)
    assert not signs.sees("chat")
    reads = ada.narrowed(Permission.READ)
    assert reads.sees("chat")
    assert not ada.narrowed(Permission.PUBLISH_POLICY).models


def test_a_stake_reaches_only_the_models_it_was_given_for():
    ada = person(
        Grant(("reviewer:legal",), ("fraud-*",)), Grant(("reviewer:security",), ("chat-*",))
    )
    signs = ada.narrowed(Permission.SIGN_OFF)
    assert signs.stakes_at("fraud-1") == {"legal"}
    assert signs.stakes_at("chat-1") == {"security"}
    assert signs.stakes_at("other") == frozenset()


def test_an_admin_stays_one_in_every_narrowed_view_without_their_reach():
    both = person(Grant(("admin",), ("a",)), Grant(("viewer",), ("*",)))
    opens = both.narrowed(Permission.READ_DECISIONS)
    assert opens.is_admin
    keys = both.narrowed(Permission.MANAGE_KEYS)
    assert keys.models == ("a",)


def test_one_grant_is_not_narrowed():
    sam = person(Grant(("viewer",), ("x",)))
    assert sam.narrowed(Permission.SIGN_OFF) is sam
    assert sam.stakes_at("x") == frozenset()


def test_submitters_are_not_limited_unless_the_operator_says_so():
    viewer = person(Grant(("viewer",), ("*",)))
    pipeline = person(Grant(("submitter",), ("*",)))
    throttle = Throttle(Settings(rate_limit="3/hour"))
    for _ in range(20):
        throttle.count(pipeline)
    for _ in range(3):
        throttle.count(viewer)
    with pytest.raises(Problem) as refused:
        throttle.count(viewer)
    assert refused.value.status == 429
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 3600
    limited = Throttle(Settings(submitter_rate_limit="1/hour"))
    limited.count(pipeline)
    with pytest.raises(Problem, match="More than 1 requests a hour"):
        limited.count(pipeline)


def test_no_limit_loads_no_library():
    throttle = Throttle(Settings(rate_limit="off", failure_limit="off"))
    for _ in range(100):
        throttle.count(person(Grant(("viewer",), ("*",))))
        throttle.failed("192.0.2.1")
    assert throttle._limiter is None
    assert not throttle.is_blocking


def test_an_address_that_guesses_is_refused_and_others_are_not():
    throttle = Throttle(Settings(failure_limit="2/hour"))
    for _ in range(3):
        throttle.refuse_blocked("192.0.2.1")
        throttle.failed("192.0.2.1")
    with pytest.raises(Problem) as refused:
        throttle.refuse_blocked("192.0.2.1")
    assert refused.value.slug == "too-many-requests"
    throttle.refuse_blocked("192.0.2.2")
