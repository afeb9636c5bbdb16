"""Strict YAML 1.2 (core schema) to plain values, with a line for every pointer.

Refuses what makes YAML dangerous or ambiguous in a policy: tags, duplicate keys, several
documents, non-finite numbers, and texts whose size, depth or aliases would expand without bound.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_CHARACTERS = 512 * 1024
MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_ALIASES = 100
MAX_INTEGER = 2**53 - 1  # beyond it RFC 8785 has no exact form

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_PREFIXED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NON_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class YamlError(ValueError):
    """A text that is not acceptable YAML; `line` counts from 1, `pointer` is RFC 6901."""

    def __init__(self, pointer: str, line: int, detail: str) -> None:
        super().__init__(f"line {line}: {detail}")
        self.pointer = pointer
        self.line = line
        self.detail = detail


@dataclass(slots=True)
class _Frame:
    """An open mapping or sequence."""

    value: Any
    pointer: str
    key: str | None = None
    anchor: str | None = None


@dataclass(slots=True)
class _Builder:
    """Builds values from parser events, counting what could explode."""

    lines: dict[str, int] = field(default_factory=dict)
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    root: Any = None
    documents: int = 0
    nodes: int = 0
    aliases: int = 0

    def pointer(self) -> str:
        if not self.stack:
            return ""
        top = self.stack[-1]
        part = str(len(top.value)) if isinstance(top.value, list) else (top.key or "")
        return f"{top.pointer}/{part.replace('~', '~0').replace('/', '~1')}"

    def wants_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and not self._keyed()

    def _keyed(self) -> bool:
        return self.stack[-1].key is not None

    def count(self, amount: int, line: int) -> None:
        self.nodes += amount
        if self.nodes > MAX_NODES:
            raise YamlError(self.pointer(), line, f"more than {MAX_NODES} values after aliases")

    def put(self, value: Any, line: int) -> None:
        pointer = self.pointer()
        self.lines.setdefault(pointer, line)
        if not self.stack:
            self.root = value
            return
        top = self.stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        else:
            assert top.key is not None
            top.value[top.key] = value
            top.key = None

    def put_key(self, key: str, line: int) -> None:
        top = self.stack[-1]
        if key in top.value:
            first = self.lines.get(f"{top.pointer}/{key}", line)
            raise YamlError(top.pointer, line, f"the key {key!r} stands twice (first line {first})")
        top.key = key
        self.lines[self.pointer()] = line


def load(text: str) -> tuple[Any, dict[str, int]]:
    """Parse one YAML document.

    Returns:
        The value (dict, list, str, int, float, bool, None) and a map from RFC 6901 pointers to
        line numbers, from 1.

    Raises:
        YamlError: for anything that is not one bounded, untagged YAML 1.2 core document.
    """
    if len(text) > MAX_CHARACTERS:
        raise YamlError("", 1, f"the text has more than {MAX_CHARACTERS} characters")
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            _take(builder, event)
    except YamlError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise YamlError(builder.pointer(), line, f"not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise YamlError("", 1, f"not YAML: {str(error).splitlines()[0]}") from None
    if builder.documents == 0:
        raise YamlError("", 1, "the text is empty")
    return builder.root, builder.lines


def _take(builder: _Builder, event: Any) -> None:
    line = event.start_mark.line + 1
    match event:
        case yaml.DocumentStartEvent():
            builder.documents += 1
            if builder.documents > 1:
                raise YamlError("", line, "only one document is allowed")
        case yaml.AliasEvent():
            _alias(builder, str(event.anchor), line)
        case yaml.ScalarEvent():
            _scalar(builder, event, line)
        case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
            _open(builder, event, line)
        case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
            frame = builder.stack.pop()
            if frame.anchor:
                builder.anchors[frame.anchor] = (frame.value, _size(frame.value))
            builder.put(frame.value, builder.lines.get(frame.pointer, line))
        case _:
            pass  # stream start and end, document end


def _open(builder: _Builder, event: Any, line: int) -> None:
    _refuse_tag(builder, event.tag, line)
    if builder.wants_key():
        raise YamlError(builder.pointer(), line, "a key must be a plain word")
    if len(builder.stack) >= MAX_DEPTH:
        raise YamlError(builder.pointer(), line, f"nested deeper than {MAX_DEPTH} levels")
    builder.count(1, line)
    pointer = builder.pointer()
    builder.lines.setdefault(pointer, line)
    value: Any = [] if isinstance(event, yaml.SequenceStartEvent) else {}
    builder.stack.append(_Frame(value, pointer, anchor=event.anchor))


def _alias(builder: _Builder, anchor: str, line: int) -> None:
    builder.aliases += 1
    if builder.aliases > MAX_ALIASES:
        raise YamlError(builder.pointer(), line, f"more than {MAX_ALIASES} aliases")
    if anchor not in builder.anchors:
        raise YamlError(builder.pointer(), line, f"the alias *{anchor} names nothing above it")
    if builder.wants_key():
        raise YamlError(builder.pointer(), line, "an alias cannot be a key")
    value, size = builder.anchors[anchor]
    builder.count(size, line)
    builder.put(value, line)


def _scalar(builder: _Builder, event: Any, line: int) -> None:
    _refuse_tag(builder, event.tag, line)
    builder.count(1, line)
    if builder.wants_key():
        builder.put_key(event.value, line)
        return
    plain = event.style is None or event.style == ""
    value = _resolve(event.value, builder.pointer(), line) if plain else event.value
    if event.anchor:
        builder.anchors[event.anchor] = (value, 1)
    builder.put(value, line)


def _refuse_tag(builder: _Builder, tag: str | None, line: int) -> None:
    if tag is not None:
        raise YamlError(builder.pointer(), line, f"tags are not allowed ({tag})")


def _resolve(text: str, pointer: str, line: int) -> Any:
    """The YAML 1.2 core schema: `no`, `on` and dates stay words."""
    if text in _WORDS:
        return _WORDS[text]
    if _NON_FINITE.fullmatch(text):
        raise YamlError(pointer, line, f"{text} is not a finite number")
    if len(text) > 400:  # no number that a person writes; spares int() a quadratic parse
        return text
    number = _number(text)
    if number is None:
        return text
    if isinstance(number, int) and abs(number) > MAX_INTEGER:
        raise YamlError(pointer, line, f"{text[:40]} is too large a number")
    if abs(number) > 1e300:
        raise YamlError(pointer, line, f"{text[:40]} is not a finite number")
    return number


def _number(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _PREFIXED.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else None


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(_size(child) for child in value.values())
    if isinstance(value, list):
        return 1 + sum(_size(child) for child in value)
    return 1
