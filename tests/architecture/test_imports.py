"""What import contracts cannot say: allow-lists, patterns of names, and what a cold start loads."""

import ast
import json
import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import Module, modules

PURE_ENOUGH = {
    *("collections", "csv", "dataclasses", "datetime", "decimal", "difflib", "enum", "fnmatch"),
    *("fractions", "functools", "hashlib", "heapq", "io", "itertools", "json", "math", "operator"),
    *(
        "re",
        "statistics",
        "string",
        "types",
        "typing",
        "unicodedata",
        "xml",
        "struct",
        "zipfile",
        "zlib",
        "base64",
        "bisect",
        "contextlib",
    ),
    *(
        "__future__",
        "cel",
        "defusedxml",
        "jiter",
        "numpy",
        "orjson",
        "pydantic",
        "rfc8785",
        "scipy",
        "yaml",
        "zstandard",
        "gates",
    ),
}
NEVER_COLD = {
    *("alembic", "cel", "dbos", "evidently", "fastapi", "matplotlib", "mlflow", "numpy", "pandas"),
    *("psycopg", "scipy", "sklearn", "sqlalchemy", "starlette", "uvicorn", "httpx", "zstandard"),
}
WATCH = """
import json, sys
from app.cli import main
sys.argv[1:] = json.loads(sys.argv[1])
code = 0
try:
    code = main() or 0
except SystemExit as leaving:
    code = leaving.code or 0
finally:
    sys.stderr.write("\\n" + json.dumps([code, sorted({m.partition('.')[0] for m in sys.modules})]))
"""


def test_gates_imports_only_what_is_known_to_be_pure() -> None:
    found = {
        module.name: unknown
        for module in modules("gates")
        if (unknown := {name.partition(".")[0] for name in module.imports} - PURE_ENOUGH)
    }
    assert found == {}


def test_the_verifier_needs_nothing_but_cryptography() -> None:
    """An auditor copies the file; what it imports must be on any machine with that package."""
    (verifier,) = (module for module in modules("app") if module.name == "app/verifier.py")
    outside = {name.partition(".")[0] for name in verifier.imports} - sys.stdlib_module_names
    assert outside == {"cryptography"}
    relative = [n for n in ast.walk(verifier.tree) if isinstance(n, ast.ImportFrom) and n.level]
    assert relative == []


def test_only_main_mounts_routes() -> None:
    found = {
        module.name: foreign
        for module in modules("app", "gates")
        if module.name != "app/main.py" and (foreign := _foreign_routes(module))
    }
    assert found == {}


def _foreign_routes(module: Module) -> list[str]:
    """Routes of others; routes of one noun may share their parameter types."""
    own = _dotted(module).rpartition(".")[0] if module.name.endswith("routes.py") else "nothing"
    routes = [name for name in module.imports if name.endswith("routes")]
    return [name for name in routes if not name.startswith(f"{own}.")]


def test_a_kind_of_rule_knows_no_other_kind() -> None:
    assert _known_siblings("gates/rules/", "KIND") == {}


def test_a_format_knows_no_other_format() -> None:
    assert _known_siblings("gates/formats/", "NAME") == {}


def _known_siblings(folder: str, mark: str) -> dict[str, set[str]]:
    """Modules that define `mark` and import others that do; the folder's registry defines none."""
    plug_ins = {
        _dotted(module): module
        for module in modules("gates")
        if module.name.startswith(folder) and f"\n{mark}" in module.text.replace("\n    ", "\n")
        and not module.name.endswith(("/base.py", "/registry.py"))
    }  # fmt: skip
    assert len(plug_ins) > 3
    knows = {name: set(module.imports) & set(plug_ins) for name, module in plug_ins.items()}
    return {name: others for name, others in knows.items() if others}


def _dotted(module: Module) -> str:
    return module.name.removesuffix(".py").replace("/", ".")


def test_help_loads_nothing_heavy() -> None:
    code, loaded = _loaded_by("--help")
    assert code == 0
    assert loaded & (NEVER_COLD | {"pydantic", "jinja2", "yaml"}) == set()


def test_check_of_a_plain_rate_loads_nothing_heavy(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    results.write_text(json.dumps([{"metric": "accuracy", "count": 1826, "n": 2000}]), "utf-8")
    code, loaded = _loaded_by("check", str(results), "--require", "accuracy>=0.85")
    assert code == 0
    assert "gates" in loaded
    assert loaded & NEVER_COLD == set()


def test_submit_loads_no_web_framework_before_it_talks(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    results.write_text(json.dumps([{"metric": "accuracy", "count": 1826, "n": 2000}]), "utf-8")
    where = ("--model", "m", "--version", "1", "--stage", "evaluation")
    code, loaded = _loaded_by("submit", str(results), *where)
    assert code == 4  # nobody listens there
    # httpx looks for zstandard to offer it to servers.
    assert loaded & (NEVER_COLD - {"httpx", "zstandard"}) == set()


def _loaded_by(*arguments: str) -> tuple[int, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", WATCH, json.dumps(arguments)],
        env={"PATH": "", "CLEARANCE_URL": "http://127.0.0.1:9", "CLEARANCE_TOKEN": "clr_none"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    code, loaded = json.loads(done.stderr.rpartition("\n")[2])
    return code, set(loaded)
