"""`clearance attestation`: check offline what a decision says about an artifact.

It talks to nobody: keys and the log's trusted root come from files that you keep. Only a pass that
is valid now, about this very artifact, exits with 0.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from app.attestations.dsse import EnvelopeError
from app.attestations.trust import Trust, TrustError, keys_of, logs_of
from app.attestations.verifying import Verified, verified
from app.cli.exits import FAILED, PASSED, CliError
from app.cli.files import content
from app.cli.output import plain_output, show_json, show_text
from app.pages.escaping import terminal


@click.group()
def attestation() -> None:
    """Check offline what a decision says about an artifact."""


VERIFY_EPILOG = """\b
Examples:
  clearance attestation verify a.sigstore.json --artifact sha256:… --trusted-root root.json
  clearance attestation verify a.intoto.jsonl --artifact sha256:… --key key.pem --stage evaluation

\b
The file is a DSSE envelope, in-toto JSON lines, or a Sigstore bundle. With --trusted-root the
bundle must be in that log, which vouches for the key where no --key is given.
Exit codes: 0 passed and valid now; 1 refused; 2 wrong usage.
"""


@attestation.command(epilog=VERIFY_EPILOG)
@click.argument("file", metavar="FILE")
@click.option("--artifact", required=True, metavar="DIGEST", help="What you are about to deploy.")
@click.option("--key", "keys", multiple=True, metavar="FILE", help="PEM, or a list of keys.")
@click.option("--trusted-root", "roots", multiple=True, metavar="FILE", help="The log's root.")
@click.option("--stage", metavar="STAGE", help="It must be cleared for this stage.")
@plain_output
@click.pass_context
def verify(
    ctx: click.Context,
    file: str,
    artifact: str,
    keys: tuple[str, ...],
    roots: tuple[str, ...],
    stage: str | None,
    output: str,
) -> None:
    """Check a decision's attestation against an artifact's digest."""
    digest = _digest(artifact)
    trust = _trust(keys, roots)
    try:
        found = verified(content(file), digest, trust)
        for item in found:
            _require_pass(item, stage, datetime.now(UTC))
    except EnvelopeError as error:
        if output == "json":
            show_json({"accepted": False, "reason": str(error)})
        else:
            show_text(f"REFUSED  {terminal(str(error))}")
        ctx.exit(FAILED)
    if output == "json":
        show_json({"accepted": True, "artifact": f"sha256:{digest}", "statements": _shown(found)})
    else:
        show_text(_words(found, digest))
    ctx.exit(PASSED)


def _require_pass(item: Verified, stage: str | None, now: datetime) -> None:
    if not item.has_passed:
        raise EnvelopeError(f"the {item.predicate} statement does not say that it passed")
    if stage is not None and not item.is_for(stage):
        raise EnvelopeError(f"the {item.predicate} statement is not about the stage {stage}")
    if item.valid_until <= now:
        raise EnvelopeError(f"it was valid until {item.valid_until.isoformat()}")


def _digest(text: str) -> str:
    value = text.removeprefix("sha256:").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise CliError(f"{text!r} is not a SHA-256 digest; write sha256: and 64 hex digits.")
    return value


def _trust(keys: Sequence[str], roots: Sequence[str]) -> Trust:
    if not keys and not roots:
        raise CliError("Say what to trust: --key FILE, --trusted-root FILE, or both.")
    try:
        known = [key for name in keys for key in keys_of(content(name), name)]
        logs = [log for name in roots for log in logs_of(content(name), Path(name).name)]
    except TrustError as error:
        raise CliError(f"{error}.") from None
    return Trust({key.id: key for key in known}, logs)


def _shown(found: Sequence[Verified]) -> list[dict[str, Any]]:
    return [
        {
            "predicate": item.predicate,
            "keyid": item.key_id,
            "log": item.log,
            "index": item.index,
            "valid_until": item.valid_until.isoformat(),
            "claim": dict(item.claim),
        }
        for item in found
    ]


def _words(found: Sequence[Verified], digest: str) -> str:
    first = found[0]
    kinds = ", ".join(item.predicate for item in found)
    lines = [
        f"ACCEPTED  sha256:{digest} passed ({kinds}), valid until {first.valid_until.isoformat()}."
    ]
    if first.log is None:
        lines.append("The log was not checked; give its --trusted-root with a Sigstore bundle.")
    else:
        lines.append(f"It is entry {first.index} of {first.log}.")
    return "\n".join(terminal(line) for line in lines)
