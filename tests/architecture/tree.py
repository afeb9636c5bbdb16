"""The source tree as the architecture tests see it. It reads files and judges nothing.

A file is parsed when a test first looks into it, and once: the trees of all files are millions of
objects, which no test process should hold that runs other tests.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("app", "gates")
COMMITTED = (*CODE, "migrations", "deploy", "docs", "tests", ".ci")


@dataclass(frozen=True)
class Module:
    """One source file; `name` is its path from the root."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed text."""
        return ast.parse(self.text, self.name)

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield node

    @property
    def imports(self) -> Iterator[str]:
        """Every absolute module name that any import statement names, at any depth."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """All Python files under the folders, sorted; an empty answer would make every test pass."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    if not paths:
        raise FileNotFoundError(f"no Python files under {', '.join(folders)}")
    return tuple(_module(path) for path in paths)


@cache
def _module(path: Path) -> Module:
    return Module(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))


def committed_files() -> list[Path]:
    """Every file that belongs to the project, found without git: an export must pass as well."""
    here = [path for path in ROOT.iterdir() if path.is_file()]
    below = [path for folder in COMMITTED for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in sorted(here + below) if "__pycache__" not in path.parts]
