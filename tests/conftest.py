"""How Hypothesis searches: freely at a developer's desk, the same way every time in CI.

And what every test process pays for itself: it collects all tests, whichever it then runs.
"""

import gc
import os
import sys

import pytest
from hypothesis import settings

settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

# Tests start many processes. Without bytecode each compiles MLflow or Evidently anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What collecting makes stays until the end: looking through it for garbage finds none and takes
# a third of the time. Afterwards it is left out of every later search.
gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, dealt to the workers: a long test at the end waits alone.

    `--dist worksteal` gives each worker one stretch of the list to begin with, which keeps most
    tests of a file, and what they share, in one process.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = {item.path: None for item in items if item.get_closest_marker("slow")}
    hands: list[list[pytest.Item]] = [[] for _ in range(workers)]
    turns = {path: hands[number % workers] for number, path in enumerate(slow)}
    rest: list[pytest.Item] = []
    for item in items:
        turns.get(item.path, rest).append(item)
    size = len(items) / workers
    for number, hand in enumerate(hands):
        wanted = round((number + 1) * size) - round(number * size) - len(hand)
        taken = len(rest) if number == workers - 1 else max(wanted, 0)
        hand.extend(rest[:taken])
        del rest[:taken]
    items[:] = [item for hand in hands for item in hand]


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()
