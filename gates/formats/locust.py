"""locust statistics: `--json`, and `*_stats.csv`.

Response times are rounded by locust. Of the histogram the upper edge is taken, so that a share of
requests under it is a fact; the CSV's percentiles are marked as read off a histogram.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate

from gates.evidence import Measurement, SliceKey, Source
from gates.formats import table
from gates.formats.cells import instant
from gates.formats.objects import quantity, size, text
from gates.formats.percentiles import percentiles
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "locust"
TITLE = "locust statistics"
RECOGNISED_BY = (
    "a list of objects with `num_requests`, `num_failures` and `response_times`; or CSV with "
    "`Request Count` and `Failure Count`"
)

_QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.999, 1.0)
_MAX_EDGES = 100_000
_YEAR = 365 * 86_400.0
_JSON = frozenset({"num_requests", "num_failures", "response_times"})
_CSV = frozenset({"Name", "Request Count", "Failure Count"})
_SOURCE = Source(tool="locust")

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why these are no statistics of locust; None where they are."""
    if file.json_object is not None:
        return "one object and not a list"
    names = set(table.header(file))
    if names >= _JSON or names >= _CSV:
        return None
    return "no `num_requests` beside `response_times`, and no column `Request Count`"


def read(file: ResultFile) -> Reading:
    """Latency percentiles and error rate of each endpoint and over all."""
    notes, measured_at = ["locust writes down no model"], None
    if file.syntax == "text":
        found = list(_of_csv(file))
        notes.append(
            "percentiles in the CSV are read off a histogram and prove nothing; send --json"
        )
    else:
        rows: list[Json] = list(file.rows or ())
        found = list(_of_rows(file, rows))
        measured_at = instant(max((_end(row) for row in rows), default=0.0) or None)
        notes.append("response times are taken at the upper edge of locust's rounding")
    if not found:
        raise file.nothing_measured("no request was made")
    return Reading(file.bounded(found), measured_at=measured_at, notes=tuple(notes))


def _of_rows(file: ResultFile, rows: list[Json]) -> Iterator[Measurement]:
    whole: Counter[float] = Counter()
    requests = failures = 0
    for row in rows:
        times = _histogram(file, row)
        n, failed = size(row.get("num_requests")) or 0, size(row.get("num_failures")) or 0
        if sum(times.values()) > n or failed > n:
            raise file.malformed("a histogram, or the failures, hold more than all requests")
        whole.update(times)
        requests, failures = requests + n, failures + failed
        name = " ".join(filter(None, (text(row.get("method")), text(row.get("name")))))
        key: SliceKey = (("endpoint", name or "unnamed"),)
        yield from _series(times, n, failed, key)
        yield from _rates([row], key)
    yield from _series(whole, requests, failures, ())
    yield from _rates(rows, ())


def _rates(rows: list[Json], key: SliceKey) -> Iterator[Measurement]:
    """The mean response time, which locust sums exactly, and requests per second."""
    n = sum(size(row.get("num_requests")) or 0 for row in rows)
    times = [quantity(row.get("total_response_time")) for row in rows]
    if n and None not in times:
        mean = sum(time or 0.0 for time in times) / n
        yield Measurement("mean_latency", mean, n=n, unit="ms", slice=key, source=_SOURCE)
    starts = [quantity(row.get("start_time")) for row in rows]
    took = max(map(_end, rows), default=0.0) - min((s for s in starts if s), default=0.0)
    if None not in starts and 0 < took < _YEAR:
        yield Measurement("throughput", n / took, slice=key, source=_SOURCE)


def _end(row: Json) -> float:
    return quantity(row.get("last_request_timestamp")) or 0.0


def _histogram(file: ResultFile, row: Json) -> Counter[float]:
    given = row.get("response_times")
    found: Counter[float] = Counter()
    for key, count in (given if isinstance(given, dict) else {}).items():
        rounded, times = quantity(key), size(count)
        if rounded is None or times is None or times < 0:
            raise file.malformed("`response_times` is not a histogram of milliseconds")
        found[_upper_edge(rounded)] += times
    if len(found) > _MAX_EDGES:
        raise file.too_large(f"a histogram has more than {_MAX_EDGES:,} steps")
    return found


def _upper_edge(rounded: float) -> float:
    """Locust rounds to whole ms below 100, to tens below 1,000, to hundreds below 10,000."""
    for bound, step in ((100, 1), (1_000, 10), (10_000, 100)):
        if rounded < bound:
            return rounded + step / 2
    return rounded + 500


def _series(
    times: Counter[float], requests: int, failures: int, key: SliceKey
) -> Iterator[Measurement]:
    if requests:
        yield Measurement(
            "error_rate",
            count=failures,
            n=requests,
            direction="lower",
            slice=key,
            source=_SOURCE,
        )
    edges = sorted(times)
    upto = list(accumulate(times[edge] for edge in edges))
    n = upto[-1] if upto else 0
    for q in _QUANTILES if n else ():
        at = next(edge for edge, seen in zip(edges, upto, strict=True) if seen >= q * n)
        yield Measurement("latency", at, n=n, quantile=q, unit="ms", slice=key, source=_SOURCE)


def _of_csv(file: ResultFile) -> Iterator[Measurement]:
    found = table.of(file)
    for position in range(found.row_count if found else 0):
        row = found.row(position) if found else {}
        name = str(row["Name"])
        key: SliceKey = ()
        if name != "Aggregated":
            kind = text(row.get("Type"))
            key = (("endpoint", " ".join(filter(None, (kind, name)))),)
        n, failed = size(row["Request Count"]), size(row["Failure Count"])
        if not n or failed is None:
            continue
        yield Measurement(
            "error_rate", count=failed, n=n, direction="lower", slice=key, source=_SOURCE
        )
        yield from percentiles(
            "latency", row, n, unit="ms", slice=key, source=_SOURCE, bucketed=True
        )
        if (rate := quantity(row.get("Requests/s"))) is not None:
            yield Measurement("throughput", rate, slice=key, source=_SOURCE)
