"""What stands on the command line, as values: measurements, requirements, documents.

It guesses nothing: a text that can be read in two ways is refused.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Final

from app.cli.exits import CliError
from gates.evidence import Document, Measurement
from gates.metrics import resolve
from gates.rules.selection import canonical_name

_NUMBER: Final = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_SET: Final = re.compile(
    rf"(?P<name>[^=]+)=(?:(?P<count>\d+)/(?P<of>\d+)|(?P<value>{_NUMBER})(?P<percent>%?)"
    r"(?::(?P<n>\d+))?)"
)
_REQUIRE: Final = re.compile(
    rf"(?P<name>.+?)\s*(?P<sign>>=|<=)\s*(?P<limit>{_NUMBER})\s*(?P<unit>%|[A-Za-z]+)?"
)
_DOCUMENT_FIELDS: Final = (
    "kind",
    "uri",
    "sha256",
    "subject",
    "issued_at",
    "expires_at",
    "signed_by",
)
Named = tuple[str | None, str]
"""(task, metric)."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """`gsm8k/strict-match.exact_match>=0.85`."""

    written: str
    task: str | None
    metric: str
    sign: str
    limit: float
    unit: str | None


def measurement(text: str) -> Measurement:
    """`--set [task.]metric=value[:n]`, or `metric=count/n`, which is exact."""
    found = _SET.fullmatch(text.strip())
    if found is None:
        raise CliError(
            f"--set {text!r} cannot be read.",
            "Write --set accuracy=0.87:1319, --set faq.accuracy=1148/1319 or --set latency_p95=0.7",
        )
    task, metric = split(found["name"].strip(), ())
    if found["of"] is not None:
        return Measurement(metric, count=int(found["count"]), n=int(found["of"]), task=task)
    value = float(found["value"]) / (100 if found["percent"] else 1)
    if not isfinite(value):
        raise CliError(f"--set {text!r}: {found['value']} is not a finite number.")
    n = int(found["n"]) if found["n"] is not None else None
    return Measurement(metric, value=value, n=n, task=task)


def requirement(text: str, known: Collection[Named]) -> Requirement:
    """`--require '[task.]metric>=0.85'`; `known` are the (task, metric) that were measured."""
    found = _REQUIRE.fullmatch(text.strip())
    if found is None:
        raise CliError(
            f"--require {text!r} cannot be read.",
            "Write --require 'accuracy>=0.85' or --require 'latency_p95<=800ms', in quotes: "
            "the shell takes > and < for redirections.",
        )
    task, metric = split(found["name"], known)
    limit, unit = float(found["limit"]), found["unit"]
    if unit == "%":
        limit, unit = round(limit / 100, 15), None
    if not isfinite(limit):
        raise CliError(f"--require {text!r}: {found['limit']} is not a finite number.")
    return Requirement(text.strip(), task, metric, found["sign"], limit, unit)


def split(name: str, known: Collection[Named]) -> Named:
    """(task, metric) of `[task.]metric`. Tasks may have dots, and so may metrics' names."""
    parts = name.split(".")
    options: list[Named] = [(None, name)]
    options += [(".".join(parts[:i]), ".".join(parts[i:])) for i in range(1, len(parts))]
    options = [(task, metric) for task, metric in options if metric and task != ""]
    measured = [
        option for option in options if (option[0], canonical_name(option[1])) in set(known)
    ]
    if not measured and known:
        anywhere = {metric for _, metric in known}
        measured = [o for o in options if o[0] is None and canonical_name(o[1]) in anywhere]
    if len(measured) > 1:
        raise CliError(
            f"{name!r} can mean {' or '.join(map(_words, measured))}; use a policy file."
        )
    if measured:
        return measured[0]
    catalogued = [option for option in options if resolve(option[1])]
    if catalogued:
        return catalogued[0]
    return options[-1] if options else (None, name)


def _words(named: Named) -> str:
    return f"metric {named[1]}" + (f" of task {named[0]}" if named[0] else "")


def document(text: str) -> Document:
    """`--document kind=dpia,signed_by=dpo,issued_at=2026-09-01`."""
    fields: dict[str, str] = {}
    for pair in text.split(","):
        key, equals, value = pair.partition("=")
        key, value = key.strip(), value.strip()
        if key not in _DOCUMENT_FIELDS or not equals or not value or key in fields:
            raise CliError(
                f"--document {text!r} cannot be read at {pair!r}.",
                f"Write kind=dpia,signed_by=dpo,issued_at=2026-09-01; fields are "
                f"{', '.join(_DOCUMENT_FIELDS)}.",
            )
        fields[key] = value
    if "kind" not in fields:
        raise CliError(f"--document {text!r} names no kind; start with kind=dpia.")
    return Document(
        kind=fields["kind"],
        uri=fields.get("uri"),
        sha256=fields.get("sha256"),
        subject=fields.get("subject"),
        signed_by=fields.get("signed_by"),
        issued_at=time(fields["issued_at"]) if "issued_at" in fields else None,
        expires_at=time(fields["expires_at"]) if "expires_at" in fields else None,
    )


def time(text: str) -> datetime:
    """A day (midnight UTC) or an RFC 3339 time with its zone."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise CliError(f"{text!r} is no time; write 2026-09-01 or 2026-09-01T10:00:00Z.") from None
    if len(text) == len("2026-09-01"):
        return parsed.replace(tzinfo=UTC)
    if parsed.tzinfo is None:
        raise CliError(f"{text!r} needs its zone; write {text}Z for UTC.")
    return parsed.astimezone(UTC)
