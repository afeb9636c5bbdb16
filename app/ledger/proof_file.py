"""An entry's proof as one text file (C2SP tlog-proof): index, audit path, signed checkpoint.

It writes what `reading` has checked. Who reads it needs the entry and the log's key, no service.
"""

from base64 import b64encode
from typing import Final

from app.ledger.reading import Inclusion

HEADER: Final = "c2sp.org/tlog-proof@v1"
MEDIA_TYPE: Final = "text/plain; charset=utf-8"


def tlog_proof(found: Inclusion) -> str:
    """The text of a `.tlog-proof` file."""
    path = "".join(f"{b64encode(node).decode()}\n" for node in found.proof)
    return f"{HEADER}\nindex {found.index}\n{path}\n{found.signed.note}"
