"""What a witness keeps: of each log the last checkpoint that it cosigned, on disk, never older.

Check, write and sign are one step under one lock, and one process owns the directory: two requests
can not both be checked against the same past, so that the later one would roll the log back.
"""

import fcntl
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from app.ledger.note import Checkpoint, NoteError, claimed_checkpoint

_LOCK = "lock"


class WitnessBusy(Exception):  # noqa: N818 - named for what it says
    """Another process keeps this directory."""


class MemoryDamaged(Exception):  # noqa: N818 - named for what it says
    """The file of a log's last checkpoint cannot be read; until it can, nothing is cosigned."""


class Memory:
    """A directory with one file for each log; open it once per process."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory
        self._mutex = threading.Lock()
        self._owned = _own(directory / _LOCK)

    def close(self) -> None:
        """Let another process have the directory."""
        os.close(self._owned)

    @contextmanager
    def locked(self) -> Iterator["Memory"]:
        """Hold this from the first look to the answer."""
        with self._mutex:
            yield self

    def last(self, origin: str) -> str | None:
        """The last cosigned note of a log, None before the first."""
        path = self._path(origin)
        try:
            note = path.read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise MemoryDamaged(f"{path} cannot be read: {error}") from error
        if _claimed(note, path).origin != origin:
            raise MemoryDamaged(f"{path} speaks of another log.")
        return note

    def keep(self, origin: str, note: str) -> None:
        """Replace the last note; on return it is on the disk, or the old one still is."""
        path = self._path(origin)
        descriptor, temporary = tempfile.mkstemp(dir=self._directory, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(note.encode())
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_directory(self._directory)

    def _path(self, origin: str) -> Path:
        """An origin is a name somebody chose; its digest is a safe file name."""
        return self._directory / f"{sha256(origin.encode()).hexdigest()}.checkpoint"


def _claimed(note: str, path: Path) -> Checkpoint:
    try:
        return claimed_checkpoint(note)
    except NoteError as error:
        raise MemoryDamaged(f"{path} holds no checkpoint: {error}.") from error


def _own(path: Path) -> int:
    """A descriptor that holds the lock until it is closed, by whatever ends the process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise WitnessBusy(f"Another witness keeps {path.parent}.") from None
    return descriptor


def sync_directory(directory: Path) -> None:
    """Make a rename or a new file survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
