"""Small modules, small functions: the tail is what makes code unreadable, so it has a limit."""

import ast
from statistics import median, quantiles

from tests.architecture.tree import CODE, modules

MODULE_LIMIT = 400
MODULE_MEDIAN = 120
ALONE = {"app/verifier.py": 1460}
"""An auditor copies this one file and runs it without Clearance; in two files it would be none."""
FUNCTION_LIMIT = 60
FUNCTION_P90 = 30


def test_no_module_is_too_long() -> None:
    lengths = {module.name: module.lines for module in modules(*CODE, "migrations")}
    assert {name: n for name, n in lengths.items() if n > ALONE.get(name, MODULE_LIMIT)} == {}


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{module.name}:{f.lineno} {f.name}": _length(f)
        for module in modules(*CODE)
        for f in module.functions
    }
    assert {name: n for name, n in lengths.items() if n > FUNCTION_LIMIT} == {}


def test_most_modules_are_short() -> None:
    lengths = [module.lines for module in modules(*CODE) if module.lines > 2]
    assert median(lengths) < MODULE_MEDIAN


def test_most_functions_are_short() -> None:
    lengths = [_length(f) for module in modules(*CODE) for f in module.functions]
    assert quantiles(lengths, n=10)[-1] < FUNCTION_P90


def _length(function: ast.stmt) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1
