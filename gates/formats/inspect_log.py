"""Inspect AI logs, `.json` and `.eval`, log versions 1 to 3.

A run that did not succeed, was limited or was invalidated is kept in sight and trusted for nothing.
It refuses logs of later versions, whose meaning nobody has looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isclose

from gates.evidence import Measurement, SliceKey, Source
from gates.formats.archive import Archive
from gates.formats.cells import MISSING, instant
from gates.formats.objects import (
    column,
    entries,
    mapping,
    mark,
    parts,
    quantities,
    quantity,
    size,
    text,
)
from gates.formats.result_file import ResultFile
from gates.formats.scored import Scored
from gates.formats.understood import Reading

NAME = "inspect"
TITLE = "Inspect AI log"
RECOGNISED_BY = (
    "a JSON object with `version`, `status` and `eval` of a task and a model; or a zip archive "
    "with `_journal/start.json` (.eval)"
)

_KNOWN_VERSIONS = (1, 2, 3)
_STATUS = ("started", "success", "cancelled", "error")
_SPREADS = ("stderr", "bootstrap_stderr", "bootstrap_std")
_NOT_METRICS = frozenset((*_SPREADS, "std", "var"))
_LETTERS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
_ALL = "all"
_MEANS = frozenset({"accuracy", "mean", _ALL})
_MAX_GROUPS = 30
_MAX_LABEL = 60

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why this is no log of Inspect; None where it is one."""
    if file.syntax == "zip":
        start = "_journal/start.json"
        return None if start in _archive(file) else f"a zip archive without `{start}`"
    found = file.json_object
    if found is None:
        return "neither a JSON object nor a zip archive"
    if size(found.get("version")) is None or found.get("status") not in _STATUS:
        return "no `version` beside a `status` of Inspect"
    run = mapping(found, "eval")
    return None if text(run.get("task")) and text(run.get("model")) else "no `eval.task`"


def read(file: ResultFile) -> Reading:
    """Every score's metrics; with per-sample scores, epochs as clusters, where the log has them."""
    log = _Log.of(file)
    version = size(log.root.get("version"))
    if version not in _KNOWN_VERSIONS:
        raise file.unsupported(
            f"its log version is {version}, and 1 to 3 are known; convert it with the Inspect "
            "version that you evaluate with (`inspect log convert`), or update Clearance"
        )
    notes: list[str] = []
    common = {"source": log.source, "incomplete": log.incomplete}
    found = [m for entry in log.scores for m in _of_score(log, entry, notes)]
    found += log.use.measurements(task=log.task, **common, per_metric=_UNITS)
    if not any(m.metric not in _UNITS for m in found):
        raise file.nothing_measured(
            f"the log has no scores; its status is {log.root.get('status')}"
            + (f": {log.failure}" if log.failure else "")
        )
    headline = mapping(log.root, "results", "headline")
    if headline:
        parts = (text(headline.get(key)) for key in ("score", "metric"))
        notes.append(f"the log's headline is {'/'.join(part for part in parts if part)}")
    return Reading(
        file.bounded(found),
        tool_version=log.source.tool_version,
        model=text(mapping(log.root, "eval").get("model")),
        measured_at=instant(mapping(log.root, "stats").get("completed_at"))
        or instant(mapping(log.root, "eval").get("created")),
        notes=tuple(notes),
    )


_UNITS: Mapping[str, Mapping[str, str]] = {
    "latency": {"unit": "s"},
    "tokens_per_request": {},
    "cost_per_inference": {"unit": "USD"},
}


@dataclass(frozen=True)
class _Log:
    root: Json
    samples: Sequence[Json]
    reductions: Sequence[Json]

    @classmethod
    def of(cls, file: ResultFile) -> "_Log":
        if file.syntax != "zip":
            root: Json = file.json_object or {}
            return cls(root, entries(root, "samples"), entries(root, "reductions"))
        archive = _archive(file)
        name = "header.json" if "header.json" in archive else "_journal/start.json"
        root = _member(file, archive, name)
        if name != "header.json":
            # Written first: a log that has nothing else was never finished.
            root = {**root, "status": "started"}
        return cls(
            root,
            entries({"": _member_list(file, archive, "summaries.json")}, ""),
            entries({"": _member_list(file, archive, "reductions.json")}, ""),
        )

    @property
    def task(self) -> str:
        return text(mapping(self.root, "eval").get("task")) or "task"

    @property
    def suite(self) -> str:
        """The task with its version, where it has one: another version asks something else."""
        version = mapping(self.root, "eval").get("task_version")
        return self.task if not version else f"{self.task}@{version!s:.40}"

    @property
    def failure(self) -> str | None:
        return text(mapping(self.root, "error").get("message"))

    @cached_property
    def incomplete(self) -> str | None:
        status = self.root.get("status")
        if status != "success":
            why = f": {self.failure[:80]}" if self.failure else ""
            return f"the run's status is {status!s:.20}{why}"
        if self.root.get("invalidated") is True:
            return "somebody invalidated the run"
        config = mapping(self.root, "eval", "config")
        for key in ("limit", "sample_id"):
            if config.get(key) is not None:
                return f"the run was limited ({key} {config[key]!s:.40}) and is not the whole set"
        return None

    @cached_property
    def source(self) -> Source:
        run = mapping(self.root, "eval")
        dataset = mapping(run, "dataset")
        ids = dataset.get("sample_ids")
        return Source(
            tool="inspect",
            tool_version=text(mapping(run, "packages").get("inspect_ai")),
            suite=self.suite,
            run_id=text(run.get("run_id")),
            dataset_name=text(dataset.get("name")),
            dataset_digest=mark([dataset.get("name"), ids]) if isinstance(ids, list) else None,
        )

    @cached_property
    def scores(self) -> list[Json]:
        """What was scored; taken from the samples where the run did not come to results."""
        results = mapping(self.root, "results")
        if "metrics" in results:  # version 1
            scorer = text(mapping(results, "scorer").get("name")) or "scorer"
            return [{"name": scorer, "scorer": scorer, "metrics": results["metrics"]}]
        found: list[Json] = list(entries(results, "scores"))
        if found or not self.samples:
            return found
        names = dict.fromkeys(name for s in self.samples for name in mapping(s, "scores"))
        return [{"name": name, "scorer": name, "metrics": {"mean": {}}} for name in names]

    @cached_property
    def ids(self) -> list[str]:
        """The names of the samples, in order; epochs repeat them."""
        return [str(sample.get("id")) for sample in self.samples]

    @cached_property
    def errored(self) -> list[bool]:
        """Whether each sample ended in an error."""
        return list(map(bool, column(self.samples, "error")))

    @cached_property
    def slices(self) -> dict[str, list[SliceKey]]:
        """The groups that each sample is in, by the keys of metadata that sort them into a few."""
        metadata = parts(self.samples, "metadata")
        groups: dict[str, dict[str | None, SliceKey]] = {}
        for about in metadata:
            for key, value in about.items():
                known = groups.setdefault(key, {})
                if (label := _label(value)) and label not in known and len(known) <= _MAX_GROUPS:
                    known[label] = ((key, label),)
        few = [(key, known) for key, known in groups.items() if 1 <= len(known) <= _MAX_GROUPS]
        return {
            example: [slice_ for key, known in few if (slice_ := known.get(_label(about.get(key))))]
            for example, about in zip(self.ids, metadata, strict=True)
        }

    @property
    def use(self) -> Scored:
        """Time, tokens and cost of the model under test, sample by sample."""
        usage = parts(
            self.samples, "model_usage", text(mapping(self.root, "eval").get("model")) or ""
        )
        used = {
            "latency": quantities(column(self.samples, "total_time")),
            "tokens_per_request": quantities(column(usage, "total_tokens")),
            "cost_per_inference": quantities(column(usage, "total_cost")),
        }
        known = {
            metric: [
                row
                for row, (value, errored) in enumerate(zip(values, self.errored, strict=True))
                if value is not None and not errored
            ]
            for metric, values in used.items()
        }
        found = Scored()
        for metric, rows in sorted(known.items(), key=lambda item: item[1][:1]):
            if rows:
                values = used[metric]
                found.add_column(
                    metric, [values[row] for row in rows], [self.ids[row] for row in rows]
                )
        return found


def _of_score(log: _Log, entry: Json, notes: list[str]) -> Iterator[Measurement]:
    name = text(entry.get("name")) or "score"
    task = log.task
    if len({text(e.get("name")) for e in log.scores}) > 1 and not _is_own_metric(entry):
        task = f"{task}/{name}"
    reducer = text(entry.get("reducer"))
    if len([e for e in log.scores if e.get("name") == entry.get("name")]) > 1 and reducer:
        task = f"{task}/{reducer}"
    metrics = mapping(entry, "metrics")
    # Older logs write the groups of `grouped()` as metrics, without a mark, beside one called all.
    is_grouped = _ALL in metrics and not any(mapping(metrics, m).get("group") for m in metrics)
    for key, metric in metrics.items():
        row = metric if isinstance(metric, dict) else {}
        if key in _NOT_METRICS:
            continue
        if text(row.get("group")):
            yield from _of_group(log, entry, row, task)
            continue
        value = quantity(row.get("value"))
        if is_grouped and key != _ALL:
            if not log.samples:
                yield _stated(log, entry, name, task, value, (("group", key),))
            continue
        called = name if key in ("mean", _ALL) else key
        scored = _scored(log, entry, called, task) if key in _MEANS else None
        if scored is not None:
            given = list(scored.measurements(source=log.source, incomplete=log.incomplete))
            whole = given[0]
            mean = sum(whole.scores or ()) / max(1, len(whole.scores or ()))
            if value is None or isclose(mean, value, abs_tol=1e-6):
                yield from given
                notes.extend(scored.dropped)
                continue
            notes.append(f"{name}/{key} is not the mean of the samples; it was read as it stands")
        yield _stated(log, entry, called, task, value)


def _stated(
    log: _Log, entry: Json, metric: str, task: str, value: float | None, slice_: SliceKey = ()
) -> Measurement:
    """A metric as the log states it."""
    results, metrics = mapping(log.root, "results"), mapping(entry, "metrics")
    spreads = (quantity(mapping(metrics, key).get("value")) for key in _SPREADS)
    n = size(entry.get("scored_samples"))
    total, completed = size(results.get("total_samples")), size(results.get("completed_samples"))
    errored = (total - completed) if total is not None and completed is not None else 0
    return Measurement(
        metric,
        value,
        n=None if slice_ else (completed if n is None else n),
        stderr=None if slice_ else next((spread for spread in spreads if spread is not None), None),
        n_errored=0 if slice_ else max(errored, size(entry.get("unscored_samples")) or 0),
        errors_stated=not slice_ and total is not None,
        missing=MISSING if value is None else None,
        task=task,
        slice=slice_,
        source=log.source,
        incomplete=log.incomplete,
    )


def _of_group(log: _Log, entry: Json, row: Json, task: str) -> Iterator[Measurement]:
    """A group's value where the samples, which say more, are not in the log."""
    key = text(mapping(row, "params").get("group_key"))
    label = text(row.get("name"))
    if key is None or label is None or label == _ALL or log.samples:
        return
    metric = text(mapping(row, "params", "metric").get("name")) or "mean"
    called = (text(entry.get("name")) or "score") if metric == "mean" else metric
    metrics = mapping(entry, "metrics")
    if metric == "mean" and "accuracy" in metrics and "mean" not in metrics:
        called = "accuracy"
    yield _stated(log, entry, called, task, quantity(row.get("value")), ((key, label),))


def _scored(log: _Log, entry: Json, metric: str, task: str) -> Scored | None:
    """The scores behind a mean; None where the log does not have them as numbers."""
    name, scorer = text(entry.get("name")) or "", text(entry.get("scorer")) or ""
    reducer = text(entry.get("reducer"))
    if reducer in (None, "mean") and log.samples:
        examples = log.ids
        cells = column(log.samples, "scores", scorer, "value")
        errored = log.errored
    else:
        listed = [
            row
            for one in log.reductions
            if one.get("scorer") in (scorer, name) and text(one.get("reducer")) == reducer
            for row in entries(one, "samples")
        ]
        examples = [str(row.get("sample_id")) for row in listed]
        cells = column(listed, "value")
        errored = [False] * len(cells)
    if not cells:
        return None
    cells = [cell.get(name) if isinstance(cell, dict) else cell for cell in cells]
    scores = [
        None if is_errored else _score(cell)
        for cell, is_errored in zip(cells, errored, strict=True)
    ]
    for cell, score, is_errored in zip(cells, scores, errored, strict=True):
        if score is None and not is_errored and text(cell):
            return None
    found = Scored()
    slices = [log.slices.get(example, ()) for example in examples]
    found.add_column(metric, scores, examples, slices, task)
    return found


def _score(value: object) -> float | None:
    if isinstance(value, bool):
        return float(value)
    return _LETTERS[value] if isinstance(value, str) and value in _LETTERS else quantity(value)


def _is_own_metric(entry: Json) -> bool:
    """A score whose only metric is its mean is a metric by its own name."""
    named = {key for key in mapping(entry, "metrics") if key not in _NOT_METRICS}
    return named == {"mean"}


def _label(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    found = text(value)
    return found if found is not None and len(found) <= _MAX_LABEL else None


def _archive(file: ResultFile) -> Archive:
    return file.once("archive", lambda: Archive(file))


def _member(file: ResultFile, archive: Archive, name: str) -> Json:
    found = _parsed(file, archive, name)
    if not isinstance(found, dict):
        raise file.malformed(f"the member {name} is not a JSON object")
    return found


def _member_list(file: ResultFile, archive: Archive, name: str) -> object:
    return _parsed(file, archive, name) if name in archive else []


def _parsed(file: ResultFile, archive: Archive, name: str) -> object:
    return ResultFile(f"{file.label}/{name}", archive.read(name)).json_value
