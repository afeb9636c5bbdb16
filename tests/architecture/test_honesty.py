"""No stub, no silenced rule without a reason, no test that cannot fail."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator

from tests.architecture.tree import CODE, Module, modules

UNFINISHED = re.compile(r"\b(NotImplementedError|TODO|FIXME|XXX)\b|pragma: *no cover")
OPT_OUT = re.compile(r"#\s*(noqa|type:\s*ignore)")
CODES_AND_REASON = re.compile(
    r"#\s*noqa: [A-Z]+\d+(, [A-Z]+\d+)* - \w.{6,}|#\s*type: ignore\[[a-z, -]+\]\s+# \w.{6,}"
)
CHECKER = re.compile(r"assert|suppress|check|expect|refuse|verify|raises|warns|fail", re.IGNORECASE)

Found = dict[str, list[str]]


def _tests() -> list[Module]:
    return [m for m in modules("tests") if m.name.rpartition("/")[2].startswith("test_")]


def _where(found: Iterable[tuple[Module, list[str]]]) -> Found:
    return {module.name: some for module, some in found if some}


def test_each_module_says_what_it_is_for() -> None:
    silent = [
        module.name
        for module in modules(*CODE, "migrations")
        if module.text
        and not module.name.startswith("migrations/versions/")
        and len(ast.get_docstring(module.tree) or "") < 20
    ]
    assert silent == []


def test_nothing_is_left_for_later() -> None:
    assert _where((m, [f[0] for f in UNFINISHED.finditer(m.text)]) for m in modules(*CODE)) == {}


def test_no_function_is_empty() -> None:
    assert _where((module, _empty_functions(module)) for module in modules(*CODE)) == {}


def test_each_opt_out_names_rule_and_reason() -> None:
    everything = modules(*CODE, "tests", "migrations")
    assert _where((module, _bare_opt_outs(module)) for module in everything) == {}


def test_each_test_can_fail() -> None:
    assert _where((module, _toothless(module)) for module in _tests()) == {}


def test_no_test_is_switched_off() -> None:
    off = {"skip", "skipif", "xfail", "importorskip"}
    used = [
        (m, [n.attr for n in ast.walk(m.tree) if isinstance(n, ast.Attribute) and n.attr in off])
        for m in _tests()
    ]
    assert _where(used) == {}


def _empty_functions(module: Module) -> list[str]:
    allowed = set(_bodiless_on_purpose(module.tree))
    return [f.name for f in module.functions if _is_empty(f) and f not in allowed]


def _bare_opt_outs(module: Module) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(module.text).readline)
    return [
        token.string
        for token in tokens
        if token.type == tokenize.COMMENT
        and OPT_OUT.match(token.string)
        and not CODES_AND_REASON.match(token.string)
    ]


def _toothless(module: Module) -> list[str]:
    checkers = {f.name for f in module.functions if _asserts(f)}
    return [
        f.name
        for f in module.functions
        if f.name.startswith("test_") and not _asserts(f) and not _calls(f) & checkers
    ]


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
    """By itself, or by a helper whose name says so; `suppress` says which error alone may come."""
    return any(
        isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant)
        for node in ast.walk(function)
    ) or any(CHECKER.search(name) for name in _calls(function))


def _calls(function: ast.AST) -> set[str]:
    calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return {ast.unparse(call).rpartition(".")[2] for call in calls}
