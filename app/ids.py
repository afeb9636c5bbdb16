"""Identifiers: a prefix that says what they name, and a UUIDv7 so that they sort by time.

Ids of one process rise strictly, even within one clock tick; they are names, never secrets.
"""

import random
import threading
import time

_lock = threading.Lock()
_last = 0


def new_id(prefix: str) -> str:
    """`dec_0198…`: 48 bits of milliseconds, 12 of sub-millisecond order, 62 random (RFC 9562)."""
    global _last  # noqa: PLW0603 - one strictly rising clock per process is the point
    now = time.time_ns()
    stamp = (now // 1_000_000) << 12 | (now % 1_000_000) * 4096 // 1_000_000
    with _lock:
        _last = stamp = max(stamp, _last + 1)
    milliseconds, order = stamp >> 12, stamp & 0xFFF
    # Ids are no secrets, and a system call for each would hand the interpreter to other threads.
    tail = random.getrandbits(62)
    value = milliseconds << 80 | 0x7 << 76 | order << 64 | 0b10 << 62 | tail
    return f"{prefix}_{value:032x}"
