"""The command line: the same use cases from a shell, with exit codes a pipeline can rely on.

0 passed, 1 failed, 2 wrong usage or input, 3 pending, 4 service out of reach. Nothing but a
passed decision exits with 0 from a command that decides.
"""

import os
import sys
import traceback
from typing import Final

import click

from app.cli.exits import UNREACHABLE, USAGE, CliError
from app.cli.lazy import Command, LazyGroup

COMMANDS: Final = (
    Command("check", "decide on result files here and now, without a service"),
    Command("show", "what is understood from result files"),
    Command("formats", "which result files are understood"),
    Command("submit", "send result files to the service and get the decision"),
    Command("dataset", "send data sets, so that evaluations can name them"),
    Command("status", "whether a version is cleared for a stage"),
    Command("decision", "show, replay or report a decision, or ask people"),
    Command("review", "list, show, approve or reject what waits for people"),
    Command("waiver", "ask for, approve, revoke and list waivers"),
    Command("policy", "draft, lint, publish, compare and try out policies"),
    Command("experiment", "what an A/B test shows, or how large it must be"),
    Command("audit", "the signed checkpoint, and proofs that something is in the record"),
    Command("attestation", "check offline what a decision says about an artifact"),
    Command("key", "API keys, and rotation of signing keys (on the database)"),
    Command("mlflow", "connect MLflow's model registry: create and test its webhook"),
    Command("identity", "check an identity file: which CI systems and people may come in"),
    Command("privacy", "erase a person, or an evaluation's evidence (on the database)"),
    Command("serve", "run the service"),
    Command("worker", "do the long work: deadlines, notices, clean-up (on the database)"),
    Command("witness", "cosign the checkpoints of logs, on another machine than theirs"),
    Command("migrate", "bring the database to this version (on the database)"),
    Command("demo", "the whole story on a real model, in under a minute"),
)

EPILOG = """\b
Start here:
  clearance check results.json
  clearance check results.json --require 'accuracy>=0.85'

\b
Exit codes: 0 passed, 1 failed, expired or revoked, 2 wrong usage or invalid
input, 3 pending or escalated, 4 service not reached or credentials refused.
"""


@click.group(
    cls=LazyGroup,
    commands_of=COMMANDS,
    package="app.cli",
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="clearance", message="%(prog)s %(version)s")
def clearance() -> None:
    """A release gate for AI systems: evaluation results in, an honest decision out."""


def main() -> None:
    """Run a command and exit with its code; a fault of ours never looks like a verdict."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = clearance.main(prog_name="clearance", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        code = USAGE
    except CliError as error:
        error.show()
        code = error.code
    except click.ClickException as error:
        error.show()
        code = USAGE
    except BrokenPipeError:
        # Whoever read our output stopped; what was decided is unknown to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = UNREACHABLE
    except Exception:  # noqa: BLE001 - Python would exit with 1, which means "failed" here
        traceback.print_exc()
        click.echo("This is a fault of clearance itself; nothing was decided.", err=True)
        code = USAGE
    sys.exit(code if isinstance(code, int) else 0)
