"""k6 summaries: `handleSummary(data)` as JSON, and the older `--summary-export`.

`http_req_failed` counts failed requests as passes. Thresholds of k6 are not verdicts here; in the
older form their `true` even means that they were crossed.
"""

from collections.abc import Iterator, Mapping

from gates.evidence import Measurement, SliceKey, Source
from gates.formats.objects import mapping, quantity, size, text
from gates.formats.percentiles import percentiles
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "k6"
TITLE = "k6 summary"
RECOGNISED_BY = "a JSON object whose `metrics` have `http_req_duration`, or with `root_group`"

_SOURCE = Source(tool="k6")
_FAILED = "http_req_failed"
_TRENDS = {"http_req_duration": "latency", "http_req_waiting": "time_to_first_byte"}

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why this is no summary of k6; None where it is one."""
    found = file.json_object
    if found is None or not isinstance(found.get("metrics"), dict):
        return "no object `metrics`"
    if "http_req_duration" in mapping(found, "metrics") or "root_group" in found:
        return None
    return "no `metrics.http_req_duration`"


def read(file: ResultFile) -> Reading:
    """Latency percentiles, error rate, checks, throughput; tags as slices."""
    metrics = mapping(file.json_object or {}, "metrics")
    found = [m for name in metrics for m in _of(metrics, name)]
    found += _checks(mapping(file.json_object or {}, "root_group"))
    if not found:
        raise file.nothing_measured("no request was made and nothing was checked")
    crossed = sum(_crossed(mapping(metrics, name)) for name in metrics)
    notes = ["k6 writes down neither model nor time"]
    if crossed:
        notes.append(f"{crossed} thresholds of k6 itself were crossed; a policy sets the limits")
    return Reading(file.bounded(found), notes=tuple(notes))


def _of(metrics: Json, name: str) -> Iterator[Measurement]:
    base, slice_ = _slice(name)
    values = _values(mapping(metrics, name))
    suffix = name.removeprefix(base)
    if base in _TRENDS:
        n = size(_values(mapping(metrics, f"http_reqs{suffix}")).get("count"))
        metric = _TRENDS[base]
        yield from percentiles(metric, values, n, unit="ms", slice=slice_, source=_SOURCE)
        if metric == "latency" and (mean := quantity(values.get("avg"))) is not None:
            yield Measurement("mean_latency", mean, n=n, unit="ms", slice=slice_, source=_SOURCE)
    elif base in (_FAILED, "checks"):
        # A rate counts how often it was true: for http_req_failed a pass is a failed request.
        yes, no = size(values.get("passes")), size(values.get("fails"))
        if yes is not None and no is not None:
            yield Measurement(
                "error_rate" if base == _FAILED else "pass_rate",
                count=yes,
                n=yes + no,
                slice=slice_,
                direction="lower" if base == _FAILED else "higher",
                source=_SOURCE,
            )
    elif base == "http_reqs" and (rate := quantity(values.get("rate"))) is not None:
        yield Measurement("throughput", rate, slice=slice_, source=_SOURCE)


def _checks(group: Json) -> Iterator[Measurement]:
    """Each check by its path of groups; the older export has objects in place of lists."""
    for check in _entries(group, "checks"):
        yes, no = size(check.get("passes")), size(check.get("fails"))
        name = (text(check.get("path")) or text(check.get("name")) or "").removeprefix("::")
        if name and yes is not None and no is not None:
            key: SliceKey = (("check", name),)
            yield Measurement(
                "pass_rate", count=yes, n=yes + no, slice=key, direction="higher", source=_SOURCE
            )
    for inner in _entries(group, "groups"):
        yield from _checks(inner)


def _entries(group: Json, key: str) -> list[Json]:
    found = group.get(key)
    values = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    return [value for value in values if isinstance(value, dict)]


def _slice(name: str) -> tuple[str, SliceKey]:
    """`http_req_duration{name:login,status:200}` as the metric and its tags."""
    base, brace, tags = name.partition("{")
    if not brace or not tags.endswith("}"):
        return name, ()
    pairs = (tag.partition(":") for tag in tags.removesuffix("}").split(","))
    return base, tuple(sorted((key.strip(), value.strip()) for key, _, value in pairs))


def _values(metric: Json) -> Json:
    """The older export has them without `values`."""
    return mapping(metric, "values") if isinstance(metric.get("values"), dict) else metric


def _crossed(metric: Json) -> int:
    found = 0
    for state in mapping(metric, "thresholds").values():
        found += state.get("ok") is False if isinstance(state, dict) else state is True
    return found
