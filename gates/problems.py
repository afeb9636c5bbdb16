"""What is wrong with a written policy: where, on which line, in words a person can act on."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: an RFC 6901 pointer, a line from 1 (0 where unknown), words."""

    pointer: str
    line: int
    detail: str


class PolicyError(ValueError):
    """A policy that does not load, with everything that is wrong with it."""

    def __init__(self, errors: list[Problem]) -> None:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"line {first.line}: {first.pointer}: {first.detail}{more}")
        self.errors = errors


def line_of(pointer: str, lines: Mapping[str, int]) -> int:
    """The line of a pointer, or of the nearest thing around it."""
    while pointer not in lines and pointer:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer, 0)


def pointer_to(base: str, *parts: object) -> str:
    """An RFC 6901 pointer below `base`."""
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return "/".join((base, *escaped)) if parts else base


def field_problems(
    error: ValidationError, base: str, lines: Mapping[str, int], model: type[BaseModel]
) -> list[Problem]:
    """Pydantic's findings as problems, with the nearest valid field name where one is unknown."""
    found: list[Problem] = []
    for item in error.errors(include_url=False, include_input=False):
        place = [part for part in item["loc"] if not _is_union_tag(part)]
        pointer = pointer_to(base, *place)
        if any(known.pointer == pointer for known in found):
            continue  # the other branches of a union say only what else would have been tried
        words = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            words = _unknown_field(str(place[-1]), _names(model) if len(place) == 1 else [])
        elif item["type"] == "missing":
            words = f"`{place[-1]}` is required"
        found.append(Problem(pointer, line_of(pointer, lines), words[:1].lower() + words[1:]))
    return found


def _is_union_tag(part: object) -> bool:
    """Pydantic puts the tried type of a union into the location; people did not write it."""
    text = str(part)
    return text.startswith(("function-", "literal[", "BaselineChoice", "tuple[", "dict["))


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _unknown_field(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=2, cutoff=0.6)
    hint = f"; did you mean `{'` or `'.join(near)}`?" if near else ""
    return f"`{name}` is not a field here{hint}"
