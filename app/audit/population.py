"""The population as CSV: every decision, review, waiver and break-glass, one line an entry.

The lines come from the log, so each can be found in it again by its index and leaf.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from app.audit.reading import Read, Record, entries
from app.ledger.merkle import leaf_hash

COLUMNS: Final = (
    "index",
    "type",
    "time",
    "actor",
    "subject",
    "decision",
    "model",
    "version",
    "stage",
    "policy",
    "policy_version",
    "verdict",
    "status",
    "answer",
    "role",
    "rule",
    "valid_until",
    "digest",
    "leaf",
)
KINDS: Final = ("decision.", "review.", "waiver.", "break_glass.")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def lines(record: Record) -> Iterator[str]:
    """The header, then one line for each entry of the population."""
    yield _line(COLUMNS)
    for item in entries(record.members()):
        if (row := _row(item)) is not None:
            yield _line([row[name] for name in COLUMNS])


def _row(item: Read) -> dict[str, Any] | None:
    if b'"type":"' not in item.bytes[-80:]:
        return None
    body = item.body
    if not str(body.get("type")).startswith(KINDS):
        return None
    data, refs = body["data"], body["refs"]
    candidate = data.get("candidate") or {}
    is_decision = body["type"].startswith("decision.")
    return {
        "index": item.index,
        "type": body["type"],
        "time": body["time"],
        "actor": body["actor"],
        "subject": body["subject"],
        "decision": body["subject"] if is_decision else refs.get("decision"),
        "model": candidate.get("model") or data.get("model"),
        "version": candidate.get("version"),
        "stage": data.get("stage"),
        "policy": data.get("policy"),
        "policy_version": data.get("policy_version"),
        "verdict": data.get("verdict"),
        "status": data.get("status") or data.get("decision_status"),
        "answer": data.get("answer"),
        "role": data.get("role"),
        "rule": data.get("rule"),
        "valid_until": data.get("valid_until") or data.get("expires_at"),
        "digest": data.get("digest") or refs.get("digest"),
        "leaf": leaf_hash(item.bytes).hex(),
    }


def _line(values: Any) -> str:
    """One line; a text that a spreadsheet would run as a formula is made a text."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([_harmless(value) for value in values])
    return out.getvalue()


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
