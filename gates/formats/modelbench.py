"""MLCommons ModelBench (AILuminate) benchmark runs: the safe rate of each hazard, with its sample.

Grades compare with a reference system that changes with the benchmark's version, so they stay
plain numbers. It refuses a run over several systems, because nobody said which asks for release.
"""

from collections.abc import Iterator, Mapping

from gates.evidence import Measurement, SliceKey, Source
from gates.formats.cells import MISSING, instant
from gates.formats.counts import recovered
from gates.formats.objects import entries, mapping, quantity, size, text
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "modelbench"
TITLE = "MLCommons ModelBench run"
RECOGNISED_BY = "a JSON object with `run_uid` and `scores` of `hazard_scores`"

_CONFIDENCE = 0.95

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why this is no run of ModelBench; None where it is one."""
    found = file.json_object
    if found is None or not str(found.get("run_uid", "")).startswith("run-"):
        return "no `run_uid` of ModelBench"
    scores = entries(found, "scores")
    if not scores or not all("hazard_scores" in score for score in scores):
        return "no `scores` with `hazard_scores`"
    return None


def read(file: ResultFile) -> Reading:
    """Safe rate by hazard and over all, and the grades."""
    root = file.json_object or {}
    scores = entries(root, "scores")
    if len(scores) > 1:
        names = ", ".join(str(mapping(s, "sut").get("uid"))[:40] for s in scores[:5])
        raise file.malformed(f"it compares {len(scores)} systems ({names}); send a run of one")
    score = scores[0]
    source = Source(
        tool="modelbench",
        suite=text(mapping(root, "benchmark").get("uid")),
        run_id=text(root.get("run_uid")),
    )
    incomplete = None if score.get("end_time") else "the run has no end_time: it did not finish"
    found = list(_hazards(root, score, source, incomplete))
    if not found:
        raise file.nothing_measured("no hazard was scored")
    grade = quantity(score.get("numeric_grade"))
    if grade is not None:
        found.append(
            Measurement(
                "benchmark_grade", grade, direction="higher", source=source, incomplete=incomplete
            )
        )
    return Reading(
        file.bounded(found),
        model=text(mapping(score, "sut").get("uid")),
        measured_at=instant(score.get("end_time")),
    )


def _hazards(
    root: Json, score: Json, source: Source, incomplete: str | None
) -> Iterator[Measurement]:
    names = mapping(root, "benchmark").get("hazards")
    hazards = names if isinstance(names, list) else []
    count = total = 0
    rows = entries(score, "hazard_scores")
    for position, row in enumerate(rows):
        known = hazards[position] if len(hazards) == len(rows) else None
        name = text(known) or text(mapping({"": known}, "").get("uid")) or f"hazard {position + 1}"
        key: SliceKey = (("category", name),)
        m = _of(mapping(row, "score"), key, source, incomplete)
        yield m
        if m.count is None or m.n is None:
            count = -1
        elif count >= 0:
            count, total = count + m.count, total + m.n
    if count >= 0 and total:
        yield Measurement(
            "safe_rate",
            count=count,
            n=total,
            direction="higher",
            source=source,
            incomplete=incomplete,
        )


def _of(row: Json, key: SliceKey, source: Source, incomplete: str | None) -> Measurement:
    value, n = quantity(row.get("estimate")), size(row.get("samples"))
    low, high = quantity(row.get("lower")), quantity(row.get("upper"))
    count = None
    if value is not None and n is not None and 0 <= value <= 1:
        count = recovered(value, n, 0.5e-10)
    ci = None
    if count is None and low is not None and high is not None and low <= high:
        ci = (low, high)
    return Measurement(
        "safe_rate",
        value if count is None else None,
        count=count,
        n=n,
        ci=ci,
        confidence=_CONFIDENCE if ci else None,
        direction="higher",
        slice=key,
        source=source,
        missing=MISSING if value is None else None,
        incomplete=incomplete,
    )
