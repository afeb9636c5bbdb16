"""One measurement written in our own words: a JSON object, or a table's row with these columns.

It refuses unknown words, two forms at once, and a value that its own count contradicts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gates.evidence import Exceed, Measurement, SliceKey, Source
from gates.formats.cells import MISSING, NotANumber, is_blank, number, shown, whole
from gates.formats.result_file import ResultFile
from gates.formats.understood import FormatError

FORMS = ("value", "count", "scores", "exceed", "table")
SOURCE_FIELDS = frozenset(
    {"tool", "tool_version", "suite", "run_id", "prompt_set_digest"}
    | {"dataset", "dataset_name", "dataset_digest"}
)
FIELDS = frozenset(
    (*FORMS, "metric", "n", "n_errored", "stderr", "ci", "confidence", "ids", "clusters", "labels")
) | frozenset(
    ("quantile", "unit", "direction", "task", "slice", "source", "denominators", "exposure")
)

_ROUNDING = 0.005
"""A value printed beside its count may be rounded to two digits."""


def measurement(file: ResultFile, where: str, given: Mapping[str, object]) -> Measurement:
    """The measurement that an object states; blank entries count as absent.

    `where` names the object in errors. A value that is NaN, null or "N/A", or no form at all,
    gives a measurement with `missing` set. Raises FormatError (`malformed-file`).
    """
    unknown = sorted(given.keys() - FIELDS)
    if unknown:
        raise file.malformed(f"{where}: {unknown[0][:60]!r} is not a field of a measurement")
    fields = _Fields(file, where, {k: v for k, v in given.items() if not is_blank(v)})
    forms = [form for form in FORMS if form in fields.given]
    if len(forms) > 1 and forms != ["value", "count"]:
        raise fields.error(f"{' and '.join(forms)} exclude each other; give one of them")
    metric = fields.text("metric")
    if metric is None:
        raise fields.error("there is no metric")
    common: dict[str, Any] = {
        "metric": metric,
        "n": fields.whole("n"),
        "n_errored": fields.whole("n_errored") or 0,
        "errors_stated": fields.whole("n_errored") is not None,
        "stderr": fields.number("stderr"),
        "ci": fields.interval(),
        "confidence": fields.number("confidence"),
        "quantile": fields.number("quantile"),
        "unit": fields.text("unit"),
        "direction": fields.direction(),
        "task": fields.text("task"),
        "slice": fields.slice(),
        "source": fields.source(),
    }
    match forms:
        case ["scores"]:
            return _scored(fields, common)
        case ["table"]:
            return Measurement(**common, table=fields.table())
        case ["exceed"]:
            return Measurement(**common, exceed=fields.exceed(common["n"]))
        case ["count"] | ["value", "count"]:
            return _counted(fields, common)
        case _:
            value = fields.number("value")
            return Measurement(**common, value=value, missing=MISSING if value is None else None)


def _counted(fields: "_Fields", common: dict[str, Any]) -> Measurement:
    count, n = fields.whole("count"), common["n"]
    if "value" in fields.given and fields.number("value") is None:
        return Measurement(**common, missing=MISSING)
    if count is None:
        return Measurement(**common, missing=MISSING)
    exposure = fields.number("exposure")
    if n is None and exposure is not None and "value" not in fields.given:
        return Measurement(**common, count=count, exposure=exposure)
    if n is None:
        raise fields.error("there is a count without n; of how many?")
    value = fields.number("value")
    if value is not None and n > 0:
        shares = [count / n, 2 * count / (n + count) if common["metric"] == "f1" else count / n]
        scale = 100 if common["unit"] in ("percent", "%") else 1
        if all(abs(value - scale * share) > _ROUNDING * scale for share in shares):
            raise fields.error(f"the value {value:g} is not {count} of {n}")
        # Counts are plain; keeping the value's unit beside them would scale them once more.
        common = common | ({"unit": None} if scale == 100 else {})
    return Measurement(**common, count=count)


def _scored(fields: "_Fields", common: dict[str, Any]) -> Measurement:
    given = fields.given["scores"]
    if not isinstance(given, list):
        raise fields.error("scores are not a list")
    scores = [fields.as_number("scores", score) for score in given]
    kept = [position for position, score in enumerate(scores) if score is not None]
    lost = len(scores) - len(kept)
    if common["n"] is not None and common["n"] not in (len(scores), len(kept)):
        raise fields.error(f"n is {common['n']}, but there are {len(scores)} scores")
    common = common | {
        "n": None,
        "n_errored": common["n_errored"] + lost,
        "errors_stated": common["errors_stated"] or lost > 0,
    }
    return Measurement(
        **common,
        scores=tuple(score for score in scores if score is not None),
        ids=fields.labels("ids", len(scores), kept),
        clusters=fields.labels("clusters", len(scores), kept),
        labels=fields.numbers("labels", len(scores), kept),
        denominators=fields.numbers("denominators", len(scores), kept),
    )


@dataclass(frozen=True)
class _Fields:
    file: ResultFile
    where: str
    given: Mapping[str, object]

    def error(self, detail: str) -> FormatError:
        return self.file.malformed(f"{self.where}: {detail}")

    def text(self, key: str) -> str | None:
        value = self.given.get(key)
        if value is None:
            return None
        if isinstance(value, str):
            return value.strip()
        raise self.error(f"{key} is {shown(value)}, not a text")

    def whole(self, key: str) -> int | None:
        try:
            return whole(self.given.get(key))
        except NotANumber as error:
            raise self.error(f"{key}: {error}") from None

    def number(self, key: str) -> float | None:
        return self.as_number(key, self.given.get(key))

    def as_number(self, key: str, value: object) -> float | None:
        if isinstance(value, bool) and key not in {"scores", "labels"}:
            raise self.error(f"{key} is {value}, not a number")
        try:
            return number(value)
        except NotANumber as error:
            raise self.error(f"{key}: {error}; write it as 0.913, without signs") from None

    def interval(self) -> tuple[float, float] | None:
        value = self.given.get("ci")
        if value is None:
            return None
        ends = [self.as_number("ci", end) for end in value] if isinstance(value, list) else []
        match ends:
            case [float() as low, float() as high] if low <= high:
                return low, high
            case _:
                raise self.error("ci is not [lower, upper]")

    def direction(self) -> Literal["higher", "lower"] | None:
        match self.text("direction"):
            case None:
                return None
            case "higher":
                return "higher"
            case "lower":
                return "lower"
            case other:
                raise self.error(f"direction is {shown(other)}, not higher or lower")

    def exceed(self, n: int | None) -> Exceed:
        value = self.given.get("exceed")
        if not isinstance(value, dict) or value.keys() != {"limit", "count"} or n is None:
            raise self.error("exceed needs a limit and a count, and n beside it")
        limit = self.as_number("exceed.limit", value["limit"])
        inner = _Fields(self.file, f"{self.where}: exceed", value)
        count = inner.whole("count")
        if limit is None or count is None:
            raise self.error("exceed has no limit or no count")
        return Exceed(limit, count)

    def labels(self, key: str, expected: int, kept: list[int]) -> tuple[str, ...] | None:
        value = self.given.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != expected:
            raise self.error(f"{key} is not a list of {expected}, one for each score")
        if any(is_blank(label) or isinstance(label, dict | list) for label in value):
            raise self.error(f"{key} has an empty entry or one that is not a text")
        return tuple(str(value[position]) for position in kept)

    def numbers(self, key: str, expected: int, kept: list[int]) -> tuple[float, ...] | None:
        value = self.given.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != expected:
            raise self.error(f"{key} is not a list of {expected}, one for each score")
        found = [self.as_number(key, value[position]) for position in kept]
        if any(item is None for item in found):
            raise self.error(f"{key} has an empty entry beside a score")
        return tuple(item for item in found if item is not None)

    def table(self) -> tuple[tuple[int, ...], ...]:
        value = self.given.get("table")
        rows = value if isinstance(value, list) else []
        if len(rows) < 2 or any(not isinstance(row, list) or len(row) < 2 for row in rows):
            raise self.error("table is not a list of rows of counts, at least two by two")
        counts = [
            [_Fields(self.file, self.where, {"table": c}).whole("table") for c in r] for r in rows
        ]
        if any(cell is None for row in counts for cell in row):
            raise self.error("table has an empty cell")
        return tuple(tuple(cell for cell in row if cell is not None) for row in counts)

    def slice(self) -> SliceKey:
        value = self.given.get("slice")
        if value is None:
            return ()
        if not isinstance(value, dict) or any(
            is_blank(part) or isinstance(part, dict | list) for part in value.values()
        ):
            raise self.error('slice is not an object such as {"language": "de"}')
        return tuple(sorted((str(dimension), label(part)) for dimension, part in value.items()))

    def source(self) -> Source | None:
        value = self.given.get("source")
        if value is None:
            return None
        if not isinstance(value, dict) or value.keys() - SOURCE_FIELDS:
            raise self.error(f"source is not an object of {', '.join(sorted(SOURCE_FIELDS))}")
        parts = dict(value)
        dataset = parts.pop("dataset", None)
        if isinstance(dataset, str):
            parts["dataset_name"] = dataset
        elif isinstance(dataset, dict) and dataset.keys() <= {"name", "digest"}:
            parts |= {f"dataset_{key}": part for key, part in dataset.items()}
        elif dataset is not None:
            raise self.error("source.dataset is not an object of name and digest")
        inner = _Fields(self.file, f"{self.where}: source", parts)
        return Source(**{key: inner.text(key) for key in parts})


def label(value: object) -> str:
    """A slice's value as text; truth values as JSON writes them."""
    return str(value).lower() if isinstance(value, bool) else str(value).strip()
