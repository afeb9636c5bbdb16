"""DeepEval test runs: `test_run_*.json`, `.latest_test_run.json` and a dumped `EvaluationResult`.

Since 4.2 the scores of hallucination, bias and toxicity count what is good. No file says which
version wrote it, so a case's own `success` decides; where no case can, the metric has no value.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from gates.evidence import Measurement, SliceKey, Source
from gates.formats.cells import MISSING
from gates.formats.objects import column, entries, mapping, mark, marks, quantity, text
from gates.formats.result_file import ResultFile
from gates.formats.scored import Scored
from gates.formats.understood import Reading

NAME = "deepeval"
TITLE = "DeepEval test run"
RECOGNISED_BY = (
    "a JSON object with `testCases` and `metricsScores`, `testRunData`, or `test_results` with "
    "`metrics_data`"
)

_TURNED = {
    "hallucination": "hallucination_rate",
    "bias": "bias_rate",
    "toxicity": "toxicity",
    "pii leakage": "leak_rate",
}
"""Metrics of harm, whose score was the harm before 4.2 and is its absence since."""

_USED = (
    ("cost_per_inference", "tokenCost", "token_cost"),
    ("latency", "completionTime", "completion_time"),
)
_UNITS = {"cost_per_inference": {"unit": "USD"}, "latency": {"unit": "s"}}

Json = Mapping[str, object]
Direction = Literal["higher", "lower"]


def mismatch(file: ResultFile) -> str | None:
    """Why this is no run of DeepEval; None where it is one."""
    found = file.json_object
    if found is None:
        return "not a JSON object"
    if "testRunData" in found or {"testCases", "metricsScores"} <= found.keys():
        return None
    cases = entries(found, "test_results")
    if cases and all("metrics_data" in case for case in cases):
        return None
    return "no `testCases` with `metricsScores`, nor `test_results` with `metrics_data`"


def read(file: ResultFile) -> Reading:
    """Each metric's scores case by case, with tags as slices; the share of cases that passed."""
    root = file.json_object or {}
    run = mapping(root, "testRunData") if "testRunData" in root else root
    cases = [
        *entries(run, "testCases"),
        *entries(run, "conversationalTestCases"),
        *entries(run, "test_results"),
    ]
    if not cases:
        raise file.nothing_measured(
            "it has no test cases: DeepEval leaves such a stub behind when a run does not finish; "
            "send the test_run_*.json of a finished one"
        )
    senses: dict[str, set[Direction]] = {}
    results = [_results(case, senses) for case in cases]
    kinds = {
        name: _Kind(_called(name), is_turned=_is_turned(name) and found == {"higher"})
        for name, found in senses.items()
    }
    examples = _examples(cases)
    scored, use = Scored(), Scored()
    for case, of_case, example in zip(cases, results, examples, strict=True):
        slices = _tags(case)
        scored.add_all(_scores(case, of_case, kinds), example, slices)
        use.add_all(_used(case), example, slices)
    source = Source(
        tool="deepeval",
        suite=text(run.get("testFile")) or text(run.get("identifier")),
        prompt_set_digest=mark(sorted(examples)),
    )
    unknown = [name for name, found in senses.items() if _is_turned(name) and len(found) != 1]
    ends: dict[str, dict[str, str | None]] = {
        _called(name): {"direction": "lower" if _is_turned(name) else _only(found)}
        for name, found in senses.items()
    }
    ends["pass_rate"] = {"direction": "higher"}
    without = {_called(name) for name in unknown}
    found = [
        _without_value(m) if m.metric in without else m
        for m in scored.measurements(ends, source=source)
    ]
    found += use.measurements(_UNITS, source=source)
    return Reading(
        file.bounded([*found, *_judge(run, source)]),
        model=text(mapping(run, "hyperparameters").get("model")),
        notes=(*_notes(unknown), *scored.dropped),
    )


class _Kind(NamedTuple):
    called: str
    is_turned: bool
    """The score is the absence of the harm that the metric is named by."""


class _Results(NamedTuple):
    """What the metrics said of one case."""

    scores: list[tuple[str, float | None]]
    is_errored: bool


def _results(case: Json, senses: dict[str, set[Direction]]) -> _Results:
    """The metrics' scores of a case; adds to each one's sense which end it let pass."""
    found: list[tuple[str, float | None]] = []
    is_errored = False
    for metric in (*entries(case, "metricsData"), *entries(case, "metrics_data")):
        score = quantity(metric.get("score"))
        if metric.get("error"):
            score, is_errored = None, True
        name = text(metric.get("name"))
        if name is None:
            continue
        found.append((name, score))
        sense = senses.get(name)
        if sense is None:
            sense = senses[name] = set()
        success = metric.get("success")
        if score is not None and isinstance(success, bool):
            threshold = quantity(metric.get("threshold"))
            # A score that is the threshold itself passes at both ends.
            if threshold is not None and score != threshold:
                sense.add("higher" if (score > threshold) is success else "lower")
    return _Results(found, is_errored)


def _scores(
    case: Json, results: _Results, kinds: Mapping[str, _Kind]
) -> list[tuple[str, float | None]]:
    found = [("pass_rate", None if results.is_errored else float(case.get("success") is True))]
    for name, score in results.scores:
        called, is_turned = kinds[name]
        found.append((called, 1.0 - score if is_turned and score is not None else score))
    return found


def _tags(case: Json) -> list[SliceKey]:
    tags = case.get("tags")
    if not isinstance(tags, list):
        return []
    return [(("tag", label),) for tag in tags if (label := text(tag))]


def _used(case: Json) -> list[tuple[str, float]]:
    """What answering took; DeepEval writes two spellings."""
    found = []
    for metric, key, other in _USED:
        value = quantity(case.get(key))
        if value is None:
            value = quantity(case.get(other))
        if value is not None:
            found.append((metric, value))
    return found


def _only(found: set[Direction]) -> Direction | None:
    """The one end that passed; None where no case tells, or they disagree."""
    return next(iter(found)) if len(found) == 1 else None


def _is_turned(name: str) -> bool:
    return _plain(name).lower() in _TURNED


def _called(name: str) -> str:
    """The metric's name: GEval's carry a suffix, and those of harm are named by the harm."""
    plain = _plain(name)
    return _TURNED.get(plain.lower(), plain.lower().replace(" ", "_"))


def _plain(name: str) -> str:
    return name.removesuffix("[GEval]").removesuffix("[Conversational GEval]").strip()


def _examples(cases: list[Json]) -> list[str]:
    """Names that the same cases have in the next run: position and name may change there."""
    return marks(
        [text(case.get("name")) for case in cases],
        column(cases, "input"),
        [case.get("expectedOutput", case.get("expected_output")) for case in cases],
        column(cases, "turns"),
    )


def _without_value(m: Measurement) -> Measurement:
    return Measurement(
        m.metric,
        n_errored=m.n_errored + len(m.scores or ()),
        slice=m.slice,
        source=m.source,
        missing=MISSING,
    )


def _judge(run: Json, source: Source) -> Iterator[Measurement]:
    """What judging cost: of the evaluation, not of the system under test."""
    cost = quantity(run.get("evaluationCost"))
    if cost is not None:
        yield Measurement("evaluation_cost", cost, unit="USD", source=source)


def _notes(unknown: list[str]) -> Iterator[str]:
    yield "the file does not say when it was measured, nor with which version of DeepEval"
    for name in unknown:
        yield (
            f"{name}: the meaning of its score changed with DeepEval 4.2, and no case's `success` "
            "tells which one this is; it has no value. Run again with a threshold such as 0.5"
        )
