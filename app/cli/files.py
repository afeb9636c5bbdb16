"""Result files from the user's disk. Reads only what was named; errors say what to do."""

import sys
from collections.abc import Iterable
from pathlib import Path

from app.cli.exits import CliError
from gates.evidence import Measurement
from gates.formats import FormatError, Understood, read
from gates.formats.result_file import MAX_BYTES


def content(path: str, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a file, or of stdin for `-`."""
    try:
        if path == "-":
            found = sys.stdin.buffer.read(limit + 1)
        else:
            with Path(path).open("rb") as file:
                found = file.read(limit + 1)
    except IsADirectoryError:
        raise CliError(f"{path} is a directory; name the result files in it.") from None
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}.") from None
    if len(found) > limit:
        raise CliError(f"{path} is larger than {limit // 2**20} MiB; send a summary instead.")
    return found


def understood(paths: Iterable[str], format_name: str = "auto") -> list[Understood]:
    """What each file says. Stops at the first that cannot be understood."""
    found = []
    for path in paths:
        try:
            found.append(read(Path(path).name, content(path), format_name))
        except FormatError as error:
            raise CliError(
                f"{error.detail.rstrip('.')}.", "`clearance formats` lists what is read."
            ) from None
    return found


def measurements(files: Iterable[Understood]) -> tuple[Measurement, ...]:
    """All measurements of the files, in their order."""
    return tuple(m for file in files for m in file.measurements)
