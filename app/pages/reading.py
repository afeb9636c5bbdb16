"""What a report says of a decision, before it is markup: words, numbers, and what stands where.

It reads the Decision JSON of api.md section 2 and judges nothing; a field that is absent is shown
as absent, never as good.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gates.rounding import limit_text, number

MARKS: Final[Mapping[str, str]] = {
    "pass": "✓",
    "fail": "✗",
    "inconclusive": "?",
    "missing": "∅",
    "error": "!",
    "not_applicable": "·",
}
WORDS: Final[Mapping[str, str]] = {
    "pass": "holds",
    "fail": "does not hold",
    "inconclusive": "not settled",
    "missing": "no evidence",
    "error": "error",
    "not_applicable": "not applicable",
}
UNNAMED: Final = "unnamed"
"""Stands where an offline decision was told no model, version or stage."""
HEADLINES: Final[Mapping[str, str]] = {
    "passed": "Passed",
    "failed": "Failed",
    "pending": "Needs a decision by people",
    "expired": "Expired",
    "revoked": "Revoked",
    "observed": "Observed only",
    "superseded": "Superseded",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is known of one quantity and what is asked of it, on one scale.

    `low` and `high` are the limits; `percent` says that numbers read as percent.
    """

    value: float | None
    lower: float | None
    upper: float | None
    low: float | None
    high: float | None
    target: float | None
    percent: bool
    scale: str


@dataclass(frozen=True, slots=True)
class Line:
    """One finding as people read it."""

    gate: str
    rule: str
    scope: tuple[str, ...]
    outcome: str
    reason: str
    effect: str
    aside: str
    """Why the outcome does not count: `waived by wvr_1`, `advice only`; else empty."""
    message: str
    seen: str
    interval: str
    worst: str
    """The end of the interval that is on the limit's side."""
    limit: str
    basis: str
    remarks: tuple[str, ...]
    bounds: Bounds | None

    @property
    def mark(self) -> str:
        """A sign that tells outcomes apart without colour."""
        return "○" if self.is_unproven_pass else MARKS.get(self.outcome, "!")

    @property
    def is_unproven_pass(self) -> bool:
        """A guard that saw nothing wrong: nothing was shown to hold."""
        return self.outcome == "pass" and self.reason == "no_violation_found"

    @property
    def word(self) -> str:
        """The outcome in words."""
        if self.is_unproven_pass:
            return "no violation found"
        return WORDS.get(self.outcome, "unknown outcome")

    @property
    def accepted(self) -> str:
        """What somebody accepts who approves in spite of this finding."""
        known = self.bounds
        if known is None or self.outcome != "inconclusive":
            return self.message
        worst = known.lower if known.low is not None else known.upper
        if worst is None or (known.low is not None and known.high is not None):
            return self.message
        if (worst >= known.low) if known.low is not None else (worst <= (known.high or 0.0)):
            return self.message
        return f"it may be {self.worst}; asked is {self.limit}."

    @property
    def place(self) -> str:
        """Gate, rule and slice on one line."""
        scope = f" ({', '.join(self.scope)})" if self.scope else ""
        return f"{self.gate}/{self.rule}{scope}"


def headline(decision: Mapping[str, Any]) -> str:
    """The one word that matters, from where the decision stands now."""
    status, verdict = decision.get("status"), decision.get("verdict")
    if is_let_through(decision):
        return "Let through: the glass was broken"
    if verdict == "escalate" and status == "passed":
        return "Approved by people"
    if verdict == "escalate" and status == "failed":
        return "Rejected by people"
    return HEADLINES.get(str(status), f"Unknown status {status!r}")


def is_let_through(decision: Mapping[str, Any]) -> bool:
    """Whether it passes only because somebody broke the glass."""
    glass = decision.get("break_glass") or {}
    return decision.get("status") == "passed" and bool(glass.get("lets_through"))


def tone(decision: Mapping[str, Any]) -> str:
    """`good`, `bad`, `open` or `idle`: never good unless it passes, and not by broken glass."""
    match decision.get("status"):
        case "passed" if is_let_through(decision):
            return "open"
        case "passed":
            return "good"
        case "pending":
            return "open"
        case "observed" | "superseded":
            return "idle"
        case _:
            return "bad"


def release_name(decision: Mapping[str, Any]) -> str:
    """`support-bot 42 → limited_release`; what an offline decision was not told is left out."""
    candidate = decision.get("candidate") or {}
    who = " ".join(_known(candidate.get("model")) + _known(candidate.get("version")))
    return " → ".join(_known(who) + _known(decision.get("stage")))


def _known(name: object) -> list[str]:
    return [] if name in {None, "", UNNAMED} else [str(name)]


def lines(decision: Mapping[str, Any]) -> Iterator[tuple[str, str, list[Line]]]:
    """(gate, its verdict, its findings) in policy order."""
    for gate in decision.get("gates") or ():
        name = str(gate.get("gate"))
        found = [line(name, finding) for finding in gate.get("findings") or ()]
        yield name, str(gate.get("verdict")), found


def line(gate: str, finding: Mapping[str, Any]) -> Line:
    """One finding, read."""
    known = bounds(finding)
    return Line(
        gate=gate,
        rule=str(finding.get("rule")),
        scope=_scope(finding),
        outcome=str(finding.get("outcome")),
        reason=str(finding.get("reason")),
        effect=str(finding.get("effect")),
        aside=_aside(finding),
        message=str(finding.get("message") or ""),
        seen=_seen(finding, known),
        interval=_interval(finding, known),
        worst=_worst(finding, known),
        limit=_limit(finding, known),
        basis=str(finding.get("basis") or ""),
        remarks=_remarks(finding),
        bounds=known,
    )


def asked_of_people(decision: Mapping[str, Any]) -> list[Line]:
    """The findings that an approval would accept; empty unless people are being asked."""
    if decision.get("status") != "pending":
        return []
    return [item for _, _, found in lines(decision) for item in found if item.effect == "escalate"]


def bounds(finding: Mapping[str, Any]) -> Bounds | None:
    """The numbers of a finding on the scale on which it was judged; None without any."""
    observed, limit = finding.get("observed"), finding.get("limit") or {}
    if not observed or finding.get("kind") not in {
        "threshold",
        "versus_baseline",
        "zero_tolerance",
        "disparity",
    }:
        return None
    scale = str(observed.get("scale") or "metric")
    low, high = _limits(finding, limit, scale)
    if low is None and high is None:
        return None
    percent = scale == "share_within_limit" or finding.get("unit") in {"fraction", "percent"}
    return Bounds(
        value=None if _is_enclosed(observed) else observed.get("value"),
        lower=observed.get("lower"),
        upper=observed.get("upper"),
        low=low,
        high=high,
        target=finding.get("target") if scale == "metric" else None,
        percent=percent or finding.get("kind") == "zero_tolerance",
        scale=scale,
    )


def _is_enclosed(observed: Mapping[str, Any]) -> bool:
    """Whether percentiles only enclose the share: its middle is nobody's estimate."""
    return observed.get("scale") == "share_within_limit" and observed.get("count") is None


def _limits(
    finding: Mapping[str, Any], limit: Mapping[str, Any], scale: str
) -> tuple[float | None, float | None]:
    """(at least, at most) on the scale of `observed`."""
    if scale == "share_within_limit":
        quantile = finding.get("quantile")
        return (quantile, None) if "max" in limit else (None, quantile)
    if scale == "difference":
        return _margin(finding, limit)
    if finding.get("kind") == "zero_tolerance":
        return None, limit.get("rate_below")
    if finding.get("kind") == "disparity":
        return limit.get("min_ratio"), limit.get("max_gap")
    return limit.get("min"), limit.get("max")


def _margin(
    finding: Mapping[str, Any], limit: Mapping[str, Any]
) -> tuple[float | None, float | None]:
    """A margin as a limit on candidate - baseline; relative ones were scaled to zero."""
    for name, margin in limit.items():
        falls = name.startswith("min_gain") and finding.get("direction") == "lower"
        at_least = name.startswith("max_drop") or (name.startswith("min_gain") and not falls)
        sign = -1.0 if name.startswith("max_drop") or falls else 1.0
        bound = 0.0 if name.endswith("_percent") else sign * float(margin)
        return (bound, None) if at_least else (None, bound)
    return None, None


def _scope(finding: Mapping[str, Any]) -> tuple[str, ...]:
    task = [str(finding["task"])] if finding.get("task") else []
    return (*task, *(f"{k}={v}" for k, v in (finding.get("slice") or {}).items()))


def _aside(finding: Mapping[str, Any]) -> str:
    if finding.get("waiver"):
        return f"waived by {finding['waiver']}"
    if finding.get("advisory"):
        return "advice only"
    return "weighed in the score" if finding.get("weighed") else ""


def _remarks(finding: Mapping[str, Any]) -> tuple[str, ...]:
    found = [str(flag) for flag in finding.get("flags") or ()]
    if finding.get("loosens"):
        found.append(f"loosens its parent: {finding['loosens']}")
    if finding.get("note"):
        found.append(str(finding["note"]))
    return tuple(found)


def _unit(finding: Mapping[str, Any], known: Bounds) -> str:
    unit = finding.get("unit")
    return "" if known.percent or unit in {None, "fraction", "percent"} else f" {unit}"


def _seen(finding: Mapping[str, Any], known: Bounds | None) -> str:
    observed = finding.get("observed") or {}
    value = observed.get("value")
    if finding.get("kind") == "zero_tolerance" and observed.get("count") is not None:
        n = observed.get("n")
        return f"{observed['count']:,} in {n:,}" if n is not None else f"{observed['count']:,}"
    if known is None or value is None:
        return ""
    n = observed.get("n")
    if _is_enclosed(observed):
        return "" if n is None else f"n = {n:,}"
    text = _number(finding, known, value)
    if observed.get("count") is not None and n is not None:
        return f"{text} ({observed['count']:,} of {n:,})"
    return f"{text} (n = {n:,})" if n is not None else text


def _ends(finding: Mapping[str, Any], known: Bounds | None) -> list[str]:
    """The interval's two ends; none where nothing bounds it."""
    if known is None or (known.lower is None and known.upper is None):
        return []
    return [_number(finding, known, end) for end in (known.lower, known.upper)]


def _interval(finding: Mapping[str, Any], known: Bounds | None) -> str:
    """`90.2% to 92.3%`, `139 to 164 tokens`: a unit stands once."""
    ends = _ends(finding, known)
    if not ends or known is None:
        return ""
    unit = " points" if known.scale == "difference" and known.percent else _unit(finding, known)
    return f"{ends[0].removesuffix(unit)} to {ends[1]}"


def _worst(finding: Mapping[str, Any], known: Bounds | None) -> str:
    ends = _ends(finding, known)
    return ends[0 if known and known.low is not None else 1] if ends else ""


def _number(finding: Mapping[str, Any], known: Bounds, value: float | None) -> str:
    if value is None:
        return "unbounded"
    near = known.low if known.low is not None else known.high
    text = number(value, percent=known.percent, against=near)
    if known.scale != "difference":
        return text + _unit(finding, known)
    sign = "+" if value > 0 else ""
    return sign + (text.replace("%", " points") if known.percent else text + _unit(finding, known))


def _limit(finding: Mapping[str, Any], known: Bounds | None) -> str:
    limit = finding.get("limit") or {}
    if finding.get("kind") == "zero_tolerance":
        below = limit.get("rate_below")
        rate = "" if below is None else f", rate < {limit_text(below, percent=True)}"
        return f"at most {limit.get('max_count')}{rate}"
    if known is None:
        return ""
    unit = _unit(finding, known)
    if known.scale == "share_within_limit":
        stated = limit.get("max", limit.get("min", 0.0))
        own = finding.get("unit")
        within = f"{stated:.10g}{f' {own}' if own not in {None, 'fraction'} else ''}"
        return f"{limit_text(finding.get('quantile') or 0.0, percent=True)} within {within}"
    if known.scale == "difference":
        return _margin_words(limit, unit, percent=known.percent)
    parts = [] if known.low is None else [f"≥ {limit_text(known.low, percent=known.percent)}{unit}"]
    if known.high is not None:
        parts.append(f"≤ {limit_text(known.high, percent=known.percent)}{unit}")
    return " and ".join(parts)


def _margin_words(limit: Mapping[str, Any], unit: str, *, percent: bool) -> str:
    (name, margin), *_ = limit.items()
    words = str(name).removesuffix("_percent").replace("_", " ")
    if str(name).endswith("_percent"):
        return f"{words} {margin:.10g}% of baseline"
    points = f"{margin * 100:.10g}"
    plural = "" if points == "1" else "s"
    return f"{words} {points} point{plural}" if percent else f"{words} {margin:.10g}{unit}"


def counts(found: Sequence[Line]) -> tuple[int, int]:
    """(how many hold, how many there are) of the findings that count."""
    counted = [item for item in found if not item.aside and item.outcome != "not_applicable"]
    return sum(item.outcome == "pass" for item in counted), len(counted)
