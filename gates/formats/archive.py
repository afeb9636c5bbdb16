"""A zip archive of which single members are read: stored, deflated or compressed with zstd.

Nothing is ever unpacked to a disk. It refuses archives with too many members, names that stand
twice or lead out of the archive, and members that grow beyond a bound while they are read.
"""

import io
import struct
import zipfile
import zlib
from typing import BinaryIO

from gates.formats.result_file import ResultFile
from gates.formats.understood import FormatError

MAX_MEMBERS = 50_000
MAX_MEMBER_BYTES = 64 * 2**20
MAX_RATIO = 1_000
_MAX_DIRECTORY = 8 * 2**20
_WINDOW = 2**27
_LOCAL_HEADER = 30
_SMALL = 2**20
_UNREADABLE = (ValueError, OSError, struct.error, zlib.error)
_ENDING = b"PK\x05\x06"


class Archive:
    """The members of a file by name."""

    def __init__(self, file: ResultFile) -> None:
        self._file = file
        self._stream: BinaryIO = (
            io.BytesIO(file.given) if isinstance(file.given, bytes) else file.given
        )
        self._refuse_huge_directory()
        try:
            found = zipfile.ZipFile(self._stream).infolist()
        except (zipfile.BadZipFile, ValueError, struct.error) as error:
            raise file.malformed(f"the zip archive is cut off or broken: {error}") from None
        self._members = {info.filename: info for info in found}
        if len(self._members) < len(found):
            raise file.malformed("the zip archive names a member twice")
        for name in self._members:
            parts = name.replace("\\", "/").split("/")
            if name.startswith("/") or ".." in parts or ":" in parts[0] or "\0" in name:
                raise file.malformed(f"the zip archive has a member {name[:60]!r} outside of it")

    def __contains__(self, name: str) -> bool:
        """Whether there is such a member."""
        return name in self._members

    def read(self, name: str) -> bytes:
        """The bytes of a member."""
        info = self._members[name]
        if info.flag_bits & 1:
            raise self._file.malformed(f"the member {name[:60]!r} is encrypted")
        if max(info.file_size, info.compress_size) > MAX_MEMBER_BYTES:
            raise self._too_large(name)
        limit = min(MAX_MEMBER_BYTES, max(_SMALL, MAX_RATIO * info.compress_size))
        try:
            data = _decompressed(self._packed(info), info.compress_type, limit)
        except _UNREADABLE as error:
            detail = f"the member {name[:60]!r} cannot be read: {error}"
            raise self._file.malformed(detail) from None
        if len(data) > limit:
            raise self._too_large(name)
        return data

    def _packed(self, info: zipfile.ZipInfo) -> bytes:
        self._stream.seek(info.header_offset)
        header = self._stream.read(_LOCAL_HEADER)
        if len(header) < _LOCAL_HEADER or not header.startswith(b"PK\x03\x04"):
            raise ValueError("its header is not where the directory says")
        name_size, extra_size = struct.unpack_from("<HH", header, 26)
        self._stream.seek(info.header_offset + _LOCAL_HEADER + name_size + extra_size)
        packed = self._stream.read(info.compress_size)
        if len(packed) < info.compress_size:
            raise ValueError("it is cut off")
        return packed

    def _refuse_huge_directory(self) -> None:
        """Before the directory is read: each of its entries costs more in memory than on disk."""
        start = max(0, self._file.size - 2**16 - 22)
        self._stream.seek(start)
        end = self._stream.read()
        at = end.rfind(_ENDING)
        if at < 0 or len(end) - at < 22:
            raise self._file.malformed("the zip archive is cut off: it has no directory")
        members, size = (
            struct.unpack_from("<H", end, at + 10)[0],
            struct.unpack_from("<L", end, at + 12)[0],
        )
        if members > MAX_MEMBERS or size > _MAX_DIRECTORY:
            raise self._file.too_large(
                f"the archive has more than {MAX_MEMBERS:,} members, or a directory beyond "
                f"{_MAX_DIRECTORY:,} bytes"
            )

    def _too_large(self, name: str) -> FormatError:
        return self._file.too_large(
            f"the member {name[:60]!r} has more than {MAX_MEMBER_BYTES:,} bytes, or grows more "
            f"than {MAX_RATIO:,}-fold"
        )


def _decompressed(packed: bytes, method: int, limit: int) -> bytes:
    """At most one byte more than the limit, by which a bomb is told before it goes off."""
    match method:
        case zipfile.ZIP_STORED:
            return packed
        case zipfile.ZIP_DEFLATED:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, limit + 1)
        case 93:
            return _of_zstd(packed, limit)
        case _:
            raise ValueError(f"its compression method {method} is not known")


def _of_zstd(packed: bytes, limit: int) -> bytes:
    import zstandard  # noqa: PLC0415 - only logs that need it pay for it

    try:
        reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(
            packed, read_across_frames=True
        )
        return bytes(reader.read(limit + 1))
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None
