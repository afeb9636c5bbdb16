"""The measuring process: asked over its standard input, it reads two files and runs Evidently.

It has no secret, no database and no network. Whatever happens to it, the worker only sees a line
that does not come.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, Final, TextIO

from app.integrations.evidently.asked import NOT_INSTALLED, UNREADABLE, asked_of

_REFUSED: Final = ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto")


def main() -> None:
    """Answer requests, one JSON value per line, until the input ends."""
    # Libraries print; what they print must not stand between the lines of the answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.addaudithook(_no_network)
    for line in sys.stdin:
        try:
            _say(answers, _answered(json.loads(line), answers))
        except Exception as error:  # noqa: BLE001 - it is the worker who decides what follows
            detail = f"Evidently could not measure the data: {type(error).__name__}: {error}"
            _say(answers, {"problem": UNREADABLE, "detail": detail[:1000]})


def _no_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _REFUSED:
        raise PermissionError(f"the measuring process has no network ({event} {arguments[-1:]})")


def _say(answers: TextIO, value: dict[str, Any]) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()


def _answered(request: dict[str, Any], answers: TextIO) -> dict[str, Any]:
    folder, asked = Path(request["folder"]), asked_of(request["asked"])
    try:
        _say(answers, {"step": "starting Evidently"})
        from app.integrations.evidently import frames, reporting  # noqa: PLC0415 - once, and late
    except ImportError as error:
        return {"problem": NOT_INSTALLED, "detail": str(error)}
    try:
        _say(answers, {"step": "reading the data"})
        reference = frames.DataSet(folder / "reference", "The reference data")
        current = frames.DataSet(folder / "current", "The current data")
        known = {*reference.columns(), *current.columns()}
        wanted = set(asked.columns) or known
        wanted |= {*asked.text, *(n for n in (asked.target, asked.prediction) if n is not None)}
        before, now = reference.frame(wanted), current.frame(wanted)
    except frames.Unreadable as error:
        return {"problem": UNREADABLE, "detail": str(error)}
    rows = f"{len(before):,} and {len(now):,} rows"
    _say(answers, {"step": f"measuring {rows}"})
    found = reporting.measure(before, now, asked)
    (folder / "snapshot.json").write_text(json.dumps(found.snapshot), "utf-8")
    (folder / "report.html").write_text(found.html, "utf-8")
    gaps = [{"column": gap.column, "why": gap.why} for gap in found.gaps]
    return {"done": True, "gaps": gaps, "notes": list(found.notes)}
