"""`gates` touches nothing: the calls that no import contract can see."""

import ast

from tests.architecture.tree import CODE, modules

CLOCKS = {"now", "today", "utcnow", "perf_counter", "monotonic"}
DOORS = {"open", "input", "print", "exec", "eval", "breakpoint", "__import__", "compile"}
FILE_METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "open", "iterdir"}
DICE = {"default_rng", "shuffle", "randint", "choice", "rvs", "uuid1", "uuid4"}
NEVER_SCIPY = {"scipy.stats"}  # 0.6 s to import; scipy.special has what is needed


def test_no_clock_no_file_no_dice() -> None:
    found = {}
    for module in modules("gates"):
        calls = [node.func for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
        methods = {f.attr for f in calls if isinstance(f, ast.Attribute)}
        functions = {f.id for f in calls if isinstance(f, ast.Name)}
        forbidden = methods & (CLOCKS | FILE_METHODS | DICE) | functions & (DOORS | CLOCKS | DICE)
        if forbidden:
            found[module.name] = forbidden
    assert found == {}


def test_public_values_are_frozen() -> None:
    thawed = [
        f"{module.name}: {node.name}"
        for module in modules("gates")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        for decorator in node.decorator_list
        if "dataclass" in (text := ast.unparse(decorator)) and "frozen=True" not in text
    ]
    assert thawed == []


def test_numpy_scipy_and_cel_wait_until_they_are_needed() -> None:
    at_import = [
        f"{module.name}: {ast.unparse(node)}"
        for module in modules("gates")
        for node in module.tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        and ast.unparse(node).split()[1].split(".")[0] in {"numpy", "scipy", "cel"}
    ]
    assert at_import == []


def test_nobody_imports_scipy_stats() -> None:
    assert [m.name for m in modules(*CODE) if NEVER_SCIPY & set(m.imports)] == []
