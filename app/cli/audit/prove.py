"""`clearance audit prove`: that a decision or an entry is in the record of a service.

A proof is checked here, against the key that the log names; it is never taken on trust. Keep a
checkpoint of your own: only an outside copy shows that history was not rewritten.
"""

from collections.abc import Mapping
from typing import Any

import click

from app.cli.exits import FAILED, PASSED, CliError
from app.cli.output import plain_output, show_json, show_text
from app.cli.service import Service, segment
from app.ledger.merkle import ProofError, leaf_hash, verify_inclusion
from app.ledger.note import Checkpoint, NoteError, VerifierKey, open_checkpoint
from app.pages.escaping import terminal

EPILOG = """\b
Examples:
  clearance audit prove dec_0193f0c0
  clearance audit prove 17 --key 'clearance.example/log+1f2e3d4c+AbCd…'
"""


@click.command(epilog=EPILOG)
@click.argument("what", metavar="DECISION|INDEX")
@click.option("--key", metavar="VKEY", help="The log's public key, from a source you trust.")
@plain_output
@click.pass_context
def prove(ctx: click.Context, what: str, key: str | None, output: str) -> None:
    """Check that a decision or an entry is in the record; exits with 1 if it is not."""
    service = Service()
    place = _place(service, what)
    try:
        signed = verified(place, _key(service, key))
    except (ProofError, NoteError, ValueError) as error:
        if output == "json":
            show_json({"proven": False, "reason": str(error)})
        else:
            show_text(f"NOT PROVEN  {terminal(str(error))}")
        ctx.exit(FAILED)
    if output == "json":
        show_json({"proven": True, "size": signed.size, "trusted_key": key is not None, **place})
    else:
        show_text(_words(place, signed, is_trusted=key is not None))
    ctx.exit(PASSED)


def _words(place: Mapping[str, Any], signed: Checkpoint, *, is_trusted: bool) -> str:
    words = f"PROVEN  Entry {place['index']} is in the log of {signed.size} entries"
    line = terminal(f"{words}, signed by {signed.origin}.")
    if is_trusted:
        return line
    return line + "\nThe key came from the service itself; give the one you keep with --key."


def verified(place: Mapping[str, Any], key: VerifierKey) -> Checkpoint:
    """The signed checkpoint under which the entry is proven. Raises where it is not."""
    try:
        signed = open_checkpoint(str(place["checkpoint"]), [key])
        index, leaf = place["index"], bytes.fromhex(place["leaf"])
        proof = [bytes.fromhex(node) for node in place["proof"]]
        content = place["bytes"].encode() if "bytes" in place else None
    except (KeyError, TypeError, AttributeError) as error:
        raise ProofError(f"this is no proof: {error}") from None
    if not isinstance(index, int) or isinstance(index, bool):
        raise ProofError("this is no proof: its index is no number")
    verify_inclusion(index, signed.size, leaf, proof, signed.root)
    if content is not None and leaf_hash(content) != leaf:
        raise ProofError("the entry's text does not have the hash that is in the log")
    return signed


def _place(service: Service, what: str) -> dict[str, Any]:
    """Index, leaf, proof and checkpoint, as the service tells them."""
    if what.isascii() and what.isdigit():
        found = service.get(f"/audit/entries/{what}/proof")
        entry = service.get(f"/audit/entries/{what}")
        return {**found, "bytes": entry["bytes"]}
    place: dict[str, Any] | None = service.get(f"/decisions/{segment(what)}").get("audit")
    if place is None:
        raise CliError(f"{what} is not in the record; was it only a preview?")
    return place


def _key(service: Service, given: str | None) -> VerifierKey:
    if given is None:
        items = service.get("/audit/keys").get("items") or []
        given = str(items[0]["verifier_key"]) if items else ""
    try:
        return VerifierKey.parse(given)
    except NoteError as error:
        raise CliError(f"{given!r} is no public key of a log: {error}.") from None
