"""`clearance identity FILE`: an identity file checked, and what it lets in, before it is deployed.

With a token it says which rule the token meets, by its claims alone; only the service can check
whether the token is genuine.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from app.auth.claims import Match, matched
from app.auth.identity_file import read
from app.auth.identity_models import IdentityFile, Issuer, People
from app.auth.unverified import TokenRefused, peeked
from app.cli.exits import FAILED, CliError
from app.cli.output import show_text
from app.settings import SettingsError

EPILOG = """\b
Examples:
  clearance identity identity.yaml
  clearance identity identity.yaml --token-file token.txt
"""


@click.command(epilog=EPILOG)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A token of a CI job: which rule does it meet?",
)
def identity(file: Path, token_file: Path | None) -> None:
    """Check an identity file and say whom it lets in; no service is needed."""
    try:
        found = read(file).file
    except SettingsError as error:
        first, *lines = str(error).splitlines()
        raise CliError(first, *map(str.strip, lines)) from None
    if token_file is None:
        show_text("\n".join([*_issuers(found), *_people(found.people)]))
    else:
        show_text(_explained(found, token_file.read_text("utf-8", "replace").strip()))


def _issuers(found: IdentityFile) -> list[str]:
    lines = []
    for issuer in found.issuers:
        use = ", each once" if issuer.one_use else ""
        lines.append(click.style(f"{issuer.name}: {issuer.issuer}", bold=True))
        lines.append(f"  tokens for {issuer.audience or found.audience}{use}")
        for rule in issuer.rules:
            wanted = ", ".join(f"{name} {' or '.join(v)}" for name, v in rule.claims.items())
            lines.append(f"  {rule.name}: {', '.join(rule.roles)} of {', '.join(rule.models)}")
            lines.append(f"    where {wanted}")
            if rule.pull_requests == "allow":
                lines.append("    also from pull requests, whose code may be a stranger's")
    return lines


def _people(people: People | None) -> list[str]:
    if people is None:
        return []
    lines = [click.style(f"people: {people.issuer}", bold=True)]
    for grant in people.groups:
        roles, models = ", ".join(grant.roles), ", ".join(grant.models)
        lines.append(f"  group {grant.group}: {roles} of {models}")
    return lines


def _explained(found: IdentityFile, token: str) -> str:
    try:
        said = peeked(token)
    except TokenRefused as refused:
        raise CliError(str(refused), code=FAILED) from None
    issuer = next((item for item in found.issuers if item.issuer == said.issuer), None)
    if issuer is None:
        raise CliError(
            f"The token is of {said.issuer!r}, which the file does not list.", code=FAILED
        )
    if said.algorithm not in issuer.algorithms:
        wanted = ", ".join(issuer.algorithms)
        raise CliError(f"It is signed with {said.algorithm}, not with {wanted}.", code=FAILED)
    _require_audience(found, issuer, said.claims)
    match = matched(issuer, said.claims)
    if not isinstance(match, Match):
        raise CliError(match.replace("The token is genuine, but no", "No"), code=FAILED)
    ends = said.claims.get("exp")
    is_over = isinstance(ends, (int, float)) and ends <= datetime.now(UTC).timestamp()
    note = " It has expired meanwhile." if is_over else ""
    roles, models = ", ".join(match.rule.roles), ", ".join(match.rule.models)
    return (
        f"The claims meet the rule {match.rule.name} of {issuer.name}: {roles} of {models}.{note}\n"
        "Whether the token is genuine, only the service can check."
    )


def _require_audience(found: IdentityFile, issuer: Issuer, claims: dict[str, Any]) -> None:
    wanted, given = issuer.audience or found.audience, claims.get("aud")
    if wanted not in (given if isinstance(given, list) else [given]):
        raise CliError(f"It is for {given!r}; ask the CI system for {wanted!r}.", code=FAILED)
