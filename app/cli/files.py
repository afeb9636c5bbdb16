"""Result files from the user's disk. Reads only what was named; errors say what to do."""

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from app.cli.exits import CliError
from app.cli.output import progress
from gates.evidence import Measurement
from gates.formats import FormatError, Understood, combined, read
from gates.formats.result_file import MAX_BYTES

CHUNK: Final = 2**20
"""Bytes that are read and sent at a time."""


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """A file open for reading at any place, or stdin for `-`, which is held in memory."""
    with _words_for(path):
        if path == "-":
            found = sys.stdin.buffer.read(MAX_BYTES + 1)
            if len(found) > MAX_BYTES:
                raise CliError(f"stdin holds more than {MAX_BYTES // 2**20} MiB; name the file.")
            file: BinaryIO = io.BytesIO(found)
        else:
            file = Path(path).open("rb")  # noqa: SIM115 - closed below, where reading ends
            if not file.seekable():
                raise CliError(f"{path} is not a plain file; send what it gives through `-`.")
    with file, _words_for(path):
        yield file


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


def understood(paths: Iterable[str], format_name: str = "auto") -> list[Understood]:
    """What each file says. Stops at the first that cannot be understood."""
    found = []
    for path in paths:
        try:
            with opened(path) as file:
                found.append(read(Path(path).name, file, format_name))
        except FormatError as error:
            raise CliError(
                f"{error.detail.rstrip('.')}.", "`clearance formats` lists what is read."
            ) from None
    return found


def measurements(files: Iterable[Understood]) -> tuple[Measurement, ...]:
    """All measurements of the files, in their order; scores in place of their own means."""
    try:
        return tuple(combined(tuple(files)))
    except FormatError as error:
        raise CliError(f"{error.detail}.") from None
