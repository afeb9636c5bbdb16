"""`clearance witness`: a small witness for logs of this format, best run by somebody else.

It keeps one checkpoint for each log and its own key, and nothing of what the logs are about.
"""

import time
from pathlib import Path

import click
import uvicorn

from app.cli.exits import UNREACHABLE, CliError
from app.cli.listening import address, bound
from app.cli.output import show_text
from app.ledger.keys import PemSigner, create_once, new_key_pem, read_key
from app.ledger.note import NoteError, VerifierKey
from app.settings import SettingsError
from app.witness.deciding import Witness
from app.witness.memory import Memory, WitnessBusy
from app.witness.server import make_app

KEY_NAME = "witness-key.pem"

EPILOG = """\b
Examples:
  clearance witness --name witness.example/w1 --state ./witness \\
      --log 'clearance.example/log+1f2e3d4c+AbCd…'
  curl https://clearance.example/v1/audit/keys     (where a log's key stands)

\b
Run it on another machine, under other people's hands, than the log: what a
witness is worth is that nobody can change both. It prints its own key; the
log's operator puts that and the address into CLEARANCE_WITNESSES, and auditors
keep it. GET /checkpoint shows the last checkpoint that it cosigned.
"""


@click.command(epilog=EPILOG)
@click.option("--name", required=True, help="The name that it signs under; a URL without scheme.")
@click.option(
    "--log",
    "logs",
    required=True,
    multiple=True,
    metavar="VKEY",
    help="A log's public key; repeat it for more logs, or for a rotated key.",
)
@click.option(
    "--state",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The directory that holds the last checkpoint of each log.",
)
@click.option(
    "--key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Its Ed25519 key (PKCS 8 PEM); without it one is made in --state.",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8001, show_default=True, type=click.IntRange(0, 65_535))
def witness(
    name: str, logs: tuple[str, ...], state: Path, key: Path | None, host: str, port: int
) -> None:
    """Cosign checkpoints of logs that only ever grow."""
    known = _known(logs)
    try:
        memory = Memory(state)
        if key is None:
            key = state / KEY_NAME
            create_once(key, "witness key", new_key_pem)
        signer = PemSigner(read_key(key, "witness key"), str(key))
        made = Witness(name, signer, known, memory, lambda: int(time.time()))
    except OSError as error:
        raise CliError(f"{state} cannot be used: {error.strerror}.") from None
    except (NoteError, SettingsError, WitnessBusy) as error:
        raise CliError(str(error)) from None
    _serve(made, host, port)


def _known(logs: tuple[str, ...]) -> dict[str, tuple[VerifierKey, ...]]:
    found: dict[str, tuple[VerifierKey, ...]] = {}
    for text in logs:
        try:
            key = VerifierKey.parse(text)
        except NoteError as error:
            raise CliError(
                f"--log {text!r} is no public key of a log: {error}.",
                "It stands at /v1/audit/keys of the service, as verifier_key.",
            ) from None
        found[key.name] = (*found.get(key.name, ()), key)
    return found


def _serve(made: Witness, host: str, port: int) -> None:
    config = uvicorn.Config(
        make_app(made),
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        log_level="warning",
        lifespan="off",
    )
    listening = bound(config, "clearance witness")
    where = address(host, listening.getsockname()[1])
    show_text(f"The witness listens on {where} (stop with Ctrl-C). Its key:\n{made.key}")
    server = uvicorn.Server(config)
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        return
    if not server.started:
        raise CliError("The witness did not start; the log above says why.", code=UNREACHABLE)
