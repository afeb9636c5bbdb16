"""Files with the scores of single examples that lie beside the summary of their run.

A summary and its scores belong together where the tool named them so: the same folder and the same
time stamp (lm-evaluation-harness), or the fixed names of one folder (HELM). It follows no link,
guesses no pair, and says what it took.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from app.cli.output import aside

Function = TypeVar("Function", bound=Callable[..., Any])

MAX_FILES: Final = 100
"""Files in all, named and found: as many as the service takes in one submission."""

MAX_BYTES: Final = 2**30
"""Found files beyond this, taken together, have to be named."""

_STAMP: Final = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?"
_SUMMARY: Final = re.compile(rf".+_(?P<stamp>{_STAMP})\.json")
"""`results_<stamp>.json`, or `<name>_<stamp>.json` for an --output_path that ends in .json."""
_SCORES: Final = re.compile(rf"samples_.+_(?P<stamp>{_STAMP})\.jsonl")
_FIXED: Final = {"stats.json": "per_instance_stats.json"}


@dataclass(frozen=True, slots=True)
class Given:
    """A file to read: named by the user, or found `beside` one that was."""

    path: str
    beside: str | None = None

    @property
    def name(self) -> str:
        """The name without its folder; `stdin` for `-`."""
        return Path(self.path).name if self.path != "-" else "stdin"

    @property
    def note(self) -> str | None:
        """What to say of a file that nobody named."""
        if self.beside is None:
            return None
        return (
            f"{self.path} was found beside {Path(self.beside).name} and read with it; "
            "--only-named reads only what you name"
        )


def only_named(function: Function) -> Function:
    """The `--only-named` option of commands that read result files."""
    return click.option(
        "--only-named",
        is_flag=True,
        help="Leave out the scores of single examples that lie beside a summary of the same run.",
    )(function)


def given(paths: Sequence[str], *, alone: bool) -> list[Given]:
    """The named files, each followed by the scores that its tool wrote beside it."""
    named = [Given(path) for path in paths]
    if alone:
        return named
    taken = {_place(path) for path in paths if path != "-"}
    both: list[Given] = []
    for item in named:
        both.append(item)
        for path in _beside(item.path):
            if _place(path) not in taken:
                taken.add(_place(path))
                both.append(Given(path, item.path))
    found = [item for item in both if item.beside is not None]
    size = sum(Path(item.path).stat().st_size for item in found)
    if found and (len(both) > MAX_FILES or size > MAX_BYTES):
        aside(
            f"{len(found)} files with single scores ({size / 2**20:,.0f} MiB) lie beside these "
            f"and were left out: beyond {MAX_FILES} files or {MAX_BYTES // 2**20:,} MiB, name "
            "those that count."
        )
        return named
    return both


def _beside(path: str) -> Iterator[str]:
    """Plain files in the same folder that the tool named as parts of the same run."""
    if path == "-":
        return
    folder, name = Path(path).parent, Path(path).name
    summary = _SUMMARY.fullmatch(name)
    if name in _FIXED:
        names: Iterable[str] = [_FIXED[name]]
    elif summary:
        names = (n for n, stamp in _scores_in(folder) if stamp == summary["stamp"])
    elif name == "results.json" and (others := [n for n, _ in _scores_in(folder)]):
        # Renamed: whose scores these are is not to be told any more.
        aside(
            f"{path}: {others[0]} and others lie beside it, and its name does not say of which "
            "run it is; name the files that belong to it, or keep the names that lm_eval gave."
        )
        return
    else:
        return
    for found in names:
        place = folder / found
        if place.is_symlink():
            aside(f"{place} is a link and was left out; name it if it is meant.")
        elif place.is_file():
            yield str(place)


def _scores_in(folder: Path) -> list[tuple[str, str]]:
    """Names and stamps of the harness's samples in a folder, in order."""
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []
    return [(name, found["stamp"]) for name in names if (found := _SCORES.fullmatch(name))]


def _place(path: str) -> Path:
    return Path(path).resolve()
