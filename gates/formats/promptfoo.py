"""promptfoo results: the JSON of version 3 (`-o results.json`) and its rows as JSON Lines.

Named scores are sums in the file and means here; an errored row is an error, not a failed test. It
refuses files of older versions, whose rows do not tell the two apart.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gates.evidence import Measurement, SliceKey, Source
from gates.formats.cells import MISSING, instant
from gates.formats.objects import entries, mapping, mark, quantity, size, text
from gates.formats.result_file import ResultFile
from gates.formats.scored import Scored
from gates.formats.understood import Reading

NAME = "promptfoo"
TITLE = "promptfoo results"
RECOGNISED_BY = (
    "a JSON object with `evalId` and `results`; or JSON Lines with `promptIdx` and `testIdx`"
)

VERSION = 3
_ERROR = 2
_UNITS: Mapping[str, Mapping[str, object]] = {
    "latency": {"unit": "ms"},
    "cost_per_inference": {"unit": "USD"},
    "attack_success_rate": {"direction": "lower"},
    "pass_rate": {"direction": "higher"},
}
_MAX_LABEL = 60
_RED_TEAM = (("category", "pluginId"), ("strategy", "strategyId"), ("severity", "severity"))

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why these are not promptfoo's results; None where they are."""
    found = file.json_object
    if found is not None:
        is_row = "promptIdx" in found and "testIdx" in found
        results = found.get("results")
        is_old = isinstance(results, dict) and {"stats", "table"} <= results.keys()
        is_run = ("evalId" in found and isinstance(results, dict)) or is_old
        return None if is_row or is_run else "no `evalId` beside `results`"
    first = file.first_row
    if first is None or not {"promptIdx", "testIdx", "success"} <= first.keys():
        return "no `evalId` beside `results`, and no rows with `promptIdx` and `testIdx`"
    return None


def read(file: ResultFile) -> Reading:
    """Pass rate, named scores, attacks, cost, latency and tokens, row by row where rows are."""
    root = file.json_object or {}
    results = mapping(root, "results")
    if results and size(results.get("version")) != VERSION:
        raise file.unsupported(
            f"its results have version {results.get('version')!s:.20}, and only 3 is read; export "
            "older ones again with a promptfoo of 2024-11 or later (`promptfoo export eval <id> -o "
            "results.json`), and for newer ones update Clearance"
        )
    run = _Run(_several(results))
    if results:
        for row in entries(results, "results"):
            run.add(row)
    elif root:
        run.add(root)
    else:
        for number, line in file.lines():
            if not isinstance(line, dict) or "promptIdx" not in line:
                raise file.malformed(f"line {number} is not a row of results")
            run.add(line)
    version = text(mapping(root, "metadata").get("promptfooVersion"))
    source = Source(
        tool="promptfoo",
        tool_version=version,
        suite=text(mapping(root, "config").get("description")),
        run_id=text(root.get("evalId")),
        prompt_set_digest=run.prompt_set,
    )
    incomplete = run.shortfall(mapping(results, "stats"))
    found = list(run.scored.measurements(_UNITS, source=source, incomplete=incomplete))
    found += _of_prompts(entries(results, "prompts"), run, source, incomplete)
    if not found:
        raise file.nothing_measured("it holds no test results; did the evaluation finish?")
    providers = run.providers | {text(p.get("provider")) for p in entries(results, "prompts")}
    names = providers - {None}
    return Reading(
        file.bounded(found),
        tool_version=version,
        model=names.pop() if len(names) == 1 else None,
        measured_at=instant(results.get("timestamp")),
        notes=(*run.notes, *run.scored.dropped),
    )


def _several(results: Json) -> tuple[bool, bool]:
    """Whether there are several providers, and several prompts."""
    prompts = entries(results, "prompts")
    providers, labels = ({text(p.get(key)) for p in prompts} for key in ("provider", "label"))
    return len(providers) > 1, len(labels) > 1


@dataclass
class _Run:
    several: tuple[bool, bool]
    scored: Scored = field(default_factory=Scored)
    providers: set[str | None] = field(default_factory=set)
    tests: set[str] = field(default_factory=set)
    rows: int = 0
    cached: int = 0
    unpriced: int = 0

    def add(self, row: Json) -> None:
        """One row: a test of a prompt with a provider."""
        self.rows += 1
        case = mapping(row, "testCase")
        errored = _is_errored(row)
        # A repeat has a new testIdx and no number of its own: the test itself is the example.
        example = mark([case.get("description"), row.get("vars")])
        self.tests.add(example)
        metadata = {**mapping(case, "metadata"), **mapping(row, "metadata")}
        slices = [*self._candidate(row), *_groups(metadata)]
        success = None if errored else float(row.get("success") is True)
        scores: list[tuple[str, float | None]]
        if text(metadata.get("pluginId")):
            attacks = None if success is None else 1.0 - success
            scores = [("attack_success_rate", attacks)]
        else:
            score = None if errored else quantity(row.get("score"))
            scores = [("pass_rate", success), ("score", score)]
            scores += _expected(case) if errored else _named(row, case)
        if not errored:
            scores += self._use(row)
        self.scored.add_all(scores, example, slices)

    def _candidate(self, row: Json) -> list[SliceKey]:
        """The slices by provider and prompt, where there are several of them."""
        provider = mapping(row, "provider")
        name = text(provider.get("label")) or text(provider.get("id"))
        name = name or text(row.get("provider")) or "unnamed"
        self.providers.add(name)
        keys: list[SliceKey] = []
        several_providers, several_prompts = self.several
        if several_providers:
            keys.append((("provider", name),))
        if several_prompts:
            label = text(mapping(row, "prompt").get("label")) or f"prompt {row.get('promptIdx')}"
            prompt = ("prompt", label[:_MAX_LABEL])
            keys.append((prompt,))
            if several_providers:
                keys.append((prompt, ("provider", name)))
        return keys

    def _use(self, row: Json) -> list[tuple[str, float]]:
        found = []
        cost = quantity(row.get("cost"))
        tokens = quantity(mapping(row, "tokenUsage").get("total"))
        if mapping(row, "response").get("cached") is True:
            self.cached += 1
        elif (latency := quantity(row.get("latencyMs"))) is not None:
            found.append(("latency", latency))
        # promptfoo writes 0 where it knows no price and where no tokens were reported.
        if cost:
            found.append(("cost_per_inference", cost))
        elif cost is not None:
            self.unpriced += 1
        if tokens:
            found.append(("tokens_per_request", tokens))
        return found

    @property
    def prompt_set(self) -> str | None:
        """Which tests were run, whatever the order."""
        return mark(sorted(self.tests)) if self.tests else None

    @property
    def notes(self) -> Iterator[str]:
        """What was left out."""
        if self.cached:
            yield f"{self.cached} answers came from the cache; their latency was not read"
        if self.unpriced:
            yield f"{self.unpriced} rows state a cost of 0, which means unknown; it was not read"

    def shortfall(self, stats: Json) -> str | None:
        """Why the rows cannot be all."""
        counts = [size(stats.get(key)) for key in ("successes", "failures", "errors")]
        total = sum(count or 0 for count in counts)
        if self.rows and total > self.rows:
            return f"only {self.rows} of {total} results are in the file"
        return None


def _is_errored(row: Json) -> bool:
    """`error` also holds the reason of plain failures; only `failureReason` tells."""
    reason = size(row.get("failureReason"))
    if reason is not None:
        return reason == _ERROR
    return row.get("gradingResult") is None and bool(row.get("error"))


def _expected(case: Json) -> list[tuple[str, None]]:
    """The named metrics that an error kept from being scored."""
    checks = entries(case, "assert")
    return [(n, None) for n in dict.fromkeys(text(c.get("metric")) for c in checks) if n]


def _named(row: Json, case: Json) -> list[tuple[str, float]]:
    """The mean of each named metric in a row."""
    sums: dict[str, tuple[float, float]] = {}
    for part in entries(row, "gradingResult", "componentResults"):
        assertion = mapping(part, "assertion")
        name = text(assertion.get("metric"))
        score = None if name is None else quantity(part.get("score"))
        if name is None or score is None:
            continue
        weight = quantity(assertion.get("weight"))
        weight = 1.0 if weight is None else weight
        if weight > 0:
            scored, total = sums.get(name, (0.0, 0.0))
            sums[name] = scored + score * weight, total + weight
    if sums:
        return [(name, scored / total) for name, (scored, total) in sums.items()]
    found = []
    weights = mapping(row, "gradingResult", "namedScoreWeights")
    for name, value in mapping(row, "namedScores").items():
        # Without weights a row's sum over one assertion is its score; more cannot be told apart.
        known = [c for c in entries(case, "assert") if text(c.get("metric")) == name]
        score, weight = quantity(value), quantity(weights.get(name))
        if score is not None and (weight or len(known) <= 1):
            found.append((name, score / weight if weight and len(known) > 1 else score))
    return found


def _groups(metadata: Json) -> list[SliceKey]:
    """Slices by the test's metadata; of a red team by plugin, strategy and severity."""
    if text(metadata.get("pluginId")):
        pairs = [(name, text(metadata.get(key))) for name, key in _RED_TEAM]
        return [((name, value),) for name, value in pairs if value]
    return [
        ((key, label),)
        for key, value in metadata.items()
        if not key.startswith("_") and (label := text(value)) and len(label) <= _MAX_LABEL
    ]


def _of_prompts(
    prompts: Iterable[Json], run: _Run, source: Source, incomplete: str | None
) -> Iterator[Measurement]:
    """What only the totals have: derived metrics, and everything where there are no rows."""
    listed = list(prompts)
    for prompt in listed:
        metrics = mapping(prompt, "metrics")
        pairs = zip(("provider", "prompt"), ("provider", "label"), run.several, strict=True)
        slice_: SliceKey = tuple(
            sorted(
                (name, (text(prompt.get(key)) or "unnamed")[:_MAX_LABEL])
                for name, key, several in pairs
                if several
            )
        )
        if not run.rows:
            yield from _totals(metrics, slice_, source)
        counts = mapping(metrics, "namedScoresCount")
        for name, value in mapping(metrics, "namedScores").items():
            total, count = quantity(value), size(counts.get(name))
            if count is not None and run.rows:
                continue
            # A derived metric has no count: it is a number without a sample.
            weight = quantity(mapping(metrics, "namedScoreWeights").get(name)) or count
            found = total / weight if total is not None and weight else total
            yield Measurement(
                name,
                found,
                n=count,
                missing=MISSING if found is None else None,
                slice=slice_,
                source=source,
                incomplete=incomplete,
            )


def _totals(metrics: Json, slice_: SliceKey, source: Source) -> Iterator[Measurement]:
    passed, failed = size(metrics.get("testPassCount")), size(metrics.get("testFailCount"))
    if passed is None or failed is None:
        return
    n = passed + failed
    common = {"slice": slice_, "source": source}
    yield Measurement(
        "pass_rate",
        count=passed,
        n=n,
        n_errored=size(metrics.get("testErrorCount")) or 0,
        errors_stated=True,
        direction="higher",
        **common,  # type: ignore[arg-type]  # two fields of their own types
    )
    for metric, total, unit in (
        ("mean_latency", quantity(metrics.get("totalLatencyMs")), "ms"),
        ("cost_per_inference", quantity(metrics.get("cost")), "USD"),
        # The graders' tokens stand apart, in `assertions`.
        ("tokens_per_request", quantity(mapping(metrics, "tokenUsage").get("total")), None),
    ):
        if total and n:
            yield Measurement(metric, total / n, n=n, unit=unit, **common)  # type: ignore[arg-type]  # as above
