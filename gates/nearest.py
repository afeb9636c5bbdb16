"""What would change an answer: the nearest flip, what better evidence would gain, what is accepted.

Reads findings only. It words approximations as such, and never promises a flip.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from gates.explanation import limits_of, reads_as_percent, shown
from gates.finding import Finding, Observed
from gates.reasons import ALSO_BARS, OPEN_WORDS
from gates.rounding import number
from gates.verdict import Effect, Mode, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Flip:
    """How far a finding lies from another outcome, in the unit of its bounds.

    `by` is how much better the estimate must be to pass (positive), or how much worse it may get
    and still pass (negative); `samples` how many more examples would do at the rate seen.
    """

    by: float
    samples: int | None
    words: str


def flip(finding: Finding) -> Flip | None:
    """The nearest flip of one finding; None where no bound says how far it is.

    None as well where something beside the bounds bars a pass: a better number would not help.
    """
    found = _gap(finding)
    if found is None:
        return None
    by, way = found
    amount = _amount(finding, abs(by))
    if by < 0.0:
        return Flip(by, None, f"it would still pass about {amount} worse")
    more = _more(finding)
    ways = [f"about {amount} {way}"] if _can_be(finding, by, way) else []
    if more is not None:
        ways.append(f"{'' if ways else 'about '}{more:,} more examples at this rate")
    if not ways:
        return None
    first, *others = ways
    return Flip(by, more, f"{first} would pass" + "".join(f", or {other}" for other in others))


def _gap(finding: Finding) -> tuple[float, str] | None:
    """`Flip.by`, and whether more or less of the metric is better; None as above."""
    seen = finding.observed
    if seen is None or seen.value is None or finding.mode is Mode.GUARD:
        return None  # a guard's pass is about its relaxed limit, which no bound here speaks of
    if finding.reason not in _BY_BOUNDS or any(f.startswith(ALSO_BARS) for f in finding.flags):
        return None
    if finding.kind == "zero_tolerance" or seen.lower is None or seen.upper is None:
        return None
    low, high = limits_of(finding, seen)
    gaps = []
    if low is not None:
        gaps.append(low - seen.lower)
    if high is not None:
        gaps.append(seen.upper - high)
    if not gaps or not all(map(isfinite, gaps)):
        return None
    by = max(gaps)
    if by == 0.0 or (finding.outcome is Outcome.PASS) is not (by < 0.0):
        return None
    return by, "more" if low is not None and gaps[0] == by else "less"


_BY_BOUNDS = frozenset({"limit_met", "limit_missed", "interval_straddles_limit"})
"""Reasons that rest on the bounds and on nothing else."""


def _can_be(finding: Finding, by: float, way: str) -> bool:
    """Whether a share can be so much better: none is above 100%."""
    seen = finding.observed
    if seen is None or seen.value is None or seen.scale not in {"metric", "share_within_limit"}:
        return True
    wanted = seen.value + (by if way == "more" else -by)
    return not reads_as_percent(finding, seen) or 0.0 <= wanted <= 1.0


def _more(finding: Finding) -> int | None:
    samples = (finding.to_settle or {}).get("samples")
    seen = finding.observed
    if not samples or seen is None or seen.n is None:
        return None
    return max(1, int(samples) - seen.n - seen.n_errored)


def _amount(finding: Finding, by: float) -> str:
    seen = finding.observed
    if seen is not None and reads_as_percent(finding, seen):
        return number(by, percent=True, against=0.0).replace("%", " points")
    unit = f" {finding.unit}" if finding.unit not in {None, "fraction", "percent"} else ""
    return f"{number(by, percent=False)}{unit}"


def hint(finding: Finding) -> str | None:
    """What other evidence about the same examples would have gained; None where nothing would."""
    seen = finding.observed
    if finding.outcome in {Outcome.PASS, Outcome.NOT_APPLICABLE} or seen is None:
        return None
    method = seen.method or ""
    if "chernoff" in method:
        return "Per-example scores, or `stderr`, bound a mean far more sharply than its value and n"
    if method.startswith("clopper_pearson") and seen.count is None and finding.kind == "threshold":
        return "The count itself is sharper than a rounded value; send `count` and `n`"
    clustered = next((flag for flag in finding.flags if flag.startswith("clustered: ")), None)
    if clustered is not None:
        words = clustered.removeprefix("clustered: ")
        return f"There are {words} ones; new clusters settle it, more of the same ones hardly do"
    apart = method in {"miettinen_nurminen", "welch_t", "mover", "separate_bounds"}
    if apart and any(flag.startswith("not paired") for flag in finding.flags):
        return "The ids of candidate and baseline do not match, so nothing could be paired"
    if apart and finding.kind == "versus_baseline":
        return (
            "With `ids` on both sides the same examples are compared pair by pair; where they "
            "differ on one in ten, that is worth two to three times as many separate ones"
        )
    return None


def accepts(findings: Iterable[Finding]) -> tuple[str, ...]:
    """What a person who approves an escalation accepts, finding by finding."""
    return tuple(_accepted(f) for f in findings if f.effect is Effect.ESCALATE)


def _accepted(finding: Finding) -> str:
    where = f"{finding.gate}/{finding.rule}"
    scope = ", ".join(f"{name}={value}" for name, value in finding.slice)
    where += f" ({scope})" if scope else ""
    seen = finding.observed
    if finding.reason == "sign_off_due":
        return f"{where}: that it is good in your own judgement"
    if finding.outcome is Outcome.MISSING or seen is None:
        return f"{where}: that nothing is known of it"
    if finding.outcome is Outcome.FAIL:
        return f"{where}: that it misses its limit"
    if finding.reason in _BESIDE_BOUNDS:
        return f"{where}: that {OPEN_WORDS[finding.reason]}"
    low, high = limits_of(finding, seen)
    percent = reads_as_percent(finding, seen)
    if low is not None and seen.lower is not None and seen.lower < low:
        least = shown(seen, seen.lower, percent=percent, against=low)
        return f"{where}: that the true {_what(seen)} may be as low as {least}"
    if high is not None and seen.upper is not None and seen.upper > high:
        most = shown(seen, seen.upper, percent=percent, against=high)
        return f"{where}: that the true {_what(seen)} may be as high as {most}"
    return f"{where}: that it is not settled ({finding.reason.replace('_', ' ')})"


_BESIDE_BOUNDS = frozenset(
    {"contradicts_attempt", "evidence_of_another_candidate", "not_comparable"}
)
"""Reasons for which bounds are of little use, or are another's."""


def _what(seen: Observed) -> str:
    return {"difference": "difference", "gap": "gap", "ratio": "ratio"}.get(seen.scale, "value")


def closing(verdict: Verdict, findings: Sequence[Finding]) -> str:
    """One sentence for the summary: the nearest change that would flip the verdict."""
    counted = [f for f in findings if not f.advisory and not f.weighed and f.waiver is None]
    if verdict is Verdict.PASS:
        spare = [(_closeness(f), f) for f in counted if f.outcome is Outcome.PASS]
        known = [(near, f) for near, f in spare if near is not None]
        if not known:
            return ""
        _, closest = min(known, key=lambda pair: pair[0])
        found = flip(closest)
        return "" if found is None else f" Closest is {_name(closest)}: {found.words}."
    deciding = [f for f in counted if f.effect == str(verdict)]
    if len(deciding) != 1:
        return ""
    found, gain = flip(deciding[0]), hint(deciding[0])
    words = "" if found is None else f" {found.words[:1].upper()}{found.words[1:]}."
    return words + ("" if gain is None else f" {gain}.")


def _name(finding: Finding) -> str:
    scope = ", ".join(f"{name}={value}" for name, value in finding.slice)
    return f"{finding.gate}/{finding.rule}" + (f" ({scope})" if scope else "")


def _closeness(finding: Finding) -> float | None:
    """Spare room beyond the limit in widths of the finding's own uncertainty."""
    found, seen = _gap(finding), finding.observed
    if found is None or seen is None or seen.lower is None or seen.upper is None:
        return None
    width = seen.upper - seen.lower
    return -found[0] / width if width > 0.0 else None
