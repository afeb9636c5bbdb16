"""Plans of comparisons with a baseline: separate samples, and the same examples pair by pair.

The truth that is planned for is no difference, or twice the gain that is asked. Separate arms are
imagined unlucky together, each by its part of the variance of their difference.
"""

from dataclasses import dataclass, replace
from math import inf

from gates.planning import differences, draws, strictly
from gates.planning.differences import Arms
from gates.planning.means import (
    AVERAGED,
    NO_STRICT_MEAN,
    NO_STRICT_RATIO,
    OWN,
    bounds_of,
    formula,
    quarter,
)
from gates.planning.solving import CAUTION, CLUSTERED, UNBOUNDED, Ask, Draw
from gates.planning.terms import (
    CORRELATION,
    DISAGREEMENT,
    AtN,
    Found,
    Known,
    Seen,
    Spread,
    Terms,
    ask_pilot,
    ask_spread,
    lognormal_sigma,
    lognormal_skewness,
)
from gates.policy import Policy
from gates.rules.comparison import Comparison
from gates.rules.measured import Subject
from gates.rules.threshold import Threshold
from gates.verdict import Mode


def comparison(
    policy: Policy, gate: str, rule: Comparison, known: Known, terms: Terms, size: float = 1.0
) -> Found:
    """Candidate - baseline against a margin."""
    subject, seen = rule.subject, known.seen.get((gate, rule.id))
    name, _ = rule.versus_baseline.given()[0]
    level = level_of(policy, subject, known, seen)
    minimum, maximum, share = rule.asked()
    limit = minimum if minimum is not None else maximum
    assert limit is not None
    unit = ""
    if share is not None and level is None and _is_relative(known, subject.metric):
        # Spread and margin are both shares of a mean that does not matter then.
        level, unit = 1.0, "relative "
    arms = Arms(level or 0.0, _factor(share, level), size)
    # With a relative margin the quantity is candidate - (1 + share) baseline, and its limit 0.
    shift = (share or 0.0) * abs(arms.level)
    planned = _Planned(subject, level, known, seen, arms, shift, terms, rule.strict)
    separate, together = planned.separate(), planned.paired()
    if isinstance(separate, Found):
        return separate
    relax = (rule.notice or 0.0) if rule.mode is Mode.GUARD else 0.0
    is_unbounded = subject.kind == "mean" and bounds_of(subject) is None
    caution = UNBOUNDED if is_unbounded else CAUTION
    if seen is not None and seen.clustered:
        caution = CLUSTERED
    ask = Ask(minimum, maximum, terms, relax, caution)
    edge = limit + shift
    truth, doing = 0.0, "no difference"
    if relax:
        truth, doing = edge, "a difference of the margin itself"
    elif name.startswith("min_gain"):
        truth, doing = 2.0 * edge, "twice that gain"
    at_n = _at(ask, separate, shift, subject, arms)
    if together is not None:
        pairs = _at(ask, together, shift, subject, arms)
        at_n |= {f"paired_{name}": value for name, value in pairs.items() if name != "n"}
    if truth == edge and not relax:
        return replace(_no_margin(terms), at_n=at_n, scale=f"a true {unit}change of ")
    return Found(
        samples=ask.samples(separate, truth),
        paired=None if together is None else ask.samples(together, truth),
        assumes=f"if {doing} is the truth{planned.words}",
        at_n=at_n,
        each=" in each arm",
        scale=f"a true {unit}change of ",
        paired_assumes=planned.paired_words,
        counts="counts of TP + FP + FN" if subject.metric in {"f1", "jaccard"} else "examples",
    )


def _is_relative(known: Known, metric: str) -> bool:
    spread = known.sd.get(metric)
    return spread is not None and spread.relative


def _factor(share: float | None, level: float | None) -> float:
    """A relative margin on a baseline of known sign is a factor."""
    if share is None:
        return 1.0
    return 1.0 + share if level is None or level > 0.0 else 1.0 - share


def _at(ask: Ask, draw: Draw, shift: float, subject: Subject, arms: Arms) -> AtN:
    """Which true changes n examples tell apart."""
    ends = (0.0, 1.0) if subject.kind == "proportion" else bounds_of(subject)
    low, high = (-inf, inf) if ends is None else (end - arms.level - shift for end in ends)
    found = ask.at(
        lambda n, beyond, luck: draw(n, beyond + shift, luck),
        (abs(arms.level) or 1.0) / 1000.0,
        (low, high),
        0.0,
    )
    return {
        name: value if value is None or name == "n" else value + shift
        for name, value in found.items()
    }


def _no_margin(terms: Terms) -> Found:
    more = "" if terms.n is not None else "; or ask with --n which gain so many examples show"
    return Found(
        asks="a margin of zero is cleared only by a candidate that is truly better, by how much "
        f"nobody has said: allow a margin{more}",
        needs=("margin", "n"),
    )


def level_of(policy: Policy, subject: Subject, known: Known, seen: Seen | None) -> float | None:
    """What a metric is about: as given, as seen, as the policy's own rule expects; one half."""
    if subject.metric in known.about:
        return known.about[subject.metric].value
    if seen is not None and seen.level is not None:
        return seen.level
    for _, rule in policy.rules():
        if isinstance(rule, Threshold) and rule.subject.metric == subject.metric:
            if rule.subject.quantile != subject.quantile:
                continue
            limit = rule.min if rule.min is not None else rule.max
            expected = rule.target if rule.target is not None else limit
            inside = subject.kind != "proportion" or (expected is not None and 0 < expected < 1)
            if expected and inside:
                return expected
    if subject.kind == "proportion":
        return 0.5
    ends = bounds_of(subject)
    return (ends[0] + ends[1]) / 2.0 if ends is not None else None


@dataclass(slots=True)
class _Planned:
    """Imagined differences of one metric; `words` says what was taken for granted."""

    subject: Subject
    level: float | None
    known: Known
    seen: Seen | None
    arms: Arms
    shift: float
    terms: Terms
    strict: bool
    words: str = ""
    paired_words: str = ""

    def separate(self) -> Draw | Found:
        """The difference of two separate samples, or what to give."""
        subject, seen = self.subject, self.seen
        if self.arms.factor != 1.0 and not self.level:
            return _ask_level(subject.metric)
        is_rate = subject.kind == "proportion"
        if seen is not None and not seen.paired and not (is_rate and not seen.clustered):
            self.words = f" and each example varies by {seen.sd:.4g} in effect, as in "
            self.words += self.known.source
            return self._as_seen(seen)
        if is_rate:
            self.words = f" and rates are about {self.level:.4g}{self._said('RATE')}"
            if self.strict:
                return strictly.apart(draws.rate, self.arms, differences.rate_spread)
            return differences.rates(self.arms)
        if subject.kind == "quantile":
            return self._quantile()
        if subject.kind == "ratio" and subject.metric not in AVERAGED:
            return self._ratio()
        return self._mean()

    def paired(self) -> Draw | None:
        """The difference on the same examples; None where nothing is known of it."""
        subject, seen = self.subject, self.seen
        if subject.kind not in {"proportion", "mean"} and subject.metric != "roc_auc":
            return None
        if seen is not None and seen.paired:
            self.paired_words = f" and differ as in {self.known.source}"
            return self._as_seen(seen)
        if subject.kind == "proportion":
            if self.arms.factor != 1.0:
                return None
            self.paired_words = f" and differ on {DISAGREEMENT:.0%} of them"
            rates = strictly.paired_rates if self.strict else differences.paired_rates
            return rates(self.arms.level)
        self.paired_words = f" and their scores correlate by {CORRELATION:g}"
        if subject.metric == "roc_auc":
            if self.strict:
                return None
            return differences.paired_auc(self.arms) if self.arms.factor == 1.0 else None
        found, ends = self._spread(), bounds_of(subject)
        if found is None:
            return None
        if not self.strict:
            return differences.paired_mean(self.arms, found[1], ends)
        return None if ends is None else strictly.paired_means(self.arms, found[1], ends)

    def _said(self, what: str) -> str:
        """How to say what a metric is about, where nobody has."""
        metric = self.subject.metric
        return "" if metric in self.known.about else f" (say it with --about {metric}={what})"

    def _as_seen(self, seen: Seen) -> Draw:
        ends, f, shift = bounds_of(self.subject), self.arms.factor, self.shift
        if ends is not None and (seen.clustered or self.subject.kind == "mean"):
            ends = (ends[0] - f * ends[1], ends[1] - f * ends[0])
        else:
            ends = None
        draw = draws.as_seen(seen, ends)
        return lambda n, change, luck: draw(n, change - shift, luck)

    def _spread(self) -> tuple[Spread, float] | None:
        """One example's spread and its number; None where nobody knows."""
        ends = bounds_of(self.subject)
        spread = self.known.sd.get(self.subject.metric)
        if spread is None and ends is not None:
            spread = quarter(ends)
        sd = None if spread is None else spread.at(self.level)
        return None if spread is None or sd is None else (spread, sd)

    def _mean(self) -> Draw | Found:
        metric, ends = self.subject.metric, bounds_of(self.subject)
        if self.strict and self.subject.kind == "ratio":
            return Found(never=NO_STRICT_RATIO)
        if self.strict and self.subject.kind != "mean":
            return ask_pilot(metric, "`strict` takes the exact bounds of both samples")
        if self.strict and ends is None:
            return Found(never=NO_STRICT_MEAN)
        found = self._spread()
        if found is None:
            if metric in self.known.sd:
                return _ask_level(metric)
            return ask_spread(metric, formula(self.terms, "margin", 2.0, " in each arm"))
        spread, sd = found
        self.words = f" and scores vary by {sd:.4g}, {spread.source}"
        if metric not in self.known.sd:
            self.words = f" and scores are assumed to vary by {spread.source}"
        bent = 0.0
        if self.subject.direction == "lower" and self.arms.level > 0.0:
            bent = lognormal_skewness(sd / self.arms.level)
        if self.strict and ends is not None:
            at = draws.within(sd, ends, assumed=metric not in self.known.sd)
            return strictly.apart(strictly.mean(at, ends), self.arms, at)
        return differences.means(self.arms, sd, ends, bent)

    def _ratio(self) -> Draw | Found:
        metric, level = self.subject.metric, self.level
        if self.strict and metric not in {"f1", "jaccard"}:
            return Found(never=NO_STRICT_RATIO)
        spread = self.known.sd.get(metric)
        sd = None if spread is None else spread.at(level)
        if sd is not None and not self.strict:
            self.words = f" and its standard error times the root of n is {sd:.4g}"
            return differences.hybrid(draws.student(lambda _: sd), self.arms, lambda _: sd)
        if level is None:
            return _ask_level(metric)
        if metric in {"f1", "jaccard"}:
            self.words = f" and {metric} is about {level:.4g}{self._said('VALUE')}"
            is_f1 = metric == "f1"
            one = draws.f1 if is_f1 else draws.rate
            asked = strictly.apart if self.strict else differences.hybrid
            return asked(
                one, self.arms, differences.f1_spread if is_f1 else differences.rate_spread
            )
        if metric in OWN:
            draw, more = OWN[metric]
            self.words = f" and {metric} is about {level:.4g}{self._said('VALUE')}{more}"
            return differences.hybrid(draw, self.arms, differences.SPREADS[metric])
        return ask_pilot(metric, f"what {metric} varies by hangs on the data")

    def _quantile(self) -> Draw | Found:
        metric, q = self.subject.metric, self.subject.quantile or 0.5
        spread = self.known.sd.get(metric)
        share = None if spread is None else spread.share(self.level)
        if share is None or self.level is None:
            asked = ask_spread(metric, "how closely values lie around the quantile decides")
            if self.level is None:
                more = f"; and what its quantile is about (--about {metric}=VALUE)"
                return replace(asked, asks=asked.asks + more, needs=(*asked.needs, "about"))
            return asked
        sigma = lognormal_sigma(share)
        self.words = f" and values are log-normal with a spread of {share:.0%} of their mean"
        per_level = sigma * draws.quantile_error(q)
        asked_of = strictly.apart if self.strict else differences.hybrid
        return asked_of(draws.quantile(q, sigma), self.arms, lambda at: per_level * abs(at))


def _ask_level(metric: str) -> Found:
    return Found(
        asks=f"a share of the baseline is asked for, and what {metric} is about is not known: say "
        f"it (--about {metric}=VALUE), or give a pilot (--from FILE with --baseline FILE)",
        needs=("about", "pilot"),
    )
