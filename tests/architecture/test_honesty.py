"""No stub, no silenced rule without a reason, no test that cannot fail."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

import pytest

from tests.architecture.tree import CODE, Module, modules

UNFINISHED = re.compile(r"\b(NotImplementedError|TODO|FIXME|XXX)\b|pragma: *no cover")
OPT_OUT = re.compile(r"#\s*(noqa|type:\s*ignore)")
CODES_AND_REASON = re.compile(
    r"#\s*noqa: [A-Z]+\d+(, [A-Z]+\d+)* - \w.{6,}|#\s*type: ignore\[[a-z, -]+\]\s+# \w.{6,}"
)
CHECKER = re.compile(r"assert|check|expect|refuse|verify|raises|warns|fail", re.IGNORECASE)

every_module = pytest.mark.parametrize(
    "module", modules(*CODE, "tests", "migrations"), ids=lambda m: m.name
)
own_code = pytest.mark.parametrize("module", modules(*CODE), ids=lambda m: m.name)
only_tests = pytest.mark.parametrize(
    "module",
    [m for m in modules("tests") if m.name.rpartition("/")[2].startswith("test_")],
    ids=lambda m: m.name,
)


@every_module
def test_each_module_says_what_it_is_for(module: Module) -> None:
    if module.name.startswith(("migrations/versions/", "tests/")) or not module.text:
        assert module.text or module.name.endswith("__init__.py")
        return
    assert len(ast.get_docstring(module.tree) or "") >= 20


@own_code
def test_nothing_is_left_for_later(module: Module) -> None:
    assert [match[0] for match in UNFINISHED.finditer(module.text)] == []


@own_code
def test_no_function_is_empty(module: Module) -> None:
    allowed = set(_bodiless_on_purpose(module.tree))
    empty = [f.name for f in module.functions if _is_empty(f) and f not in allowed]
    assert empty == []


@every_module
def test_each_opt_out_names_rule_and_reason(module: Module) -> None:
    comments = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(module.text).readline)
        if token.type == tokenize.COMMENT and OPT_OUT.match(token.string)
    ]
    bare = [comment for comment in comments if not CODES_AND_REASON.match(comment)]
    assert bare == []


@only_tests
def test_each_test_can_fail(module: Module) -> None:
    checkers = {f.name for f in module.functions if _asserts(f)}
    toothless = [
        f.name
        for f in module.functions
        if f.name.startswith("test_") and not _asserts(f) and not _calls(f) & checkers
    ]
    assert toothless == []


@only_tests
def test_no_test_is_switched_off(module: Module) -> None:
    off = {"skip", "skipif", "xfail", "importorskip"}
    used = {node.attr for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}
    assert used & off == set()


def _bodiless_on_purpose(tree: ast.Module) -> Iterator[ast.AST]:
    """Members of protocols, overloads, and exceptions' or click groups' documented callbacks."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(b) for b in node.bases):
            yield from ast.walk(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(
            "overload" in (name := ast.unparse(d)) or ".group(" in name or "callback" in name
            for d in node.decorator_list
        ):
            yield node


def _is_empty(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return all(
        isinstance(statement, ast.Pass)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for statement in function.body
    )


def _asserts(function: ast.AST) -> bool:
    """By itself, or through a helper whose name says so (`pytest.raises`, `assert_same`)."""
    return any(
        isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant)
        for node in ast.walk(function)
    ) or any(CHECKER.search(name) for name in _calls(function))


def _calls(function: ast.AST) -> set[str]:
    calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return {ast.unparse(call).rpartition(".")[2] for call in calls}
