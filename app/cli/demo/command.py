"""The command itself: where the demo keeps its files, and what to do when a step goes wrong."""

import shutil
import tempfile
from pathlib import Path

import click

from app.cli.demo.story import Story
from app.cli.demo.walk import StepFailed
from app.cli.exits import FAILED, CliError

EPILOG = """\b
Example:
  clearance demo --keep .demo
"""


@click.command(epilog=EPILOG)
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the files here (emptied first); otherwise they go to a temporary folder.",
)
def demo(keep: Path | None) -> None:
    """Train models, send their results, see one pass, one fail and one settled by a person."""
    folder = Path(tempfile.mkdtemp(prefix="clearance-demo-")) if keep is None else _emptied(keep)
    try:
        Story(folder).tell()
    except StepFailed as error:
        raise CliError(
            f"The demo stopped. {error}",
            f"Its files and the service's log are in {folder}.",
            code=FAILED,
        ) from None


def _emptied(folder: Path) -> Path:
    """An empty folder; one that is not ours is left alone."""
    mark = folder / ".clearance-demo"
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise CliError(
            f"{folder} holds files that are not a demo's.", "Name a new folder with --keep."
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.touch()
    return folder.resolve()
