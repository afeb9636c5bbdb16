"""The metric catalogue: which names are understood, and what is known about each of them.

It resolves names only. It refuses to guess: a name that is neither an id, a synonym nor one of
these with a quantile or unit attached resolves to None.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from gates.catalogue import generation, operations, product, quality, retrieval, safety
from gates.catalogue.metric import Direction, Kind, Metric

__all__ = ["CATALOGUE", "Direction", "Kind", "Metric", "Resolved", "nearest", "resolve"]

CATALOGUE: tuple[Metric, ...] = (
    quality.METRICS
    + generation.METRICS
    + retrieval.METRICS
    + safety.METRICS
    + operations.METRICS
    + product.METRICS
)
"""Every known metric, family by family."""

_CURRENCY = re.compile(
    "aud|brl|cad|chf|cny|czk|dkk|eur|gbp|hkd|huf|idr|ils|inr|jpy|krw|mxn|myr|nok|nzd|php|pln|ron|"
    "sek|sgd|thb|try|twd|usd|zar"
)
_UNIT_WORDS: dict[str, dict[str, tuple[str, float]]] = {
    "s": {
        "s": ("s", 1.0),
        "sec": ("s", 1.0),
        "seconds": ("s", 1.0),
        "ms": ("ms", 1.0),
        "milliseconds": ("ms", 1.0),
        "us": ("us", 1.0),
        "microseconds": ("us", 1.0),
        "ns": ("ns", 1.0),
    },
    "B": {
        "bytes": ("B", 1.0),
        "kb": ("kB", 1.0),
        "mb": ("MB", 1.0),
        "gb": ("GB", 1.0),
        "kib": ("B", 2.0**10),
        "mib": ("B", 2.0**20),
        "gib": ("B", 2.0**30),
    },
    "g": {"g": ("g", 1.0), "grams": ("g", 1.0), "kg": ("kg", 1.0)},
    "Wh": {"wh": ("Wh", 1.0), "kwh": ("Wh", 1e3)},
    "fraction": {"percent": ("percent", 1.0), "pct": ("percent", 1.0)},
}
"""Unit of the catalogue -> words that names carry -> a unit that `gates.units` knows, and scale."""
_PERCENTILE = re.compile(r"p([1-9]\d?|99\.?9{1,3}|9\d\.?5)")
"""p5, p95, p99; p999, p99.9 and p97.5, as the field writes them; p959 is nobody's."""
_SEPARATORS = str.maketrans("", "", " \t_-")


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a name says.

    `quantile` is in (0, 1], 1.0 for the maximum, None where the name states none. `unit` is the
    unit that the name itself states (`latency_ms`: "ms"), None where it states none; the metric's
    own unit is `metric.unit`. A number under this name, times `scale`, is in `unit`: 1.0 but for
    units outside `gates.units` (`model_size_mib`).
    """

    metric: Metric
    quantile: float | None = None
    scale: float = 1.0
    unit: str | None = None


def _key(name: str) -> str:
    """Case, blanks, hyphens and underscores carry no meaning: `ROC-AUC`, `roc_auc`, `RocAuc`."""
    return name.translate(_SEPARATORS).lower()


_BY_KEY: dict[str, Metric] = {
    _key(name): metric for metric in CATALOGUE for name in (metric.id, *metric.synonyms)
}


def _quantile(word: str) -> float | None:
    match word:
        case "median":
            return 0.5
        case "max" | "maximum":
            return 1.0
        case _:
            found = _PERCENTILE.fullmatch(word)
            return float(f"0.{found[1].replace('.', ''):0>2}") if found else None


def _unit(word: str, metric: Metric) -> tuple[str, float] | None:
    if metric.money and _CURRENCY.fullmatch(word):
        return word.upper(), 1.0
    # Percent only where it is always converted; elsewhere 87 would stand beside a limit of 0.8.
    base = "fraction" if metric.kind == "proportion" else metric.unit or ""
    return _UNIT_WORDS.get(base, {}).get(word)


@lru_cache(maxsize=4096)
def resolve(name: str) -> Resolved | None:
    """The metric behind a name, or None.

    Accepts ids and synonyms in any case and separation, a quantile before or after the name of a
    quantile metric (`latency_p95`, `p99 latency`, `ttft_median`, `latency_max`), and a unit after
    it (`latency_p95_ms`, `cost_per_inference_usd`, `accuracy_pct`, `model_size_mb`).
    """
    if metric := _BY_KEY.get(_key(name)):
        return Resolved(metric)
    words = [word for word in re.split(r"[\s_/-]+", name.lower()) if word]
    if words and (dotted := words[-1].rpartition("."))[0] and _quantile(dotted[2]) is not None:
        words[-1:] = [dotted[0], dotted[2]]
    for first in range(min(2, len(words))):
        for last in range(len(words), max(first, len(words) - 3), -1):
            metric = _BY_KEY.get("".join(words[first:last]))
            if metric and (found := _with_words(metric, words[:first] + words[last:])):
                return found
    return None


def _with_words(metric: Metric, words: list[str]) -> Resolved | None:
    """The metric with a quantile and a unit, each at most once; None if any word is neither."""
    quantile: float | None = None
    unit: tuple[str, float] | None = None
    for word in words:
        at = _quantile(word) if metric.kind == "quantile" else None
        if at is not None and quantile is None:
            quantile = at
        elif unit is None and (found := _unit(word, metric)):
            unit = found
        else:
            return None
    stated, scale = unit or (None, 1.0)
    return Resolved(metric, quantile, scale, stated)


def nearest(name: str, extra: Iterable[str] = ()) -> list[str]:
    """Up to three known ids, or names from `extra`, that look like `name`; best first."""
    from difflib import get_close_matches  # noqa: PLC0415 - only error messages pay for it

    known = {_key(word): word for word in extra}
    for metric in CATALOGUE:
        for word in (*metric.synonyms, metric.id):
            known.setdefault(_key(word), metric.id)
    found = get_close_matches(_key(name), known, n=6, cutoff=0.6)
    return list(dict.fromkeys(known[word] for word in found))[:3]
