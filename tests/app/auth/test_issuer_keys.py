"""An issuer's keys over time: what is fetched when, what is kept, what is never used."""

import asyncio
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from app.auth.issuer_keys import IssuerKeys, KeysUnavailable, Source, usable
from app.outbound import OutboundError

START = datetime(2026, 11, 1, tzinfo=UTC)
ONE, TWO = (ECKey.generate_key("P-256", {"kid": kid}) for kid in ("one", "two"))


class Publisher:
    """What an issuer publishes now; counts how often it was asked."""

    def __init__(self) -> None:
        self.keys: Any = [ONE]
        self.asked = 0
        self.fault: Exception | None = None

    def __call__(self) -> Any:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return {"keys": [key.as_dict(private=False) for key in self.keys]}


def test_a_key_is_fetched_once_for_many_that_ask_at_once():
    async def many() -> int:
        publisher = Publisher()
        keys = IssuerKeys("x", publisher)
        found = await asyncio.gather(*(keys.find("one", START) for _ in range(50)))
        assert all(key is not None for key in found)
        return publisher.asked

    assert asyncio.run(many()) == 1


def test_unknown_ids_cause_one_fetch_in_half_a_minute():
    async def flood() -> tuple[int, int]:
        publisher = Publisher()
        keys = IssuerKeys("x", publisher)
        await keys.find("one", START)
        later = START + timedelta(minutes=1)
        found = await asyncio.gather(*(keys.find(f"k{n}", later) for n in range(100)))
        assert set(found) == {None}
        first = publisher.asked
        for second in range(0, 120, 10):
            await keys.find("other", later + timedelta(seconds=second))
        return first, publisher.asked

    first, total = asyncio.run(flood())
    assert first == 2
    assert total <= first + 4


def test_a_rotated_key_is_found_and_the_old_one_gone():
    async def rotate() -> None:
        publisher = Publisher()
        keys = IssuerKeys("x", publisher)
        assert await keys.find("one", START) is not None
        publisher.keys = [TWO]
        later = START + timedelta(minutes=1)
        assert await keys.find("two", later) is not None
        assert await keys.find("one", later) is None

    asyncio.run(rotate())


def test_after_an_hour_known_keys_serve_while_they_are_fetched_again():
    async def stale() -> None:
        publisher = Publisher()
        keys = IssuerKeys("x", publisher)
        await keys.find("one", START)
        publisher.keys = [TWO]
        later = START + timedelta(hours=2)
        assert await keys.find("one", later) is not None, "at once, from what is known"
        assert keys._refreshing is not None
        await keys._refreshing
        assert publisher.asked == 2
        assert await keys.find("one", later) is None, "withdrawn meanwhile"

    asyncio.run(stale())


@pytest.mark.parametrize("fault", [OutboundError("down"), ValueError("no JSON"), OSError("gone")])
def test_keys_outlast_a_failure_for_a_day(fault: Exception):
    async def fail() -> None:
        publisher = Publisher()
        keys = IssuerKeys("x", publisher)
        await keys.find("one", START)
        publisher.fault = fault
        assert await keys.find("one", START + timedelta(hours=23)) is not None
        with pytest.raises(KeysUnavailable):
            await keys.find("one", START + timedelta(hours=25))

    asyncio.run(fail())


def test_an_issuer_that_never_answered_is_not_asked_by_every_request():
    async def down() -> int:
        publisher = Publisher()
        publisher.fault = OutboundError("down")
        keys = IssuerKeys("x", publisher)
        for _ in range(20):
            with pytest.raises(KeysUnavailable):
                await keys.find("one", START)
        return publisher.asked

    assert asyncio.run(down()) == 1


def test_only_strong_public_signing_keys_are_used():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library advises against it, as we do
        weak = RSAKey.generate_key(1024, {"kid": "weak"})
    sealing = {**TWO.as_dict(private=False), "kid": "sealing", "use": "enc"}
    published = [
        OctKey.generate_key(256, {"kid": "secret"}).as_dict(),
        weak.as_dict(private=False),
        {**ONE.as_dict(private=True), "kid": "private"},
        sealing,
        {"kty": "ML-DSA", "kid": "future"},
        {"kty": "RSA", "kid": "broken", "n": "?", "e": "AQAB"},
        {"kid": "nothing"},
        "text",
        None,
        ONE.as_dict(private=False),
    ]
    assert list(usable({"keys": published})) == ["one"]
    wrong: tuple[Any, ...] = (None, [], {}, {"keys": None}, {"keys": {}}, "x")
    for nonsense in wrong:
        assert usable(nonsense) == {}


def test_without_an_id_there_must_be_nothing_to_choose_from():
    async def choose() -> None:
        publisher = Publisher()
        keys = IssuerKeys("x", publisher)
        assert await keys.find(None, START) is not None
        publisher.keys = [ONE, TWO]
        later = START + timedelta(minutes=1)
        await keys.find("two", later)
        assert await keys.find(None, later) is None

    asyncio.run(choose())


def test_hosts_that_nobody_wrote_down_are_not_reached_inside():
    source = Source("https://issuer.internal", jwks_url="https://keys.internal/jwks")
    for written in ("https://issuer.internal/x", "https://keys.internal/jwks"):
        assert source.outbound(written).networks
    assert not source.outbound("https://169.254.169.254/latest").networks
    with pytest.raises(OutboundError, match="without https"):
        source.outbound("http://issuer.internal/x")
