"""Result files from the user's disk: what was named, and what lies beside it (see `beside`).

Errors say what to do.
"""

import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from app.cli.beside import Given
from app.cli.exits import CliError
from app.cli.output import progress
from gates.evidence import Measurement
from gates.formats import FormatError, Understood, combined, read
from gates.formats.result_file import MAX_BYTES

CHUNK: Final = 2**20
"""Bytes that are read and sent at a time."""


@contextmanager
def opened(path: str, *, found: bool = False) -> Iterator[BinaryIO]:
    """A file open for reading at any place, or stdin for `-`, which is held in memory.

    A file that was `found` and not named is not opened through a link.
    """
    with _words_for(path):
        if path == "-":
            given = sys.stdin.buffer.read(MAX_BYTES + 1)
            if len(given) > MAX_BYTES:
                raise CliError(f"stdin holds more than {MAX_BYTES // 2**20} MiB; name the file.")
            file: BinaryIO = io.BytesIO(given)
        else:
            file = open(path, "rb", opener=_not_linked if found else None)  # noqa: SIM115 - closed below, where reading ends
            if not file.seekable():
                raise CliError(f"{path} is not a plain file; send what it gives through `-`.")
    with file, _words_for(path):
        yield file


def _not_linked(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))


def pieces(name: str, file: BinaryIO, size: int) -> Iterator[bytes]:
    """A file's bytes on their way to the service, with how far they are."""
    sent = 0
    while piece := file.read(CHUNK):
        yield piece
        sent += len(piece)
        share = f"{100 * sent // size}%"
        progress(f"{name}: {share} of {size / 2**20:,.1f} MiB sent", is_step=True)


def content(path: str, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a file, or of stdin for `-`."""
    with opened(path) as file:
        found = file.read(limit + 1)
    if len(found) > limit:
        raise CliError(f"{path} is larger than {limit // 2**20} MiB; send a summary instead.")
    return found


@contextmanager
def _words_for(path: str) -> Iterator[None]:
    try:
        yield
    except IsADirectoryError:
        raise CliError(f"{path} is a directory; name the result files in it.") from None
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}.") from None


def understood(files: Iterable[Given], format_name: str = "auto") -> list[Understood]:
    """What each file says. Stops at the first that cannot be understood."""
    found = []
    for item in files:
        try:
            with opened(item.path, found=item.beside is not None) as file:
                found.append(read(item.name, file, "auto" if item.beside else format_name))
        except FormatError as error:
            hint = "`clearance formats` lists what is read."
            raise CliError(f"{error.detail.rstrip('.')}.", item.note or hint) from None
    return found


def measurements(files: Iterable[Understood]) -> tuple[Measurement, ...]:
    """All measurements of the files, in their order; scores in place of their own means."""
    try:
        return tuple(combined(tuple(files)))
    except FormatError as error:
        raise CliError(f"{error.detail}.") from None
