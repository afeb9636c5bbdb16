"""Result files of evaluation tools, read into measurements; see `registry` for how and which.

Nothing here touches a disk or a network: bytes in, measurements or a FormatError out.
"""

from gates.formats.combining import combined
from gates.formats.registry import names, read, read_json
from gates.formats.understood import FormatError, Understood

__all__ = ["FormatError", "Understood", "combined", "names", "read", "read_json"]
