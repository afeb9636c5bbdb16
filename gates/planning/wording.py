"""Plans in words: how many examples, of what, if what is true; and what so many can show."""

from gates.planning.terms import Found, Terms
from gates.rules.base import MeasuredRule
from gates.rules.comparison import Comparison
from gates.rules.coverage import Coverage
from gates.rules.distribution import Distribution
from gates.rules.experiment import Experiment
from gates.rules.zero_tolerance import ZeroTolerance

_ENOUGH = (ZeroTolerance, Coverage)


def words(gate: str, rule: MeasuredRule, found: Found, terms: Terms) -> str:
    """One or two sentences for a rule."""
    where = f"{gate}/{rule.id}"
    if found.never:
        return f"{where}: can never be proven: {found.never}."
    resolves = f" {_resolves(rule, found)}" if _has_ends(rule, found) else ""
    if found.asks:
        return f"{where}: {found.asks}.{resolves}"
    if found.samples is None:
        return f"{where}: no realistic sample (a million) would do {found.assumes}.{resolves}"
    if found.plain:
        enough = "one value" if found.samples == 1 else f"{found.samples:,} {found.counts}"
        return f"{where}: {enough} will do: {found.assumes}."
    each = found.each or (" in each slice" if _is_sliced(rule) else "")
    start = f"{where}: {found.samples:,} {found.counts}{each} {found.assumes}"
    if found.paired is not None:
        start += (
            f"; {found.paired:,} if both answer the same examples (sent with ids)"
            f"{found.paired_assumes}"
        )
    if isinstance(rule, _ENOUGH):
        resolves = _enough(found, terms)
    return f"{start}.{resolves}"


def _is_sliced(rule: MeasuredRule) -> bool:
    return bool(rule.by) or isinstance(rule, Coverage)


def _has_ends(rule: MeasuredRule, found: Found) -> bool:
    return bool(found.at_n) and not isinstance(rule, _ENOUGH)


def _enough(found: Found, terms: Terms) -> str:
    if terms.n is None or found.samples is None:
        return ""
    return f" {terms.n:,} are {'enough' if terms.n >= found.samples else 'too few'}."


def _resolves(rule: MeasuredRule, found: Found) -> str:
    """What n examples show: where a pass is likely, where a violation."""
    at = found.at_n
    start = f"With {at['n']:,}"
    is_change = isinstance(rule, (Comparison, Experiment, Distribution))
    unit = found.scale

    def shown(value: float | None) -> str:
        if value is None:
            return ""
        return f"{value:+.4g}" if is_change else f"{value:.4g}"

    passes, fails = at.get("passes_from"), at.get("fails_from")
    if "passes_to" in at:
        low, high = passes, at["passes_to"]
        inside = None if low is None or high is None else f"{shown(low)} to {shown(high)}"
        ends = [shown(end) for end in (fails, at.get("fails_to")) if end is not None]
        good = f"a pass is likely from {unit}{inside}" if inside else "no truth makes a pass likely"
        bad = f"a violation is shown beyond {' or '.join(ends)}" if ends else "none is shown"
        return f"{start} {good}, and {bad}."
    good = f"a pass is likely from {unit}{shown(passes)} on"
    if passes is None:
        good = "no truth makes a pass likely"
    bad = "no violation is shown"
    if fails is not None:
        bad = f"a violation is shown at {shown(fails)} or worse"
    pairs = [at.get(f"paired_{name}") for name in ("passes_from", "fails_from")]
    paired = ""
    if None not in pairs:
        paired = f"; as pairs, from {shown(pairs[0])} on and at {shown(pairs[1])} or worse"
    return f"{start} {good}, and {bad}{paired}."
