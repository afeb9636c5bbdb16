"""The sections of docs/honesty.md, and every claim that turned out not to hold."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
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
    planned,
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
    ceilings: list[tuple[str, float, Errors]] = field(default_factory=list)
    """Approximate evidence that may err beyond ALPHA: its ceiling, and the worst that was found."""
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


DRAWN = (*samples.CASES, *related.CASES, *guarded.CASES)
Found = dict[str, tuple[str, Mapping[int, Errors]]]


def estimators(report: Report, pool: Executor) -> None:
    """Every estimator at its limit: enumerated where it rests on counts, else simulated."""
    asked = [(index, n, report.tries) for index, case in enumerate(DRAWN) for n in case.sizes]
    drawn = pool.map(_simulated, asked)  # each case and size draws from a seed of its own
    report.progress("counts, events, bets and pairs of rates, by enumeration")
    found = _enumerated(report)
    done: dict[str, dict[int, Errors]] = {}
    for (index, n, _), errors in zip(asked, drawn, strict=True):
        case = DRAWN[index]
        done.setdefault(case.name, {})[n] = errors
        _hold(report, f"{case.name}, n = {n}", errors, _level(case, errors))
        if n == case.sizes[-1]:
            report.progress(f"{case.name}: {report.tries} samples of each size")
    found |= {case.name: (case.data, done[case.name]) for case in DRAWN}
    for case in DRAWN:
        if (worst := _worst(done[case.name].values())).approximate:
            report.ceilings.append((case.name, case.ceiling, worst))
    intro = (
        f"Simulated from {report.tries} samples each unless enumerated: a figure of 5.0 is known "
        f"to {100 * 3 * (ALPHA * (1 - ALPHA) / report.tries) ** 0.5:.1f} points."
    )
    for side, title in (("false_pass", "False passes"), ("false_fail", "False fails")):
        table = page.estimators(found, samples.SMALL, side)
        report.sections.append((f"{title} of every estimator", f"{intro}\n{table}"))


def _simulated(asked: tuple[int, int, int]) -> Errors:
    index, n, tries = asked
    return simulated(DRAWN[index], n, tries)


def _enumerated(report: Report) -> Found:
    """What rests on counts, the worst over what is unknown; two arms have a table of their own."""
    found: Found = {}
    for case in enumerating.COUNTED:
        worst = {n: _worst(enumerating.errors(case, n, p) for p in enumerating.RATES)
                 for n in enumerating.SIZES}  # fmt: skip
        found[case.name] = ("worst of all limits, enumerated", worst)
        for n, errors in worst.items():
            _hold(report, f"{case.name}, n = {n}", errors, ALPHA)
    rows = []
    for mean in enumerating.MEANS:
        errors = enumerating.events(mean)
        _hold(report, f"events, {mean:g} expected", errors, ALPHA)
        rows.append([f"events per exposure, {mean:g} expected", "`garwood`, exact", *_both(errors)])
    for n in enumerating.SHORT:
        errors = _worst(enumerating.bets(n).values())
        _hold(report, f"bets on {n} scores", errors, ALPHA)
        rows.append([f"strict mean of {n} zeros and ones, every order", "`betting`, exact",
                     *_both(errors)])  # fmt: skip
    errors = _worst(enumerating.paired_bets(enumerating.PAIRED, *s) for s in enumerating.SHARES)
    _hold(report, "bets on pairs", errors, ALPHA)
    rows.append([f"anytime, {enumerating.PAIRED} pairs looked at after each",
                 "`paired_bets`, exact", *_both(errors)])  # fmt: skip
    seen: dict[str, list[Errors]] = {}
    for sizes in pairs.SIZES:
        some = {f"difference of rates, margin {m:g}": pairs.worst(sizes, m) for m in pairs.MARGINS}
        some["ratio of rates, 0.8"] = pairs.worst_ratio(sizes)
        for name, errors in some.items():
            what = f"{name}; {sizes[0]} against {sizes[1]}"
            seen.setdefault(f"{name.partition(',')[0]}, two arms, enumerated", []).append(errors)
            _hold(report, what, errors, pairs.CEILING)
            rows.append([what, f"`{errors.method}`, approximate", *_both(errors)])
    report.ceilings += [(name, pairs.CEILING, _worst(errors)) for name, errors in seen.items()]
    text = (
        "The worst over all limits, or all rates of the baseline. Bets on longer series, and "
        "e-processes over longer streams, keep their level by Ville's inequality: wealth that "
        "starts at 1 and is fair while the claim is wrong ever exceeds 20 with a chance of at most "
        "5 in 100. Score tests of two arms are approximate; they count only as far as the score "
        "corrected for skewness does, and never for more than either arm shows exactly."
    )
    heads = ["by enumeration", "method", "false pass", "false fail"]
    report.sections.append(
        ("Counts, events, bets and two arms", str(page.Table(text, heads, rows)))
    )
    return found


def ceilings(report: Report) -> None:
    """What may err beyond the promise, and by how much: first on the page, beside the promise."""
    rows = [
        [name, f"`{worst.method}`", f"{100 * ceiling:g}", *_both(worst)]
        for name, ceiling, worst in sorted(report.ceilings, key=lambda one: (-one[1], one[0]))
        if ceiling > ALPHA
    ]
    text = (
        "Every kind of evidence that findings mark `approximate` and whose ceiling is above 5 in "
        "100, with the worst figure of all sample sizes in the tables below. Of figures that are "
        "simulated at several sizes, the largest lies up to a point above the truth by chance."
    )
    heads = ["approximate", "method", "ceiling", "false pass, worst", "false fail, worst"]
    report.sections.insert(0, ("What may err more often", str(page.Table(text, heads, rows))))


def _both(errors: Errors) -> list[str]:
    return [page.percent(errors.false_pass), page.percent(errors.false_fail)]


def _worst(errors: Iterable[Errors]) -> Errors:
    found = list(errors)
    return Errors(
        max(e.false_pass for e in found),
        max(e.false_fail for e in found),
        0,
        found[-1].method,
        any(e.approximate for e in found),
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
    tries = 2 * report.tries  # they cost little, and a promise of 5% is only shown by many
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
        wrong = polling.wrongly_certified(one, tries)
        rows.append([one.name, str(tries), page.percent(wrong)])
        report.claim(f"certificates, {one.name}", wrong, ALPHA, Errors(0, 0, tries).slack(ALPHA))
    text = (
        "Releases of five slices, of which two are exactly at their limit, 400 further examples a "
        "look: certified although it must not be, at any look."
    )
    heads = ["certify: true", "releases", "any wrong certificate"]
    report.sections.append(("Certificates of slices", str(page.Table(text, heads, rows))))


def releases(report: Report) -> None:
    """Whole policies through `decide`."""
    tries = max(100, report.tries // 2)
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


def plans(report: Report, pool: Executor) -> None:
    """Candidates as good as `policy plan` takes for granted, with the sample it recommends."""
    tries = max(100, report.tries // 2)
    asked = [(index, tries) for index in range(len(planned.ALL))]
    rows = []
    slack, of_failed = (Errors(0, 0, tries).slack(at) for at in (_ESCALATED_AT_MOST, ALPHA))
    for case, shown in zip(planned.ALL, pool.map(_planned, asked), strict=True):
        rows.append([f"{case.name}<br>`{case.rule}`", f"{shown.n:,}", page.percent(shown.escalated),
                     page.percent(shown.failed)])  # fmt: skip
        what = f"planned {case.name}"
        report.claim(f"{what}: escalates", shown.escalated, _ESCALATED_AT_MOST, slack)
        report.claim(f"{what}: fails", shown.failed, ALPHA, of_failed)
    report.progress(f"planned candidates: {tries} of each")
    text = (
        f"{tries} candidates each, exactly as good as `clearance policy plan` takes for granted, "
        "with the sample that it recommends (for each arm, group or slice): the share that is left "
        "to people should be 20 of 100 at most, and none is failed beyond 5. Where a pilot says "
        "what values vary by, the plan is as good as the pilot; a guard is planned for a candidate "
        f"at its limit. A share of 20 is known to {100 * slack:.1f} points."
    )
    heads = ["planned", "examples", "left to people", "failed"]
    report.sections.append(("What the plan recommends", str(page.Table(text, heads, rows))))


def _planned(asked: tuple[int, int]) -> planned.Shown:
    index, tries = asked
    return planned.shares(planned.ALL[index], tries)


APART: Mapping[str, Callable[[Report], None]] = {
    "again": again,
    "polled": polled,
    "releases": releases,
}
"""Sections that nothing else waits for."""


def _apart(name: str, tries: int) -> tuple[list[tuple[str, str]], list[str]]:
    """A section by itself, in a process of its own."""
    report = Report(tries, lambda _: None)
    APART[name](report)
    return report.sections, report.broken


def everything(tries: int, folder: Path, progress: Progress, workers: int | None = None) -> Report:
    """All sections, in the order of the page, by `workers` processes (one a core); plots go to
    `folder`."""
    report = Report(tries, progress)
    with ProcessPoolExecutor(workers) as pool:
        apart = {name: pool.submit(_apart, name, tries) for name in APART}
        rates(report, folder)
        estimators(report, pool)
        for name, section in apart.items():
            report.progress(name)
            sections, broken = section.result()
            report.sections += sections
            report.broken += broken
        plans(report, pool)
        ceilings(report)
    return report
