"""Findings and decisions in words: number, bound, limit, consequence.

Rounds for reading only, and never so far that a shown number contradicts the outcome. Never says
"significant"; says what was seen, what it supports and what would settle it.
"""

from collections.abc import Sequence

from gates.finding import SETTLED_BY_SAMPLES, Finding, Observed
from gates.reasons import ALSO_BARS, OPEN_WORDS, REASON_WORDS
from gates.rounding import limit_text, number, points_text
from gates.verdict import Outcome, Verdict


def shown(seen: Observed, value: float, *, percent: bool, against: float | None = None) -> str:
    """A number on the scale of what was observed; differences of rates are points."""
    text = number(value, percent=percent, against=against)
    return text.replace("%", " points") if seen.scale in _APART else text


_APART = frozenset({"difference", "gap"})


def sentence(finding: Finding, title: str, detail: str = "") -> str:
    """One sentence for a finding about a metric (statistics.md section 8)."""
    scope = _scope(finding)
    name = f"{title}{scope}"
    if finding.outcome is Outcome.MISSING:
        return f"{name}: no evidence. {_capital(detail)}.".replace("..", ".")
    observed = finding.observed
    if observed is None:
        return f"{name}: {detail or finding.reason}."
    if finding.kind == "zero_tolerance":
        return _zero_sentence(finding, name, observed, detail)
    return _bounded_sentence(finding, name, observed, detail)


def _scope(finding: Finding) -> str:
    parts = [f"{name}={value}" for name, value in finding.slice]
    if finding.task:
        parts.insert(0, finding.task)
    return f" ({', '.join(parts)})" if parts else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _bounded_sentence(finding: Finding, name: str, seen: Observed, detail: str) -> str:
    percent = reads_as_percent(finding, seen)
    low, high = limits_of(finding, seen)
    against = low if low is not None else high
    parts = [f"{name} {_estimate_text(finding, seen, against, percent=percent)}".rstrip()]
    limit = _limit_words(finding, low, high, percent=percent)
    match finding.outcome:
        case Outcome.PASS if finding.reason == "no_violation_found":
            parts.append(f"No violation found: {_pass_bound(seen, low, high, percent=percent)}")
            limit += detail
        case Outcome.PASS if seen.method in {"exact", "point_estimate"}:
            note = ", compared without error control" if "no error control" in finding.flags else ""
            return f"{parts[0]}; {limit}{note}."
        case Outcome.PASS:
            parts.append(_pass_bound(seen, low, high, percent=percent))
        case Outcome.FAIL if seen.method in {"exact", "point_estimate"}:
            return f"{parts[0]} misses the limit; {limit}."
        case Outcome.FAIL:
            parts.append(_fail_bound(seen, low, high, percent=percent))
        case _:
            return _open_sentence(finding, parts[0], seen, detail, limit, percent=percent)
    return f"{parts[0]}. {_capital(parts[1])}; {limit}."


def reads_as_percent(finding: Finding, seen: Observed) -> bool:
    """Whether the numbers of a finding read as percent."""
    if seen.scale == "share_within_limit":
        return True
    return finding.unit in {"fraction", "percent"}


def limits_of(finding: Finding, seen: Observed) -> tuple[float | None, float | None]:
    """The limits on the scale of what was observed: (at least, at most)."""
    limit = finding.limit or {}
    if seen.scale == "share_within_limit":
        return (finding.quantile, None) if "max" in limit else (None, finding.quantile)
    if seen.scale == "difference":
        (name, margin), *_ = limit.items()
        sign = -1.0 if name.startswith("max_drop") else 1.0
        if name.startswith("min_gain") and finding.direction == "lower":
            sign = -1.0
        bound = 0.0 if name.endswith("_percent") else sign * float(margin)
        up = name.startswith("max_drop") or (
            name.startswith("min_gain") and finding.direction != "lower"
        )
        return (bound, None) if up else (None, bound)
    if finding.kind == "disparity":
        low, high = limit.get("min_ratio"), limit.get("max_gap")
    else:
        low, high = limit.get("min"), limit.get("max")
    return (None if low is None else float(low), None if high is None else float(high))


def _limit_words(finding: Finding, low: float | None, high: float | None, *, percent: bool) -> str:
    limit = finding.limit or {}
    unit = _unit(finding, percent=percent)
    if finding.observed is not None and finding.observed.scale == "share_within_limit":
        stated = limit.get("max", limit.get("min", 0.0))
        share = limit_text(finding.quantile or 0.0, percent=True)
        return f"{share} must lie within {stated:.10g}{_unit(finding, percent=False)}"
    if finding.observed is not None and finding.observed.scale == "difference":
        return _margin_words(finding, unit, percent=percent)
    parts = []
    points = percent and finding.observed is not None and finding.observed.scale == "gap"
    for words, bound in (("at least", low), ("at most", high)):
        if bound is not None:
            text = points_text(bound) if points else limit_text(bound, percent=percent)
            parts.append(f"{words} {text}{unit}")
    return f"the limit is {' and '.join(parts)}"


def _margin_words(finding: Finding, unit: str, *, percent: bool) -> str:
    """The margin; a shown non-inferiority is within it, which is not "no difference"."""
    (name, margin), *_ = (finding.limit or {}).items()
    words = name.removesuffix("_percent").replace("_", " ")
    start = "the agreed margin is"
    if finding.outcome is Outcome.PASS and finding.proven and not name.startswith("min_gain"):
        start = "that is within the agreed margin:"
    if name.endswith("_percent"):
        return f"{start} {words} {margin:.10g}% of the baseline"
    return f"{start} {words} {points_text(margin) if percent else f'{margin:.10g}{unit}'}"


def _unit(finding: Finding, *, percent: bool) -> str:
    if percent or finding.unit in {None, "fraction", "percent"}:
        return ""
    return f" {finding.unit}"


def _estimate_text(
    finding: Finding, seen: Observed, against: float | None, *, percent: bool
) -> str:
    unit = _unit(finding, percent=percent)
    if seen.value is None or _is_enclosed(seen):
        what = "within the limit is" if _is_enclosed(seen) else "is"
        known = f"{what} known only by its bounds" if seen.lower is not None else ""
        return f"{known} (n = {seen.n})".lstrip() if seen.n is not None else known
    value = shown(seen, seen.value, percent=percent, against=against)
    if seen.scale == "difference":
        text = _difference_text(finding, seen, f"{value}{unit}", unit, percent=percent)
    elif seen.scale in {"ratio", "gap"}:
        text = _group_text(finding, seen, value)
    elif seen.scale == "share_within_limit":
        text = f"{value} within the limit"
    else:
        text = f"{value}{unit}"
    if seen.count is not None and seen.n is not None and finding.metric == "f1":
        text += f" (TP {seen.count} of TP + FP + FN {seen.n})"
    elif seen.count is not None and seen.n is not None and seen.scale != "difference":
        text += f" ({seen.count} of {seen.n})"
    elif seen.n is not None and seen.scale != "difference":
        text += f" (n = {seen.n})"
    if seen.n_errored:
        text += f", {seen.n_errored} errored"
    return text


def _is_enclosed(seen: Observed) -> bool:
    """Whether other percentiles only enclose the share: then its middle is nobody's estimate."""
    return seen.scale == "share_within_limit" and seen.count is None


def _difference_text(
    finding: Finding, seen: Observed, value: str, unit: str, *, percent: bool
) -> str:
    """`differs from the baseline by -0.6 points (90.0% against 90.6%)`.

    With a margin in percent what is compared is the candidate and the baseline moved by it:
    `lies 0.4 points above the baseline less 5% (87.5% against 91.7%)`.
    """
    (name, margin), *_ = (finding.limit or {}).items()
    if name.endswith("_percent"):
        less = name.startswith("max_drop") or (
            name.startswith("min_gain") and finding.direction == "lower"
        )
        moved = f"the baseline {'less' if less else 'plus'} {margin:.10g}%"
        apart = shown(seen, abs(seen.value or 0.0), percent=percent, against=0.0)
        way = "above" if (seen.value or 0.0) > 0.0 else "below"
        text = f"lies {apart}{unit} {way} {moved}" if seen.value else f"equals {moved}"
    else:
        text = f"differs from the baseline by {'+' if (seen.value or 0.0) >= 0 else ''}{value}"
    pair = (finding.candidate, finding.baseline)
    if pair[0] and pair[1] and pair[0].value is not None and pair[1].value is not None:
        one, two = (number(side.value or 0.0, percent=percent) for side in pair if side)
        text += f" ({one} against {two})"
    return text


def _group_text(finding: Finding, seen: Observed, value: str) -> str:
    """`is 0.83 times that of sex=m (41.5% against 50.0%)`, or `lies 3.1% from …`."""
    flags = (flag.removeprefix("compared with ") for flag in finding.flags if "compared " in flag)
    other = next(flags, "the reference")
    is_ratio = seen.scale == "ratio"
    text = f"is {value} times that of {other}" if is_ratio else f"lies {value} from {other}"
    sides = [side.value for side in (finding.candidate, finding.baseline) if side]
    known = [value for value in sides if value is not None]
    if len(known) < 2:
        return text
    is_rate = all(0.0 <= value <= 1.0 for value in known)
    one, two = (number(value, percent=is_rate) for value in known)
    return f"{text} ({one} against {two})"


def _confidence(value: float | None) -> str:
    return f"{(value or 0) * 100:.4g}%"


def _pass_bound(seen: Observed, low: float | None, high: float | None, *, percent: bool) -> str:
    parts = []
    if low is not None and seen.lower is not None:
        parts.append(f"at least {shown(seen, seen.lower, percent=percent, against=low)}")
    if high is not None and seen.upper is not None:
        parts.append(f"at most {shown(seen, seen.upper, percent=percent, against=high)}")
    confidence = seen.lower_confidence if low is not None else seen.upper_confidence
    return f"with {_confidence(confidence)} confidence {_it(seen)} is {' and '.join(parts)}"


def _it(seen: Observed) -> str:
    return "the difference" if seen.scale == "difference" else "it"


def _fail_bound(seen: Observed, low: float | None, high: float | None, *, percent: bool) -> str:
    if low is not None and seen.upper is not None and seen.upper <= low:
        bound = shown(seen, seen.upper, percent=percent, against=low)
        sure = _confidence(seen.upper_confidence)
        return f"with {sure} confidence {_it(seen)} is at most {bound}"
    bound = shown(seen, seen.lower or 0.0, percent=percent, against=high)
    return f"with {_confidence(seen.lower_confidence)} confidence {_it(seen)} is at least {bound}"


def _open_sentence(
    finding: Finding, start: str, seen: Observed, detail: str, limit: str, *, percent: bool
) -> str:
    if finding.reason != "interval_straddles_limit":
        why = detail or OPEN_WORDS.get(finding.reason, finding.reason.replace("_", " "))
        return f"{start}: {why}; {limit}.{settle_words(finding)}"
    low, high = limits_of(finding, seen)
    value = None if _is_enclosed(seen) else seen.value
    misses_low = low is not None and value is not None and value < low
    misses_high = high is not None and value is not None and value > high
    if misses_low or misses_high:
        # What the sample cannot rule out is then the good side: the bound of a failure.
        bound, against = (seen.upper, low) if misses_low else (seen.lower, high)
        looks, against_bounds = "looks short", [(bound, against)]
    else:
        looks = "looks good"
        against_bounds = [(seen.lower, low), (seen.upper, high)]
        against_bounds = [
            pair
            for pair, is_open in zip(against_bounds, _open_sides(seen, low, high), strict=True)
            if is_open
        ]
    open_ = [
        shown(seen, bound, percent=percent, against=against)
        for bound, against in against_bounds
        if bound is not None
    ]
    ruled = f"this sample cannot rule out {' or '.join(open_)}" if open_ else "it is not proven"
    if value is None:
        return f"{start}; {ruled}; {limit}.{settle_words(finding)}"
    return f"{start} {looks}, but {ruled}; {limit}.{settle_words(finding)}"


def _open_sides(seen: Observed, low: float | None, high: float | None) -> tuple[bool, bool]:
    return (
        low is not None and seen.lower is not None and seen.lower < low,
        high is not None and seen.upper is not None and seen.upper > high,
    )


def settle_words(finding: Finding) -> str:
    """` About 1,960 examples would settle it, if this rate is about right.`, or who may settle it.

    Nothing where examples are not what is lacking.
    """
    if finding.to_settle is None:
        return _person_words(finding)
    samples = finding.to_settle.get("samples")
    if samples is None and _wants_clusters(finding):
        return " New clusters would settle it; how many cannot be said."
    if samples is None:
        return " No realistic sample would settle it; a person has to decide."
    return f" About {samples:,} examples in all would settle it, if what was seen is about right."


def _person_words(finding: Finding) -> str:
    """Who settles a look that left the question open and is the last to count."""
    if finding.look is None or finding.reason not in SETTLED_BY_SAMPLES:
        return ""
    if f"{ALSO_BARS}{OPEN_WORDS['contradicts_attempt']}" in finding.flags:
        return (
            " More examples cannot settle it, because an earlier attempt of this candidate failed; "
            "submit a fresh candidate or ask a person."
        )
    return " No planned look is left; submit a fresh candidate or ask a person."


def _wants_clusters(finding: Finding) -> bool:
    """Whether the estimate is good and rests on clusters, whose number is what counts."""
    seen = finding.observed
    if seen is None or seen.value is None or "cluster" not in (seen.method or ""):
        return False
    low, high = limits_of(finding, seen)
    return (low is None or seen.value > low) and (high is None or seen.value < high)


def _zero_sentence(finding: Finding, name: str, seen: Observed, detail: str) -> str:
    limit = finding.limit or {}
    allowed = f"at most {limit.get('max_count', 0)} allowed"
    if seen.count is None:
        return f"{name}: {detail or finding.reason}; {allowed}."
    start = f"{name}: {seen.count} in {seen.n}"
    if seen.n_errored:
        start += f", {seen.n_errored} errored"
    below = limit.get("rate_below")
    rate = number(seen.upper or 0.0, percent=True, against=below)
    supports = f"That supports a rate below {rate}" + (
        ", not a rate of zero" if not seen.count else ""
    )
    match finding.outcome:
        case Outcome.PASS:
            wanted = f" (asked: {limit_text(below, percent=True)})" if below else ""
            return f"{start}; {allowed}. {supports}{wanted}."
        case Outcome.FAIL:
            return f"{start}; {allowed}."
        case _:
            why = OPEN_WORDS.get(finding.reason, finding.reason.replace("_", " "))
            return f"{start}; {allowed}. {supports}: {why}.{settle_words(finding)}"


def summary(verdict: Verdict, findings: Sequence[Finding], reasons: Sequence[str]) -> str:
    """The decision in two or three sentences: how many rules hold, which decided, what next."""
    counted = [f for f in findings if not f.advisory and f.outcome is not Outcome.NOT_APPLICABLE]
    rules = {(f.gate, f.rule) for f in counted}
    open_rules = {(f.gate, f.rule) for f in counted if f.outcome is not Outcome.PASS}
    waived = [f for f in counted if f.waiver is not None]
    start = f"{len(rules) - len(open_rules)} of {len(rules)} rules hold."
    if waived:
        names = ", ".join(sorted({str(f.waiver) for f in waived}))
        start += f" Waived by {names}: {_names(waived)}."
    open_ = [] if verdict is Verdict.PASS else [f for f in counted if f.effect == str(verdict)]
    if open_:
        first = open_[0]
        start += f" {first.gate}/{first.rule}: {first.message}"
        if len(open_) > 1:
            start += f" Also: {_names(open_[1:])}."
    for reason in reasons:
        start += f" {REASON_WORDS[reason]}"
    return start


def _names(findings: Sequence[Finding]) -> str:
    names = list(dict.fromkeys(f"{f.gate}/{f.rule}" for f in findings))
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"
