import threading

import pytest

from app.ledger.inbox import Inbox
from app.ledger.work import LedgerUnavailable


def opened(limit):
    inbox: Inbox[int] = Inbox(limit)
    inbox.open()
    return inbox


def test_it_gives_away_what_waits_in_order_up_to_a_number():
    inbox = opened(10)
    for number in range(5):
        inbox.put([number])
    assert inbox.take(3) == [0, 1, 2]
    assert len(inbox) == 2
    assert inbox.take(3) == [3, 4]


def test_it_refuses_when_full_and_says_when_to_come_back():
    inbox = opened(2)
    inbox.put([1])
    inbox.put([2])
    with pytest.raises(LedgerUnavailable, match="waiting") as caught:
        inbox.put([3])
    assert caught.value.retry_after >= 1
    inbox.take(1)
    inbox.put([3])


def test_it_takes_all_of_what_is_handed_over_or_none():
    inbox = opened(3)
    inbox.put([1, 2])
    with pytest.raises(LedgerUnavailable, match="waiting"):
        inbox.put([3, 4])
    assert inbox.take(5) == [1, 2]


def test_it_refuses_before_it_opens_and_after_it_closes_but_keeps_what_it_took():
    inbox: Inbox[int] = Inbox(2)
    with pytest.raises(LedgerUnavailable, match="not open"):
        inbox.put([1])
    inbox.open()
    inbox.put([1])
    inbox.close("closing time")
    with pytest.raises(LedgerUnavailable, match="closing time"):
        inbox.put([2])
    assert inbox.take(5) == [1]
    assert inbox.take(5) == []


@pytest.mark.parametrize("wake", ["put", "close"])
def test_a_taker_waits_until_there_is_something(wake):
    inbox = opened(2)
    taken: list[list[int]] = []
    thread = threading.Thread(target=lambda: taken.append(inbox.take(5)))
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    if wake == "put":
        inbox.put([1])
    else:
        inbox.close("over")
    thread.join(60)
    assert taken == ([[1]] if wake == "put" else [[]])
