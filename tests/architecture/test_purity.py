"""`gates` touches nothing: the calls that no import contract can see."""

import ast

import pytest

from tests.architecture.tree import CODE, Module, modules

CLOCKS = {"now", "today", "utcnow", "perf_counter", "monotonic"}
DOORS = {"open", "input", "print", "exec", "eval", "breakpoint", "__import__", "compile"}
FILE_METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "open", "iterdir"}
DICE = {"default_rng", "shuffle", "randint", "choice", "rvs", "uuid1", "uuid4"}
NEVER_SCIPY = {"scipy.stats"}  # 0.6 s to import; scipy.special has what is needed

pure = pytest.mark.parametrize("module", modules("gates"), ids=lambda m: m.name)


@pure
def test_no_clock_no_file_no_dice(module: Module) -> None:
    calls = [node.func for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    methods = {f.attr for f in calls if isinstance(f, ast.Attribute)}
    functions = {f.id for f in calls if isinstance(f, ast.Name)}
    assert methods & (CLOCKS | FILE_METHODS | DICE) == set()
    assert functions & (DOORS | CLOCKS | DICE) == set()


@pure
def test_public_values_are_frozen(module: Module) -> None:
    thawed = [
        node.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        for decorator in node.decorator_list
        if "dataclass" in (text := ast.unparse(decorator)) and "frozen=True" not in text
    ]
    assert thawed == []


@pure
def test_numpy_and_scipy_wait_until_they_are_needed(module: Module) -> None:
    at_import = [
        node
        for node in module.tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        and ast.unparse(node).split()[1].split(".")[0] in {"numpy", "scipy", "cel"}
    ]
    assert [ast.unparse(node) for node in at_import] == []


@pytest.mark.parametrize("module", modules(*CODE), ids=lambda m: m.name)
def test_nobody_imports_scipy_stats(module: Module) -> None:
    assert NEVER_SCIPY & set(module.imports) == set()
