"""What each format's samples yield, as the table in docs/formats.md.

python -m tests.gates.formats.yields   writes the table anew
"""

from collections.abc import Iterator
from pathlib import Path

from gates.evidence import Measurement
from gates.formats import FormatError, Understood, names, read
from gates.metrics import resolve
from tests.gates.formats.opened import DATA

DOCS = Path(__file__).parents[3] / "docs" / "formats.md"
START, END = "<!-- yields: python -m tests.gates.formats.yields -->", "<!-- end of yields -->"

UNFINISHED = (
    ("deepeval_latest.json", b'"testCases":', b'"none":'),
    ("garak.report.jsonl", b'"entry_type": "completion"', b'"entry_type": "cut"'),
    ("inspect_capitals.json", b'"status":"success"', b'"status":"cancelled"'),
    ("junit_pytest.xml", b"", b'<testsuite tests="1" errors="1"><testcase name="a"/></testsuite>'),
    ("lighteval.json", b'"max_samples": null', b'"max_samples": 10'),
    ("lm_eval_results.json", b'"limit": null', b'"limit": 10'),
    ("mlflow_run.json", b"FINISHED", b"FAILED"),
    ("modelbench.json", b'"end_time"', b'"no_time"'),
    ("moonshot.json", b"completed", b"running"),
    ("promptfoo_0.121.json", b'"successes":3', b'"successes":9'),
)
"""Files of runs that did not come to their end: what to replace (nothing: all), and by what."""

HEAD = (
    *("format", "samples as", "errors", "slices", "better end known"),
    *("set by digest", "an unfinished run is", "cost, latency, tokens"),
)
_LIMIT = 5


def understood() -> dict[str, list[Understood]]:
    """Every sample by its format."""
    found: dict[str, list[Understood]] = {name: [] for name, _, _ in names()}
    for path in sorted(DATA.iterdir()):
        item = read(path.name, path.read_bytes())
        found[item.format].append(item)
    return found


def unfinished() -> dict[str, str]:
    """What is said of an unfinished run, by format: incomplete, or refused."""
    found = {}
    for name, before, after in UNFINISHED:
        raw = (DATA / name).read_bytes()
        assert before in raw, name
        try:
            item = read(name, raw.replace(before, after) if before else after)
        except FormatError as error:
            found[read(name, raw).format] = f"refused ({error.slug})"
        else:
            assert all(m.incomplete for m in item.measurements if not m.aggregate), name
            found[item.format] = "incomplete"
    return found


def table() -> str:
    """The table in Markdown, one row a format."""
    ends = unfinished()
    rows: list[tuple[str, ...]] = [HEAD, ("---",) * len(HEAD)]
    for name, items in understood().items():
        measured = [m for item in items for m in item.measurements]
        rows.append((f"`{name}`", *_row(measured), ends.get(name, ""), ", ".join(_use(measured))))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(measured: list[Measurement]) -> tuple[str, ...]:
    slices = dict.fromkeys(dimension for m in measured for dimension, _ in m.slice)
    shown = list(slices)[:_LIMIT] + (["…"] if len(slices) > _LIMIT else [])
    return (
        ", ".join(_forms(measured)),
        "apart" if any(m.errors_stated for m in measured) else "",
        ", ".join(shown),
        "always" if all(map(_has_direction, measured)) else "by the metric's name",
        ", ".join(_digests(measured)),
    )


def _forms(measured: list[Measurement]) -> Iterator[str]:
    if any(m.scores is not None for m in measured):
        yield "scores with ids" if any(m.ids for m in measured) else "scores"
    if any(m.count is not None for m in measured):
        yield "counts"
    if any(m.value is not None and m.n is not None for m in measured):
        spread = any(m.stderr is not None or m.ci is not None for m in measured)
        yield "n with its spread" if spread else "n"


def _has_direction(m: Measurement) -> bool:
    return m.aggregate or m.direction is not None or resolve(m.metric) is not None


def _digests(measured: list[Measurement]) -> Iterator[str]:
    sources = [m.source for m in measured if m.source]
    if any(source.dataset_digest for source in sources):
        yield "data"
    if any(source.prompt_set_digest for source in sources):
        yield "prompts"


def _use(measured: list[Measurement]) -> Iterator[str]:
    found = {m.metric for m in measured}
    if found & {"cost_per_inference", "evaluation_cost"}:
        yield "cost"
    if found & {"latency", "mean_latency"}:
        yield "latency"
    if "tokens_per_request" in found:
        yield "tokens"


def main() -> None:
    """Write the table between its marks."""
    before, _, rest = DOCS.read_text().partition(START)
    _, _, after = rest.partition(END)
    DOCS.write_text(f"{before}{START}\n{table()}\n{END}{after}")


if __name__ == "__main__":
    main()
