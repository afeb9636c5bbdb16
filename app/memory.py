"""The C library's heap: large values apart, and what was freed given back to the system.

It frees nothing itself, and does nothing where the C library is not glibc.
"""

import ctypes
from contextlib import suppress
from typing import Final

_MMAP_THRESHOLD: Final = -3
"""`M_MMAP_THRESHOLD` of malloc.h."""
_LARGE: Final = 2**20


def keep_apart() -> None:
    """Values from a mebibyte on come straight from the system and go straight back.

    By itself the C library stops doing so once one was freed, and then a few of them leave every
    thread's heap full of holes: measured, 7 to 20 MB more for each further large evaluation.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)


def give_back() -> None:
    """Freed values leave holes in the heap, which go back when asked for.

    It takes milliseconds, so it is for what is large and rare.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
