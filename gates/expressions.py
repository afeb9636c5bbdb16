"""CEL expressions of policies: parsed at load, limited in size and in what they may name.

Wraps `common-expression-language`; imported only where a policy has an expression.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

MAX_CHARACTERS = 1000
WHEN_VARIABLES = frozenset({"stage", "candidate", "model"})
RULE_VARIABLES = WHEN_VARIABLES | {"metrics", "baseline"}

_STRING = r"'[^'\\]*'|\"[^\"\\]*\""
_USE = re.compile(
    rf"({_STRING})|\b(metrics|baseline)\b\s*"
    r"(?:\[\s*(?:'([^'\\]+)'|\"([^\"\\]+)\")\s*\]|\.([A-Za-z_]\w*)(?!\w*\s*\())?"
    r"(?:\s*\.\s*([A-Za-z_]\w*))?"
)
FIELDS = frozenset({"value", "n", "lower", "upper"})


class ExpressionError(ValueError):
    """An expression that does not parse, or names what it may not."""


def compile_expression(text: str, variables: frozenset[str]) -> Any:
    """Parse an expression. Raises ExpressionError with what is wrong."""
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"the expression has more than {MAX_CHARACTERS} characters")
    program = _compile(text)
    unknown = sorted(set(program.variables()) - variables)
    if unknown:
        allowed = ", ".join(sorted(variables))
        raise ExpressionError(f"{unknown[0]} is not known here; it may read {allowed}")
    return program


@lru_cache(maxsize=512)
def _compile(text: str) -> Any:
    from cel import compile as compile_cel  # noqa: PLC0415 - the command line starts without CEL

    try:
        return compile_cel(text)
    except ValueError as error:
        reason = str(error).split("Syntax error:")[-1].split("\n")[0].strip()
        raise ExpressionError(f"the expression does not parse: {reason[:200]}") from None
    except BaseException as error:  # noqa: BLE001 - a Rust panic is not an Exception
        _reraise_if_ours(error)
        raise ExpressionError("the expression does not parse") from None


def run(text: str, values: Mapping[str, Any]) -> bool:
    """Evaluate to a boolean. Raises ExpressionError for an error or another type."""
    program = _compile(text)
    try:
        result = program.execute(dict(values))
    except BaseException as error:  # noqa: BLE001 - a Rust panic is not an Exception
        _reraise_if_ours(error)
        raise ExpressionError(f"the expression failed: {_reason(error)}") from None
    if not isinstance(result, bool):
        kind = type(result).__name__
        raise ExpressionError(f"the expression gave a {kind}, not true or false")
    return result


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is not there; test it with has(...)"
    return (str(error).splitlines() or ["unknown error"])[0][:200]


def _reraise_if_ours(error: BaseException) -> None:
    if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
        raise error


def metric_uses(text: str) -> list[tuple[str, str, str]]:
    """(variable, metric, field) for each use of `metrics[...]` and `baseline[...]`.

    Names must be literal, so that what is absent can be reported before anything runs.

    Raises:
        ExpressionError: for a computed name, a macro over all metrics, or an unknown field.
    """
    uses = []
    for match in _USE.finditer(text):
        literal, variable, single, double, dotted, part = match.groups()
        if literal is not None:
            continue
        metric = single or double or dotted
        if metric is None:
            raise ExpressionError(f"write {variable}['name'] with the metric's name in quotes")
        if part not in FIELDS:
            named = ", ".join(sorted(FIELDS))
            raise ExpressionError(f"{variable}['{metric}'] has {named}; say which")
        uses.append((variable, metric, part))
    return uses
