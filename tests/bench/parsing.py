"""Reading result files beside plain parsing of the same bytes, format by format.

Files that grow with the number of examples are grown from the tests' data to a few MB. Summaries of
a few KB are left out: there both take well under a millisecond.

The speed of a shared machine changes up to fourfold between moments, so readers take turns of some
0.1 s: one of ours stands between two of each parser. What is compared is the processor's time of
ours with the mean of the two beside it, and the ratio is the median over all turns.
"""

import csv
import gc
import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from gates.formats import read
from tests.bench.table import Row, Spread

DATA = Path(__file__).parents[1] / "data" / "formats"
SIZE = 4_000_000
TURNS = 16
TARGET = 3

Call = Callable[[bytes], object]
Change = Callable[[dict[str, Any], int], object]


def rows() -> list[Row]:
    """MB/s of our reader and of parsers, and how many times the parser's time ours is."""
    found = []
    for name, data in _files():
        took = _turns((_plain(name), _fast(name), _ours(name)), data)
        plain, fast, ours = (
            Spread.of([len(data) / 1e6 / times[which] for times in took]) for which in range(3)
        )
        ratio = _ratio(took, 0)
        task = f"read {name[:40]}, {len(data) / 1e6:.1f} MB"
        found += [
            Row(task, "clearance", {"MB/s": ours}),
            Row(task, "json or csv", {"MB/s": plain}, f"{_shown(ratio)}{_beside(ratio.median)}"),
        ]
        if not name.endswith(".csv"):
            found.append(Row(task, "orjson", {"MB/s": fast}, _shown(_ratio(took, 1))))
    return found


def _turns(calls: Sequence[Call], data: bytes) -> list[list[float]]:
    """Seconds of each call, turn by turn; before them one turn that does not count."""
    return [[_seconds(call, data) for call in calls] for _ in range(TURNS + 1)][1:]


def _ratio(took: list[list[float]], rival: int) -> Spread:
    """Ours, which is last in its turn, beside the rival's time before it and after it."""
    return Spread.of(
        [turn[-1] / ((turn[rival] + after[rival]) / 2) for turn, after in pairwise(took)]
    )


def _shown(ratio: Spread) -> str:
    return f"{ratio.median:.1f} x its time (median of {TURNS - 1} adjacent turns)"


def _beside(ratio: float) -> str:
    return "" if ratio <= TARGET else f", target {TARGET}"


def _seconds(call: Call, data: bytes) -> float:
    gc.collect()  # what the call before left behind is not this one's work
    started = time.process_time()
    call(data)
    return time.process_time() - started


def _ours(name: str) -> Call:
    return lambda data: read(name, data)


def _plain(name: str) -> Call:
    return _parser(name, json.loads)


def _fast(name: str) -> Call:
    return _parser(name, orjson.loads)


def _parser(name: str, loads: Call) -> Call:
    if name.endswith(".csv"):
        return lambda data: list(csv.reader(io.StringIO(data.decode())))
    if name.endswith(".jsonl"):
        return lambda data: [loads(line) for line in data.splitlines() if line.strip()]
    return loads


def _files() -> Iterator[tuple[str, bytes]]:
    for name, path, change in GROWN:
        yield name, _grown(name, path, change)


def _grown(name: str, path: tuple[str, ...], change: Change) -> bytes:
    raw = (DATA / name).read_bytes()
    if name.endswith((".jsonl", ".csv")):
        return _grown_lines(name, raw, change)
    root = holder = json.loads(raw)
    for key in path[:-1]:
        holder = holder[key]
    items = holder[path[-1]] if path else root
    many = _repeated(items, change)
    if not path:
        return json.dumps(many).encode()
    holder[path[-1]] = many
    root.pop("reductions", None)
    return json.dumps(root).encode()


def _repeated(items: list[Any], change: Change) -> list[Any]:
    size = len(json.dumps(items))
    found = []
    for number in range(max(1, SIZE // size)):
        for item in json.loads(json.dumps(items)):
            change(item, number)
            found.append(item)
    return found


def _grown_lines(name: str, raw: bytes, change: Change) -> bytes:
    lines = raw.splitlines()
    if name.endswith(".csv"):
        # The question stands first; each copy of a row asks another one.
        many = (
            line.replace(b",", b" %d," % n, 1)
            for n in range(SIZE // len(raw))
            for line in lines[1:]
        )
        return b"\n".join([lines[0], *many])
    values = [json.loads(line) for line in lines]
    if "entry_type" in values[0]:
        return _garak(values)
    return b"\n".join(json.dumps(item).encode() for item in _repeated(values, change))


def _garak(values: list[Any]) -> bytes:
    """Attempts of more probes, each with its result, before the last lines."""
    head = [v for v in values if v["entry_type"] in ("start_run setup", "init", "plugin_cache")]
    attempts = [v for v in values if v["entry_type"] == "attempt"]
    evals = [v for v in values if v["entry_type"] == "eval"]
    text = {"turns": [{"role": "user", "content": {"text": "x " * 300, "lang": "en"}}]}
    lines = list(head)
    for number in range(SIZE // 25_000):
        for item in attempts:
            probe, prompt = f"{item['probe_classname']}{number}", {**item["prompt"], "more": text}
            lines.append({**item, "probe_classname": probe, "prompt": prompt})
        lines += [{**item, "probe": f"{item['probe']}{number}"} for item in evals]
    lines.append({"entry_type": "completion"})
    return b"\n".join(json.dumps(line).encode() for line in lines)


def _set(*path: str) -> Change:
    def change(item: dict[str, Any], number: int) -> None:
        holder = item
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = f"{holder.get(path[-1])} {number}"

    return change


GROWN: tuple[tuple[str, tuple[str, ...], Change], ...] = (
    ("inspect_capitals.json", ("samples",), _set("id")),
    ("promptfoo_0.121.json", ("results", "results"), _set("vars", "question")),
    ("promptfoo.jsonl", (), _set("vars", "question")),
    ("garak.report.jsonl", (), _set("uuid")),
    ("deepeval_evaluate.json", ("testCases",), _set("input")),
    ("ragas_records.json", (), _set("user_input")),
    ("ragas.csv", (), _set("user_input")),
    ("mlflow_table.json", (), _set("request")),
    ("helm_instances.json", (), _set("instance_id")),
    (
        "samples_gate_mc_a_2026-11-23T06-06-39.180970.jsonl",
        (),
        _set("doc_id"),
    ),
)
