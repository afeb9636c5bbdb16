"""What earlier data say of a policy's rules: a pilot, or decisions made again from what is stored.

Each rule's own estimator judged them, so its bound tells what one example varies by in effect:
reach / z * sqrt n, clusters and pairs included. Of several decisions the median counts.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from math import isfinite, sqrt
from statistics import median

from gates.decision import Decision, decide
from gates.evidence import Measurement, Submission
from gates.finding import Finding, Observed
from gates.history import History
from gates.metrics import resolve
from gates.planning.terms import About, Known, Seen, Spread
from gates.policy import Policy
from gates.rules.selection import canonical_name
from gates.statistics import moments
from gates.statistics.special import z_quantile
from gates.verdict import Mode

LEAST = 5
"""Examples from which a spread is taken."""
_SUMS = "share_within_limit"
_CLUSTERED = re.compile(r"clustered: (\d+) examples in (\d+) clusters")


def learned(decisions: Iterable[tuple[Decision, Sequence[Measurement]]], source: str) -> Known:
    """Spreads by rule and by metric, from decisions with the measurements they rest on."""
    by_rule: dict[tuple[str, str], list[Seen]] = {}
    by_metric: dict[str, list[Spread]] = {}
    about: dict[str, list[float]] = {}
    for decision, measurements in decisions:
        for finding in decision.findings:
            if (seen := _seen(finding)) is not None:
                by_rule.setdefault((finding.gate, finding.rule), []).append(seen)
        for m in measurements:
            name = canonical_name(m.metric)
            if (spread := _spread(m)) is not None:
                by_metric.setdefault(name, []).append(spread)
            if spread is not None and not spread.relative and m.n != 0:
                about.setdefault(name, []).append(_mean(m))
    said = f"as in {source}"
    return Known(
        {name: _middle(spreads, said) for name, spreads in by_metric.items()},
        {name: About(median(values), said) for name, values in about.items()},
        {key: sorted(found, key=_by_sd)[len(found) // 2] for key, found in by_rule.items()},
        source,
    )


def of_pilot(policy: Policy, submission: Submission, at: datetime) -> Known:
    """What a pilot says, decided by the policy without a service.

    Raises:
        ImpossibleEvidence: for values that no sample can have.
    """
    made = decide(policy, submission, History(offline=True), (), at)
    return learned([(made, submission.evidence.measurements)], "the pilot")


def _by_sd(seen: Seen) -> float:
    return seen.sd


def _middle(spreads: Sequence[Spread], source: str) -> Spread:
    bent = [spread.skewness for spread in spreads if spread.skewness is not None]
    skewness = median(bent) if bent else None
    return Spread(median(s.sd for s in spreads), spreads[0].relative, skewness, source)


def _seen(finding: Finding) -> Seen | None:
    """What a finding's bound tells; None where it has none, or counts shares exactly."""
    seen = finding.observed
    if seen is None or seen.value is None or not seen.n or seen.n < LEAST:
        return None
    if seen.scale == _SUMS or finding.mode is Mode.EXACT or not isfinite(seen.value):
        return None
    reach = _reach(seen)
    if reach is None or not (isfinite(reach) and reach > 0.0):
        return None
    return Seen(
        value=seen.value,
        sd=reach * sqrt(seen.n),
        n=seen.n,
        level=finding.baseline.value if finding.baseline is not None else None,
        paired=any(flag.startswith("paired") for flag in finding.flags),
        each=_each(finding.flags),
    )


def _each(flags: Iterable[str]) -> float | None:
    """Examples a cluster, as `clustered_flags` says it; None where they are separate."""
    found = next(filter(None, map(_CLUSTERED.match, flags)), None)
    return None if found is None else int(found[1]) / int(found[2])


def _reach(seen: Observed) -> float | None:
    """The larger distance of the value to a bound, in standard errors at that bound's level."""
    assert seen.value is not None
    found = []
    for bound, sure in ((seen.lower, seen.lower_confidence), (seen.upper, seen.upper_confidence)):
        if bound is not None and sure is not None and 0.5 < sure < 1.0:
            found.append(abs(seen.value - bound) / z_quantile(1.0 - sure))
    return max(found, default=None)


def _spread(m: Measurement) -> Spread | None:
    """One example's spread from scores or a standard error; of a quantile's values as a share."""
    known = resolve(m.metric)
    kind = known.metric.kind if known is not None else "mean"
    if kind not in {"mean", "quantile"} or m.labels is not None or m.denominators is not None:
        return None
    if m.scores is not None and len(m.scores) >= LEAST and all(map(isfinite, m.scores)):
        found = moments.of_scores(m.scores)
        if not found.variance > 0.0:
            return None
        if kind == "quantile":
            return Spread(sqrt(found.variance) / abs(found.mean), True) if found.mean else None
        return Spread(sqrt(found.variance), skewness=found.skewness)
    if kind == "mean" and m.stderr and m.n and m.value is not None and m.n >= LEAST:
        return Spread(m.stderr * sqrt(m.n))
    return None


def _mean(m: Measurement) -> float:
    return moments.of_scores(m.scores).mean if m.scores else m.value or 0.0
