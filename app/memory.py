"""Memory that was freed, given back to the operating system. It frees nothing itself."""

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Large values leave holes in the C library's heap, which gives them back when asked.

    It takes milliseconds, so it is for what is large and rare.
    """
    with suppress(AttributeError, OSError):  # only glibc knows this call
        ctypes.CDLL(None).malloc_trim(0)
