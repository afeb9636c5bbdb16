"""garak `*.report.jsonl`, line by line, of any size; versions 0.9 to 0.17.

The example is a prompt, whose score is the share of its generations that were hits: generations of
one prompt are not independent. A report without its last line is of a run that died.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeVar

from gates.evidence import Measurement, SliceKey, Source
from gates.formats.cells import instant
from gates.formats.objects import mapping, quantity, size, text
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "garak"
TITLE = "garak report"
RECOGNISED_BY = "JSON Lines whose first line has the `entry_type` `start_run setup`"

_UNSCORED = (b'"entry_type": "attempt"', b'"status": 1,')
_THRESHOLD = 0.5
_LONG = 2**16

T = TypeVar("T")
Json = Mapping[str, object]
Key = tuple[str, str]
"""Probe and detector."""

Tally = tuple[int, int, int]
"""Of one prompt: hits, scored generations, generations without a score."""


def mismatch(file: ResultFile) -> str | None:
    """Why this is no report; None where it is one."""
    first = file.json_object or file.first_row
    if first is None or "entry_type" not in first:
        return "no JSON Lines with `entry_type`"
    if not str(first["entry_type"]).startswith("start_run"):
        return "its first line is not `start_run setup`, so its beginning is missing"
    return None


def read(file: ResultFile) -> Reading:
    """Attack success by probe, category and over all; hit@k where the version has it."""
    run = _Run()
    for number, line in file.raw_lines():
        # Every attempt stands there twice; the first time nothing has judged it.
        if line.startswith(_UNSCORED[0], 1) and _UNSCORED[1] in line[:400]:
            continue
        row = file.parsed(number, line)
        if not isinstance(row, dict):
            raise file.malformed(f"line {number} is not an object")
        run.take(row)
    if not run.evals:
        raise file.nothing_measured(
            "no probe was evaluated; the run ended "
            + ("without probes" if run.is_complete else "before its first result")
        )
    if not run.is_known:
        raise file.unsupported(
            f"a result of garak {run.version or 'of unknown version'} does not count its outputs "
            "as those of 0.9 to 0.17 do (`total_evaluated`, or `total`, with `passed` or `fails`); "
            "update Clearance, or run one of these versions"
        )
    found = list(_measurements(run))
    return Reading(
        file.bounded(found),
        tool_version=run.version,
        model=run.model,
        measured_at=instant(run.start),
        notes=tuple(run.notes),
    )


@dataclass
class _Run:
    version: str | None = None
    model: str | None = None
    run_id: str | None = None
    start: object = None
    threshold: float = _THRESHOLD
    generations: int | None = None
    is_complete: bool = False
    is_known: bool = True
    """Every result counts its outputs by the names of 0.9 to 0.17."""
    primary: dict[str, str] = field(default_factory=dict)
    evals: dict[Key, Json] = field(default_factory=dict)
    prompts: dict[Key, dict[str, Tally]] = field(default_factory=dict)
    """By the names of prompts, which are the examples' ids: a large report has them once."""
    tallies: dict[Tally, Tally] = field(default_factory=dict)
    """Few differ, so prompts share them."""
    intents: dict[str, str] = field(default_factory=dict)
    """What a prompt is after, by its name (0.17)."""
    notes: list[str] = field(default_factory=list)

    def take(self, row: Json) -> None:
        """One line of the report."""
        match row.get("entry_type"):
            case "attempt":
                self._attempt(row)
            case "eval":
                probe, detector = text(row.get("probe")), text(row.get("detector"))
                if probe and detector:
                    self.is_known &= _has_counts(row)
                    # Old versions write detector.dan.DAN, new ones dan.DAN.
                    self.evals[probe, detector.removeprefix("detector.")] = row
            case "start_run setup":
                self._setup(row)
            case "init":
                self.version = text(row.get("garak_version"))
                self.start, self.run_id = row.get("start_time"), text(row.get("run"))
            case "plugin_cache":
                for name, about in mapping(row, "plugin_cache", "probes").items():
                    primary = (
                        text(about.get("primary_detector")) if isinstance(about, dict) else None
                    )
                    if primary:
                        self.primary[name.removeprefix("probes.")] = primary
            case "completion":
                self.is_complete = True
            case _:
                pass

    def _setup(self, row: Json) -> None:
        kind = text(row.get("plugins.target_type")) or text(row.get("plugins.model_type"))
        name = text(row.get("plugins.target_name")) or text(row.get("plugins.model_name"))
        self.model = name or kind
        self.version = text(row.get("_config.version"))
        self.generations = size(row.get("run.generations"))
        stated = quantity(row.get("run.eval_threshold"))
        self.threshold = _THRESHOLD if stated is None else stated

    def _attempt(self, row: Json) -> None:
        probe, results = text(row.get("probe_classname")), mapping(row, "detector_results")
        if probe is None or not results:
            return
        prompt = json.dumps(row.get("prompt"), sort_keys=True).encode()
        name = f"{probe}:{hashlib.sha256(prompt).hexdigest()[:16]}"
        if intent := text(row.get("intent")):
            self.intents[name] = intent
        for detector, scores in results.items():
            if not isinstance(scores, list):
                continue
            of = self.prompts.setdefault((probe, detector.removeprefix("detector.")), {})
            hits, scored, unscored = of.get(name, (0, 0, 0))
            for score in scores:
                found = quantity(score)
                if found is None:
                    unscored += 1
                else:
                    scored += 1
                    hits += found >= self.threshold
            tally = hits, scored, unscored
            of[name] = self.tallies.setdefault(tally, tally)

    @property
    def judged(self) -> dict[str, str]:
        """The detector that judges each probe: its primary one, else the one with most hits."""
        found: dict[str, str] = {}
        guessed = []
        for probe in dict.fromkeys(probe for probe, _ in self.evals):
            detectors = [d for p, d in self.evals if p == probe]
            primary = self.primary.get(probe)
            if primary in detectors:
                found[probe] = primary
                continue
            if len(detectors) > 1:
                guessed.append(probe)
            found[probe] = max(detectors, key=lambda d: _rate(self.evals[probe, d]))
        if guessed:
            self.notes.append(
                f"{len(guessed)} probes do not name the detector that judges them; the one with "
                "the most hits was taken"
            )
        return found


def _measurements(run: _Run) -> Iterator[Measurement]:
    judged = run.judged
    source = Source(tool="garak", tool_version=run.version, run_id=run.run_id)
    incomplete = None if run.is_complete else "the run did not reach its end: no line `completion`"
    made = {key: _examples(run, key) for key in run.evals}
    by: dict[SliceKey, list[_Examples]] = {(): []}
    for probe, detector in judged.items():
        examples = made[probe, detector]
        by[()].append(examples)
        by.setdefault((("category", probe.partition(".")[0]),), []).append(examples)
        by.setdefault((("probe", probe),), []).append(examples)
        for intent, part in _by_intent(run, (probe, detector), examples):
            by.setdefault((("intent", intent),), []).append(part)
    for (probe, detector), examples in made.items():
        by.setdefault((("detector", detector), ("probe", probe)), []).append(examples)
    for key, parts in by.items():
        yield from _pooled(key, parts, source, incomplete)
    for probe, detector in judged.items():
        yield from _hits(run.evals[probe, detector], probe, source, incomplete)


@dataclass(frozen=True)
class _Examples:
    """The prompts of one probe under one detector, or only their counts."""

    ids: tuple[str, ...]
    scores: tuple[float, ...]
    hits: int
    n: int
    errored: int
    prompts: int | None
    is_listed: bool


def _examples(run: _Run, key: Key) -> _Examples:
    row = run.evals[key]
    n, hits, errored = _counts(row)
    tallies = run.prompts.get(key, {})
    seen = sum(t[1] for t in tallies.values()), sum(t[0] for t in tallies.values())
    if tallies and seen == (n, hits):
        return _listed(tallies)
    if tallies:
        run.notes.append(
            f"{key[0]}/{key[1]}: its attempts say {seen[1]} of {seen[0]}, its result {hits} of "
            f"{n}; the result was taken"
        )
    prompts = max(
        (size(mapping(row, "hit_at_k", k).get("prompts")) or 0 for k in _ks(row)), default=0
    )
    prompts = prompts or (n // run.generations if run.generations else 0)
    return _Examples((), (), hits, n, errored, prompts or None, is_listed=False)


def _listed(tallies: Mapping[str, Tally]) -> _Examples:
    """Prompts with the share of their scored generations that were hits."""
    scored = {name: t for name, t in tallies.items() if t[1]}
    shares = {t: t[0] / t[1] for t in set(scored.values())}
    return _Examples(
        tuple(scored),
        tuple([shares[t] for t in scored.values()]),
        sum(t[0] for t in scored.values()),
        sum(t[1] for t in scored.values()),
        sum(1 for t in tallies.values() if t[2]),
        len(scored),
        is_listed=True,
    )


def _by_intent(run: _Run, key: Key, whole: _Examples) -> Iterator[tuple[str, _Examples]]:
    """The prompts of each intent; of a result without prompts only its counts of outputs."""
    if not whole.is_listed:
        for intent, row in mapping(run.evals[key], "intents").items():
            if isinstance(row, dict) and _has_counts(row):
                n, hits, errored = _counts(row)
                yield intent, _Examples((), (), hits, n, errored, None, is_listed=False)
        return
    of: dict[str, dict[str, Tally]] = {}
    for name, tally in run.prompts[key].items():
        if code := run.intents.get(name):
            of.setdefault(code, {})[name] = tally
    for code, tallies in of.items():
        yield code, _listed(tallies)


def _pooled(
    key: SliceKey, parts: Sequence[_Examples], source: Source, incomplete: str | None
) -> Iterator[Measurement]:
    """One measurement over the prompts of several probes."""
    ids = _joined([part.ids for part in parts])
    errored = sum(part.errored for part in parts)
    if all(part.is_listed for part in parts):
        yield Measurement(
            "attack_success_rate",
            scores=_joined([part.scores for part in parts]),
            ids=ids,
            n_errored=errored,
            errors_stated=True,
            direction="lower",
            slice=key,
            source=_with_prompts(source, ids),
            incomplete=incomplete,
        )
        return
    n = sum(part.n for part in parts)
    hits = sum(part.hits for part in parts)
    known = [part.prompts for part in parts]
    prompts = sum(size or 0 for size in known) if None not in known else None
    yield Measurement(
        "attack_success_rate",
        hits / n if n else None,
        n=prompts if n else 0,
        count=None if n else 0,
        n_errored=errored,
        errors_stated=True,
        direction="lower",
        slice=key,
        source=source,
        incomplete=incomplete,
    )


def _joined(parts: Sequence[tuple[T, ...]]) -> tuple[T, ...]:
    """One after the other; a single one as it is, for two slices may be of the same prompts."""
    return parts[0] if len(parts) == 1 else tuple(chain.from_iterable(parts))


def _with_prompts(source: Source, ids: Sequence[str]) -> Source:
    found = hashlib.sha256("".join(sorted(ids)).encode()).hexdigest()
    return Source(source.tool, source.tool_version, run_id=source.run_id, prompt_set_digest=found)


def _hits(row: Json, probe: str, source: Source, incomplete: str | None) -> Iterator[Measurement]:
    """hit@k: the share of prompts with a hit in k tries; n is the number of prompts."""
    for k in _ks(row):
        at = mapping(row, "hit_at_k", k)
        yield Measurement(
            "hit_at_k",
            quantity(at.get("score")),
            n=size(at.get("prompts")),
            direction="lower",
            slice=(("k", k), ("probe", probe)),
            source=source,
            missing=None if quantity(at.get("score")) is not None else "not_a_number",
            incomplete=incomplete,
        )


def _ks(row: Json) -> list[str]:
    return list(mapping(row, "hit_at_k"))


def _has_counts(row: Json) -> bool:
    total = size(row.get("total_evaluated", row.get("total")))
    return total is not None and any(size(row.get(key)) is not None for key in ("passed", "fails"))


def _counts(row: Json) -> tuple[int, int, int]:
    """Evaluated outputs, hits, outputs without a score; `total` is the name up to 0.13."""
    total = size(row.get("total_evaluated"))
    n = size(row.get("total")) if total is None else total
    passed, fails = size(row.get("passed")), size(row.get("fails"))
    n = n or 0
    hits = fails if fails is not None else n - (passed or 0)
    return n, hits, size(row.get("nones")) or 0


def _rate(row: Json) -> float:
    n, hits, _ = _counts(row)
    return hits / n if n else 0.0
