"""Exact bounds of a rate for any number of looks: mixtures of beta distributions beyond the limit.

For H0 "rate <= p0" with x of n, and B(a, b) truncated to (p0, 1) (Robbins, Ann. Math. Statist. 41,
1970; Howard et al., Ann. Statist. 49, 2021):

log E = ln B(a+x, b+n-x) + ln I^c(p0; a+x, b+n-x) - ln B(a, b) - ln I^c(p0; a, b)
        - x ln p0 - (n-x) ln(1-p0)

averaged over a = b = 1/2, best for clean runs, and a = k p0, b = k (1 - p0) with k = n_plan / 6.33,
best near the limit. Needs nothing but the cumulative counts. It refuses no count; whether counts
shrank since the last look is for its callers to see.
"""

from dataclasses import dataclass
from math import exp, floor, inf, log, log1p, sqrt

from gates.statistics import power
from gates.statistics.binomial import Rate
from gates.statistics.estimate import Side
from gates.statistics.sequence import lower_root, p_value
from gates.statistics.special import beta_tail, log_beta

TUNED = 6.33
"""2 ln 10 + ln(1 + 2 ln 10): where the mixture is sharpest, for alpha .05 (Howard et al. 2021)."""
_MOST = 10**9
_HALF = log(2.0)
_FAINT = 1e-290


def log_e_above(x: float, n: float, p0: float, n_plan: float) -> float:
    """The logarithm of the evidence against "rate <= p0" in x successes of n; -inf for none."""
    if n > _MOST:
        x, n = x * (_MOST / n), float(_MOST)
    if p0 < 0.0 or (p0 == 0.0 and x > 0):
        return inf
    if p0 >= 1.0 or p0 == 0.0:
        return 0.0
    base = -x * log(p0) - (n - x) * log1p(-p0)
    weight = n_plan / TUNED
    parts = [_mixed(x, n, p0, 0.5, 0.5), _mixed(x, n, p0, weight * p0, weight * (1.0 - p0))]
    largest = max(parts)
    if largest == -inf:
        return -inf
    return base + largest + log(sum(exp(part - largest) for part in parts)) - _HALF


def log_e_below(x: float, n: float, p0: float, n_plan: float) -> float:
    """The same against "rate >= p0": failures take the place of successes."""
    return log_e_above(n - x, n, 1.0 - p0, n_plan)


def _mixed(x: float, n: float, p0: float, a: float, b: float) -> float:
    """Ln of the truncated mixture's likelihood; where its tail is too small, a lower bound of it.

    The tail of B(A, B) beyond p0 is p0^A (1 - p0)^B / (B beta(A, B)) times a series >= 1.
    """
    prior = beta_tail(a, b, p0)
    if prior <= 0.0:
        return -inf
    posterior = beta_tail(a + x, b + n - x, p0)
    if posterior > _FAINT:
        above = log_beta(a + x, b + n - x) + log(posterior)
    else:
        above = (a + x) * log(p0) + (b + n - x) * log1p(-p0) - log(b + n - x)
    return above - log_beta(a, b) - log(prior)


@dataclass(frozen=True, slots=True)
class SequentialRate:
    """A rate whose bounds hold at every look; implements Estimate, on the scale of shares.

    Errors are failures for the lower bound and successes for the upper, as in `Rate`.
    """

    rate: Rate
    n_plan: float
    method: str = "beta_mixture"
    approximate: bool = False

    @property
    def value(self) -> float:
        """The observed share."""
        return self.rate.value

    @property
    def n(self) -> int | None:
        """Scored examples so far."""
        return self.rate.n

    @property
    def count(self) -> int | None:
        """Successes so far."""
        return self.rate.count

    @property
    def scale(self) -> str:
        """That of the rate."""
        return self.rate.scale

    @property
    def cumulative(self) -> tuple[tuple[float, float], ...]:
        """(certain, possible) of what may not shrink: examples, successes, failures."""
        r = self.rate
        return (
            (r.n, r.n + r.n_errored),
            (r.count_low, r.count_high + r.n_errored),
            (r.n - r.count_high, r.n - r.count_low + r.n_errored),
        )

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The largest p0 up to which the evidence against "rate <= p0" is 1 / alpha."""
        x, n = self.rate.count_low, self.rate.n + (self.rate.n_errored if errors else 0)
        return _lower(x, n, alpha, self.n_plan)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The mirror of `lower`: failures take the place of successes."""
        n = self.rate.n + (self.rate.n_errored if errors else 0)
        return 1.0 - _lower(self.rate.n - self.rate.count_high, n, alpha, self.n_plan)

    def p_below(self, limit: float) -> float:
        """1 / E of H0 "rate >= limit"."""
        return p_value(log_e_below(self.rate.count_high, self.rate.n, limit, self.n_plan))

    def p_above(self, limit: float) -> float:
        """1 / E of H0 "rate <= limit"."""
        return p_value(log_e_above(self.rate.count_low, self.rate.n, limit, self.n_plan))

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """The n at which the count that 80% of samples reach is evidence enough."""
        r = self.rate
        total = r.n + r.n_errored
        if total == 0 or alpha <= 0.0:
            return None
        worst = r.n_errored if side == "upper" else 0
        counted = r.count_low if side == "lower" else r.count_high
        seen = ((counted if r.stated is None else r.stated * r.n) + worst) / total
        return samples(seen, limit, side, alpha, self.n_plan)


def samples(
    seen: float,
    limit: float,
    side: Side,
    alpha: float,
    n_plan: float,
    z_power: float = power.Z_POWER,
) -> int | None:
    """Examples in all with which the bound of an anytime rate clears `limit`.

    `z_power` is the normal quantile of the chance that it shall do so: 0.84 for 80%.
    """
    if side == "upper":
        seen, limit = 1.0 - seen, 1.0 - limit
    if not seen > limit:
        return None
    wanted = log(1.0 / alpha)

    def clears(n: int) -> bool:
        reached = n * seen - z_power * sqrt(n * seen * max(0.0, 1.0 - seen))
        x = n if seen >= 1.0 else max(0, floor(reached))
        return x > limit * n and log_e_above(x, n, limit, n_plan) >= wanted

    return power.first(clears)


def clean_samples(events: int, rate: float, alpha: float, n_plan: float) -> int | None:
    """Examples in all, `events` of them bad, that show the rate to lie below `rate` at any look."""
    wanted = log(1.0 / alpha)
    return power.first(lambda n: n > events and log_e_below(events, n, rate, n_plan) > wanted)


def _lower(x: int, n: int, alpha: float, n_plan: float) -> float:
    if x == 0 or n == 0:
        return 0.0
    return lower_root(lambda p0: log_e_above(x, n, p0, n_plan), alpha, 0.0, x / n)
