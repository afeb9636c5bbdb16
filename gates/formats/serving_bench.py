"""vLLM `bench serve` and SGLang `bench_serving` results: one run as JSON, or as a line of JSON.

Percentiles of one series stay together; means of tails are not tails. It refuses several runs in
one file, because nobody said which load counts.
"""

from collections.abc import Iterator, Mapping
from math import sqrt

from gates.evidence import Measurement, Source
from gates.formats.cells import instant
from gates.formats.objects import mark, quantity, size, text
from gates.formats.percentiles import percentiles
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "serving-bench"
TITLE = "vLLM or SGLang serving benchmark"
RECOGNISED_BY = "a JSON object, or JSON Lines, with `mean_ttft_ms` and `request_throughput`"

_NEEDED = frozenset({"mean_ttft_ms", "request_throughput"})
_SERIES = {
    "ttft": "time_to_first_token",
    "tpot": "time_per_output_token",
    "e2el": "latency",
    "e2e_latency": "latency",
}
_RATES = {
    "request_throughput": "throughput",
    "output_throughput": "tokens_per_second",
    "request_goodput": "goodput",
}
_SETUP = ("num_prompts", "request_rate", "burstiness", "max_concurrency", "dataset_name")

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why this is no serving benchmark; None where it is one."""
    first = file.json_object or file.first_row
    if first is None or not first.keys() >= _NEEDED:
        return "no `mean_ttft_ms` beside `request_throughput`"
    return None


def read(file: ResultFile) -> Reading:
    """Percentiles of latency and of tokens, throughput, and the share of requests that failed."""
    rows = [file.json_object] if file.json_object is not None else file.rows or []
    if len(rows) != 1:
        raise file.malformed(
            f"it holds {len(rows)} runs, appended one after the other; send the line of the load "
            "that counts"
        )
    # Many versions write the key "request_goodput:", with a colon.
    row = {key.removesuffix(":"): value for key, value in rows[0].items()}
    if not size(row.get("completed")):
        raise file.nothing_measured("no request was completed")
    model = text(row.get("model_id"))
    return Reading(
        file.bounded(_measurements(row)),
        model=model,
        measured_at=instant(row.get("date")),
        notes=tuple(_notes(row)),
    )


def _measurements(row: Json) -> Iterator[Measurement]:
    n = size(row.get("completed"))
    backend = text(row.get("backend")) or text(row.get("endpoint_type"))
    # Figures of another load are not comparable: the load is part of what was asked.
    source = Source(
        tool=backend or "serving-bench",
        prompt_set_digest=mark([str(row.get(key)) for key in _SETUP]),
    )
    for short, metric in _SERIES.items():
        if (scores := _scores(row, short)) is not None:
            yield Measurement(metric, scores=scores, unit="s", source=source)
            continue
        ends = f"_{short}_ms"
        series = {key.removesuffix(ends): v for key, v in row.items() if key.endswith(ends)}
        yield from percentiles(metric, series, n, unit="ms", source=source)
        if metric == "latency" and (mean := quantity(series.get("mean"))) is not None:
            spread = quantity(series.get("std"))
            stderr = spread / sqrt(n) if spread is not None and n else None
            yield Measurement("mean_latency", mean, n=n, stderr=stderr, unit="ms", source=source)
    for key, metric in _RATES.items():
        if (rate := quantity(row.get(key))) is not None:
            yield Measurement(metric, rate, source=source, direction="higher")
    tokens = [quantity(row.get(f"total_{which}_tokens")) for which in ("input", "output")]
    if n and None not in tokens:
        each = sum(count or 0.0 for count in tokens) / n
        yield Measurement("tokens_per_request", each, n=n, source=source)
    asked = size(row.get("num_prompts"))
    if asked is not None and n is not None and n <= asked:
        yield Measurement("error_rate", count=asked - n, n=asked, direction="lower", source=source)


def _scores(row: Json, short: str) -> tuple[float, ...] | None:
    """Every request's value, in seconds, where the run was saved with --save-detailed."""
    found, errors = row.get(f"{short}s"), row.get("errors")
    if not isinstance(found, list) or not found:
        return None
    failed = errors if isinstance(errors, list) and len(errors) == len(found) else [""] * len(found)
    values = [quantity(value) for value, error in zip(found, failed, strict=True) if not error]
    return tuple(v for v in values if v is not None) if None not in values else None


def _notes(row: Json) -> Iterator[str]:
    names = ", ".join(f"{key} {row[key]!s:.40}" for key in _SETUP if row.get(key) is not None)
    if names:
        yield f"measured under this load: {names}"
    if not any(key.endswith("_e2el_ms") for key in row):
        yield "no time to the complete answer: add e2el to --percentile-metrics"
