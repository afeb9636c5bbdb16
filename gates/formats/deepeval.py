"""DeepEval test runs: `test_run_*.json`, `.latest_test_run.json` and a dumped `EvaluationResult`.

Since 4.2 the scores of hallucination, bias and toxicity count what is good. No file says which
version wrote it, so a case's own `success` decides; where no case can, the metric has no value.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from gates.evidence import Measurement, SliceKey, Source
from gates.formats.cells import MISSING
from gates.formats.objects import entries, mapping, mark, quantity, text
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

_USE = {"cost_per_inference": {"unit": "USD"}, "latency": {"unit": "s"}}

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
    listed = [(case, _metrics(case)) for case in cases]
    by_name: dict[str, list[Json]] = {}
    for metric in (metric for _, metrics in listed for metric in metrics):
        if name := text(metric.get("name")):
            by_name.setdefault(name, []).append(metric)
    senses = {name: _sense(metrics) for name, metrics in by_name.items()}
    kinds = {
        name: _Kind(_called(name), is_turned=_is_turned(name) and sense == "higher")
        for name, sense in senses.items()
    }
    examples = [_example(case) for case in cases]
    scored, use = Scored(), Scored()
    for (case, metrics), example in zip(listed, examples, strict=True):
        _take(scored, use, (case, metrics, example), kinds)
    source = Source(
        tool="deepeval",
        suite=text(run.get("testFile")) or text(run.get("identifier")),
        prompt_set_digest=mark(sorted(examples)),
    )
    unknown = [name for name, sense in senses.items() if _is_turned(name) and sense is None]
    ends: dict[str, dict[str, str | None]] = {
        _called(name): {"direction": "lower" if _is_turned(name) else sense}
        for name, sense in senses.items()
    }
    ends["pass_rate"] = {"direction": "higher"}
    without = {_called(name) for name in unknown}
    found = [
        _without_value(m) if m.metric in without else m
        for m in scored.measurements(ends, source=source)
    ]
    found += use.measurements(_USE, source=source)
    return Reading(
        file.bounded([*found, *_judge(run, source)]),
        model=text(mapping(run, "hyperparameters").get("model")),
        notes=(*_notes(unknown), *scored.dropped),
    )


class _Kind(NamedTuple):
    called: str
    is_turned: bool
    """The score is the absence of the harm that the metric is named by."""


def _take(
    scored: Scored,
    use: Scored,
    item: tuple[Json, list[Json], str],
    kinds: Mapping[str, _Kind],
) -> None:
    case, metrics, example = item
    tags = case.get("tags")
    labels = [text(tag) for tag in tags] if isinstance(tags, list) else []
    slices: list[SliceKey] = [(("tag", label),) for label in labels if label]
    is_errored = any(metric.get("error") for metric in metrics)
    passed = None if is_errored else float(case.get("success") is True)
    scores = [("pass_rate", passed)]
    for metric in metrics:
        name = text(metric.get("name"))
        if name is None:
            continue
        called, is_turned = kinds[name]
        score = None if metric.get("error") else quantity(metric.get("score"))
        if score is not None and is_turned:
            score = 1.0 - score
        scores.append((called, score))
    scored.add_all(scores, example, slices)
    for called, keys in (
        ("cost_per_inference", ("tokenCost", "token_cost")),
        ("latency", ("completionTime", "completion_time")),
    ):
        value = next((v for key in keys if (v := quantity(case.get(key))) is not None), None)
        if value is not None:
            use.add(called, value, example, slices)


def _metrics(case: Json) -> list[Json]:
    return [*entries(case, "metricsData"), *entries(case, "metrics_data")]


def _sense(metrics: list[Json]) -> Direction | None:
    """Which end passed, by the cases whose score is not the threshold itself."""
    found: set[Direction] = set()
    for metric in metrics:
        score, threshold = quantity(metric.get("score")), quantity(metric.get("threshold"))
        success = metric.get("success")
        if metric.get("error") or not isinstance(success, bool):
            continue
        if score is not None and threshold is not None and score != threshold:
            found.add("higher" if (score > threshold) is success else "lower")
    return found.pop() if len(found) == 1 else None


def _is_turned(name: str) -> bool:
    return _plain(name).lower() in _TURNED


def _called(name: str) -> str:
    """The metric's name: GEval's carry a suffix, and those of harm are named by the harm."""
    plain = _plain(name)
    return _TURNED.get(plain.lower(), plain.lower().replace(" ", "_"))


def _plain(name: str) -> str:
    return name.removesuffix("[GEval]").removesuffix("[Conversational GEval]").strip()


def _example(case: Json) -> str:
    """A name that the same case has in the next run: its position and its name may change."""
    expected = case.get("expectedOutput", case.get("expected_output"))
    return mark([text(case.get("name")), case.get("input"), expected, case.get("turns")])


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
