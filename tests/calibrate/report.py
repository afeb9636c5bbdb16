"""The sections of docs/honesty.md, and every claim that turned out not to hold."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scipy import stats

from gates.statistics import binomial
from gates.verdict import Verdict
from tests.calibrate import (
    enumerating,
    guarded,
    page,
    pairs,
    plots,
    polling,
    related,
    releasing,
    repeating,
    samples,
)
from tests.calibrate.model import ALPHA, Errors, Sampled, simulated

LIMIT = 0.85
_TRUTHS = tuple(x / 400 for x in range(312, 381))
_ESCALATED_AT_MOST = 0.20
Progress = Callable[[str], None]


@dataclass
class Report:
    """Sections as they come; `broken` names each claim that the figures refute."""

    tries: int
    progress: Progress
    sections: list[tuple[str, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def claim(self, what: str, share: float, level: float, slack: float) -> None:
        """Note it unless the share keeps to the level."""
        if share > level + slack:
            self.broken.append(f"{what}: {share:.4f}, claimed {level} (slack {slack:.4f})")


def rates(report: Report, folder: Path) -> None:
    """Counts, enumerated, beside the gates of others."""
    report.progress("rates, by enumeration")
    ours = enumerating.COUNTED[0]
    worst: dict[str, dict[int, float]] = {"**Clearance** (Clopper-Pearson)": {}}
    for n in enumerating.SIZES:
        found = {rate: enumerating.errors(ours, n, rate) for rate in enumerating.RATES}
        worst["**Clearance** (Clopper-Pearson)"][n] = max(e.false_pass for e in found.values())
        for name, rival in enumerating.RIVALS.items():
            shares = [
                enumerating.rival_false_pass(rival(n, rate), rate) for rate in enumerating.RATES
            ]
            worst.setdefault(name, {})[n] = max(shares)
    at = {
        name: {n: enumerating.rival_false_pass(rival(n, LIMIT), LIMIT) for n in enumerating.SIZES}
        for name, rival in enumerating.RIVALS.items()
    }
    at = {
        "Clearance": {n: enumerating.errors(ours, n, LIMIT).false_pass for n in enumerating.SIZES},
        **at,
    }
    plots.by_size(folder / "false-pass.svg", at, f"A rate that is exactly at its limit of {LIMIT}")
    plots.by_truth(folder / "verdicts.svg", _TRUTHS, _curves(), LIMIT)
    low, high = enumerating.RATES[0], enumerating.RATES[-1]
    table = page.by_size(
        "gate", worst, enumerating.SIZES,
        f"False passes at the limit, the worst of {len(enumerating.RATES)} limits from {low} to "
        f"{high}, by enumeration:",
    )  # fmt: skip
    text = (
        f"![False passes over sample size](honesty/false-pass.svg)\n\n{table}\n"
        "![Verdicts over the true rate](honesty/verdicts.svg)\n\n"
        "The price of honesty is the middle: where 500 examples cannot tell, people are asked, "
        "and told how many examples would."
    )
    report.sections.append(("A rate", text))


def _curves() -> dict[str, list[float]]:
    n = 500
    first = next(x for x in range(n + 1) if binomial.lower(x, n, ALPHA) >= LIMIT)
    last = next(x for x in range(n + 1) if binomial.p_below(x, n, LIMIT) > ALPHA)
    compared = next(x for x in range(n + 1) if x / n >= LIMIT)
    passed = [float(stats.binom.sf(first - 1, n, t)) for t in _TRUTHS]
    failed = [float(stats.binom.cdf(last - 1, n, t)) for t in _TRUTHS]
    between = [1 - a - b for a, b in zip(passed, failed, strict=True)]
    return {
        "Clearance passes": passed,
        "Clearance fails": failed,
        "Clearance asks people": between,
        "a point estimate passes": [float(stats.binom.sf(compared - 1, n, t)) for t in _TRUTHS],
    }


def estimators(report: Report) -> None:
    """Every estimator at its limit: enumerated where it rests on one count, else simulated."""
    found: dict[str, tuple[str, Mapping[int, Errors]]] = {}
    for case in enumerating.COUNTED:
        worst = {n: _worst(case, n) for n in enumerating.SIZES}
        found[case.name] = ("worst of all limits, enumerated", worst)
        for n, errors in worst.items():
            _hold(report, f"{case.name}, n = {n}", errors, ALPHA)
    for margin in pairs.MARGINS:
        errors_of = {n: pairs.worst(n, margin) for n in pairs.SIZES}
        found[f"rate against a baseline, margin {margin}"] = (
            "worst of all baseline rates, enumerated", errors_of,
        )  # fmt: skip
        for n, errors in errors_of.items():
            _hold(report, f"rate difference, margin {margin}, n = {n}", errors, pairs.CEILING)
    for drawn in (*samples.CASES, *related.CASES, *guarded.CASES):
        report.progress(f"{drawn.name}: {report.tries} samples of each size")
        errors_of = {n: simulated(drawn, n, report.tries) for n in drawn.sizes}
        found[drawn.name] = (drawn.data, errors_of)
        for n, errors in errors_of.items():
            _hold(report, f"{drawn.name}, n = {n}", errors, _level(drawn, errors))
    intro = (
        f"Simulated from {report.tries} samples each unless enumerated: a figure of 5.0 is known "
        f"to {100 * 3 * (ALPHA * (1 - ALPHA) / report.tries) ** 0.5:.1f} points."
    )
    for side, title in (("false_pass", "False passes"), ("false_fail", "False fails")):
        table = page.estimators(found, samples.SMALL, side)
        report.sections.append((f"{title} of every estimator", f"{intro}\n{table}"))


def _worst(case: enumerating.Counted, n: int) -> Errors:
    found = [enumerating.errors(case, n, rate) for rate in enumerating.RATES]
    return Errors(
        max(e.false_pass for e in found),
        max(e.false_fail for e in found),
        0,
        found[0].method,
        found[0].approximate,
    )


def _level(case: Sampled, errors: Errors) -> float:
    return case.ceiling if errors.approximate else ALPHA


def _hold(report: Report, what: str, errors: Errors, level: float) -> None:
    slack = errors.slack(level)
    report.claim(f"{what}, false pass", errors.false_pass, level, slack)
    report.claim(f"{what}, false fail", errors.false_fail, level, slack)


def again(report: Report) -> None:
    """Polling, adding examples, running again."""
    report.progress("polls and retries, exactly")
    rows = []
    for name, limit, shares in _again():
        found = (page.percent(shares[who]) if who in shares else "pooled" for who in _GATES)
        rows.append([f"{name}, limit {limit}", *found])
        for who, share in shares.items():
            if who.startswith("Clearance"):
                report.claim(f"{name}, limit {limit}, {who}", share, ALPHA, 1e-9)
    heads = ["trying again, truth at the limit", *_GATES]
    text = (
        "Passed at least once, exactly computed. Looks are counted per candidate and question: "
        "after the planned ones a rule can still fail, but no longer pass."
    )
    report.sections.append(("Trying again", str(page.Table(text, heads, rows))))


_GATES = (
    "point estimate",
    "exact bound at each try",
    "Clearance, planned(2)",
    "Clearance, anytime",
)


def _again() -> Iterator[tuple[str, float, dict[str, float]]]:
    for limit in (LIMIT, 0.99):
        gates = {
            "point estimate": repeating.point(limit),
            "exact bound at each try": repeating.exact(limit),
            "Clearance, planned(2)": repeating.planned(limit, 2),
            "Clearance, anytime": repeating.anytime(limit, 1000),
        }
        yield (
            "500 examples, then 500 more",
            limit,
            {k: repeating.ever_passed(limit, 500, 2, gate) for k, gate in gates.items()},
        )
        once = {name: gate for name, gate in gates.items() if "anytime" not in name}
        yield (
            "10 runs on 500 fresh examples",
            limit,
            {k: repeating.rerun_passed(limit, 500, 10, gate) for k, gate in once.items()},
        )
        yield (
            "40 polls, one each 125 examples",
            limit,
            {k: repeating.ever_passed(limit, 125, 40, gate) for k, gate in gates.items()},
        )
        yield (
            "a canary polled each minute for a day, 5 requests a minute",
            limit,
            {k: repeating.ever_passed(limit, 5, 1440, gate) for k, gate in gates.items()},
        )


def polled(report: Report) -> None:
    """Sequences of everything that is not one rate, and certificates of slices."""
    tries = max(100, report.tries // 8)
    report.progress(f"polled sequences and certificates: {tries} each")
    rows = []
    for case in polling.CASES:
        errors = polling.ever(case, tries)
        level = case.ceiling if errors.approximate else ALPHA
        rows.append([case.name, errors.method, page.percent(errors.false_pass),
                     page.percent(errors.false_fail)])  # fmt: skip
        _hold(report, f"polled: {case.name}", errors, level)
    text = (
        f"{tries} streams each, looked at {polling.LOOKS} times, every {polling.STEP} examples, "
        "truth at the limit: passed, or failed, at least once."
    )
    heads = ["under anytime", "method", "ever passed", "ever failed"]
    report.sections.append(("Polled sequences", str(page.Table(text, heads, rows))))
    rows = []
    for one in polling.CERTIFIED:
        many = min(tries, one.most)
        wrong = polling.wrongly_certified(one, many)
        rows.append([one.name, str(many), page.percent(wrong)])
        report.claim(f"certificates, {one.name}", wrong, ALPHA, Errors(0, 0, many).slack(ALPHA))
    text = (
        "Releases of five slices, of which two are exactly at their limit, 400 further examples a "
        "look: certified although it must not be, at any look."
    )
    heads = ["certify: true", "releases", "any wrong certificate"]
    report.sections.append(("Certificates of slices", str(page.Table(text, heads, rows))))


def releases(report: Report) -> None:
    """Whole policies through `decide`."""
    tries = max(100, report.tries // 4)
    report.progress(f"whole releases: {tries} each")
    rows = []
    for release in releasing.ALL:
        shares = releasing.shares(release, tries)
        rows.append([release.name, *(page.percent(shares[verdict]) for verdict in Verdict)])
        slack = Errors(0, 0, tries).slack(ALPHA)
        for verdict in release.is_wrong:
            report.claim(f"{release.name}: {verdict}", shares[verdict], ALPHA, slack)
        if release.is_planned:
            escalated = shares[Verdict.ESCALATE]
            slack = Errors(0, 0, tries).slack(_ESCALATED_AT_MOST)
            report.claim(f"{release.name}: escalates", escalated, _ESCALATED_AT_MOST, slack)
    text = (
        f"{tries} simulated releases each. A pass needs every rule, so passing needs no "
        "correction; failing is Holm-adjusted over the release. A candidate as good, and a sample "
        "as large, as the plan recommends is settled without people in at least 80 of 100 cases."
    )
    heads = ["release", *(str(verdict) for verdict in Verdict)]
    report.sections.append(("Whole releases", str(page.Table(text, heads, rows))))


def everything(tries: int, folder: Path, progress: Progress) -> Report:
    """All sections, in the order of the page; plots go to `folder`."""
    report = Report(tries, progress)
    rates(report, folder)
    estimators(report)
    again(report)
    polled(report)
    releases(report)
    return report
