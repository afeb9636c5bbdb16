"""Experiments in words: effects as so many more per 1,000, what is shown, what to do next.

Never says "significant", and never "no difference": a sample shows a bound, not an absence.
"""

from collections.abc import Sequence
from math import inf, isfinite

from gates.experiments.answer import Analysis, Compared
from gates.experiments.request import Comparison, Experiment
from gates.rounding import number
from gates.rules.judging import Answer

_BASES = (100, 1_000, 10_000, 100_000, 1_000_000)


def effect(compared: Comparison, arm: float, control: float) -> str:
    """`3 more per 1,000 (12.3% against 12.0%)`, `0.4 s less on average (11.7 s against 12.1 s)`."""
    gap = arm - control
    more = "more" if gap >= 0 else "less" if not compared.is_rate else "fewer"
    if compared.is_rate:
        base = next((b for b in _BASES if abs(gap) * b >= 0.95), _BASES[-1])
        shown = f"{abs(gap) * base:.2g}" if abs(gap) * base < 99.5 else f"{abs(gap) * base:.0f}"
        pair = _pair(arm, control, percent=True)
        relative = _relative(gap, control)
        if gap == 0:
            return f"as many in both ({pair})"
        return f"{shown} {more} per {base:,} ({pair}{relative})"
    unit = f" {compared.unit}" if compared.unit else ""
    pair = _pair(arm, control, percent=False, unit=unit)
    relative = _relative(gap, control)
    if gap == 0:
        return f"the same on average ({pair})"
    return f"{number(abs(gap), percent=False)}{unit} {more} on average ({pair}{relative})"


def share(gap: float, control: float) -> float | None:
    """A change as a share of the control; None where it is zero, or too small to divide by."""
    found = gap / abs(control) if control else inf
    return found if isfinite(found) else None


def _relative(gap: float, control: float) -> str:
    found = share(gap, control)
    return "" if found is None else f", {found:+.1%} of it"


def _pair(arm: float, control: float, *, percent: bool, unit: str = "") -> str:
    """Both values, with enough digits to tell them apart."""
    one = number(arm, percent=percent, against=control)
    two = number(control, percent=percent, against=arm)
    return f"{one}{unit} against {two}{unit}"


def _amount(compared: Comparison, value: float, against: float = 0.0) -> str:
    """A difference as people read it: points for rates, the unit for means."""
    if compared.is_rate:
        return number(value, percent=True, against=against).replace("%", " points")
    unit = f" {compared.unit}" if compared.unit else ""
    return f"{number(value, percent=False, against=against)}{unit}"


def comparison(asked: Experiment, compared: Comparison, found: Compared, answer: Answer) -> str:
    """One sentence: what was seen, what is shown with which confidence, what would settle it."""
    start = f"{found.arm}, {compared.metric}: {found.effect}"
    up = compared.direction == "higher"
    good, bad = (found.lower, found.upper) if up else (found.upper, found.lower)
    sure, bad_sure = found.lower_confidence, found.upper_confidence
    sure, bad_sure = (sure, bad_sure) if up else (bad_sure, sure)
    margin, least = _margin(compared), "at least" if up else "at most"
    if answer.reason == "sample_ratio_mismatch":
        return f"{start}; the split is broken, so this says nothing about the arms."
    match found.outcome:
        case "better" | "not_worse":
            words = "; that is better" if found.outcome == "better" else f"; within {margin}"
            return f"{start}. {_sure(sure, asked)} {_bounded(compared, good, least)}{words}."
        case "worse":
            most = "at most" if up else "at least"
            words = f"; that breaks {margin}" if margin else "; that is worse"
            return f"{start}. {_sure(bad_sure, asked)} {_bounded(compared, bad, most)}{words}."
        case _ if compared.margin_percent is not None:
            loss = f"this sample cannot rule out a loss beyond {margin}"
        case _ if good is None:
            loss = "this sample bounds nothing"
        case _:
            loss = f"this sample cannot rule out {_amount(compared, good, _limit(compared))}"
    return f"{start}; {loss}. {_shows(compared, found)}{_settle(found)}"


def _shows(compared: Comparison, found: Compared) -> str:
    """What so many units can tell apart; nothing for a margin in percent, which moves with both."""
    if found.detectable is None or compared.margin_percent is not None:
        return ""
    beyond = f" beyond {_margin(compared)}" if compared.margin else ""
    change = _amount(compared, found.detectable)
    return f"So many units show a change of {change}{beyond} 4 times in 5. "


def _sure(confidence: float | None, asked: Experiment) -> str:
    return f"With {(confidence or asked.confidence) * 100:.4g}% confidence"


def _bounded(compared: Comparison, bound: float | None, side: str) -> str:
    if compared.margin_percent is not None or bound is None:
        return "that is shown"
    return f"the change is {side} {_amount(compared, bound, _limit(compared))}"


def _limit(compared: Comparison) -> float:
    margin = compared.margin or 0.0
    return -margin if compared.direction == "higher" else margin


def _margin(compared: Comparison) -> str:
    if compared.margin_percent is not None:
        return f"the agreed margin of {compared.margin_percent:g}% of the control"
    if compared.margin is not None:
        return f"the agreed margin of {_amount(compared, compared.margin)}"
    return ""


def _settle(found: Compared) -> str:
    if found.samples is None:
        return "No realistic sample would settle it if this is the truth; a person has to decide."
    return (
        f"About {found.samples:,} units in this arm, the control growing with it, would settle it "
        "if what was seen is about right."
    )


def unanswerable(arm: str, compared: Comparison, detail: str) -> str:
    """Why the data cannot answer, and what to send."""
    why = detail[:1].upper() + detail[1:]
    if compared.range is None and not compared.is_rate:
        why += "; or say which `range` each unit's value lies in"
    return f"{arm}, {compared.metric}: these data cannot answer. {why}."


def sample_ratio(asked: Experiment, units: Sequence[int], shares: Sequence[float], p: float) -> str:
    """Whether the split can be trusted."""
    n, total = sum(units), sum(shares)
    got = ", ".join(
        f"{arm.name} {count:,} (meant: {_units(n * share / total)})"
        for arm, count, share in zip(asked.arms, units, shares, strict=True)
    )
    if p >= asked.srm_min_p:
        return f"The split is what it should be: {got}."
    chance = "Fewer than one in a million" if p < 1e-6 else f"About {p * 1e6:,.0f} in a million"
    return (
        f"The split is broken: {got}. {chance} sound experiments look like this. "
        "Units were lost or counted twice on the way; find out why before comparing anything."
    )


def _units(count: float) -> str:
    return f"{count:,.0f}" if count >= 100.0 else f"{count:.4g}"


def notes(asked: Experiment) -> tuple[str, ...]:
    """What the reader should know about how this was answered."""
    found = []
    if asked.looks == "single":
        found.append(
            "This is one look at a finished sample. Who looks again while it runs, and stops when "
            "it looks good, is wrong more often than this says: use `looks: anytime` then."
        )
    else:
        found.append("The bounds hold however often the experiment is looked at.")
    if len(asked.arms) > 2:
        found.append(
            f"{len(asked.arms) - 1} claims are made apart, so they share the error (Holm)."
        )
    if asked.min_days is not None and asked.days is None:
        found.append("How many `days` it has run is not said, so nothing can be adopted yet.")
    return tuple(found)


def summary(asked: Experiment, found: Analysis) -> str:
    """What to do, in one or two sentences."""
    match found.verdict:
        case "invalid":
            return found.sample_ratio.message
        case "adopt":
            item = next(item for item in found.primary if item.arm == found.adopt)
            held = f" All {len(asked.guardrails)} guardrails hold." if asked.guardrails else ""
            return f"Adopt {found.adopt}. {item.message}{held}"
        case "keep_control":
            return f"Keep {asked.base}. {_first(found).message}"
        case "undecided":
            return f"Not decided. {_why_open(asked, found)}"


def _first(found: Analysis) -> Compared:
    """The finding that decided against the arms."""
    lost = [item for item in found.guardrails if item.outcome == "worse"]
    worse = [item for item in found.primary if item.outcome == "worse"]
    return (worse or lost or list(found.primary))[0]


def _why_open(asked: Experiment, found: Analysis) -> str:
    if asked.min_days is not None and (asked.days is None or asked.days < asked.min_days):
        ran = "an unknown number of" if asked.days is None else f"{asked.days:g}"
        return f"It has run {ran} days; {asked.min_days:g} were agreed."
    open_ = [
        item
        for item in (*found.primary, *found.guardrails)
        if item.outcome in {"undecided", "cannot_answer"}
    ]
    return open_[0].message if open_ else found.primary[0].message
