"""The two pictures of docs/honesty.md. Same figures, same bytes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

_INK, _FAINT = "#1f2933", "#9aa5b1"
_COLOURS = ("#0b6e4f", "#c0392b", "#d68910", "#7d3c98", "#2e86c1")


def by_size(path: Path, lines: Mapping[str, Mapping[int, float]], title: str) -> None:
    """False-pass rates over sample size; the promise is the dashed line."""
    figure, axes = _figure(title)
    axes.axhline(5, color=_FAINT, linestyle="--", linewidth=1)
    axes.annotate("the promise: 5%", (1.0, 7), xycoords=("axes fraction", "data"), ha="right",
                  va="bottom", color=_FAINT)  # fmt: skip
    for colour, (name, found) in zip(_COLOURS, lines.items(), strict=False):
        axes.plot(list(found), [100 * v for v in found.values()], marker="o", markersize=4,
                  color=colour, label=name)  # fmt: skip
    axes.set_xscale("log")
    axes.set_xticks(list(next(iter(lines.values()))), [str(n) for n in next(iter(lines.values()))])
    axes.minorticks_off()
    axes.set_xlabel("examples")
    axes.set_ylabel("passes with the truth at the limit, %")
    axes.set_ylim(0, 100)
    axes.legend(frameon=False)
    _save(figure, path)


def by_truth(
    path: Path, truths: Sequence[float], lines: Mapping[str, Sequence[float]], limit: float
) -> None:
    """Shares of verdicts over the true rate."""
    figure, axes = _figure(f"500 examples, limit {limit:.0%}: what becomes of a candidate")
    axes.axvline(100 * limit, color=_FAINT, linestyle="--", linewidth=1)
    for colour, (name, shares) in zip(_COLOURS, lines.items(), strict=False):
        axes.plot([100 * t for t in truths], [100 * s for s in shares], color=colour, label=name)
    axes.set_xlabel("true rate, %")
    axes.set_ylabel("share of candidates, %")
    axes.set_ylim(0, 100)
    axes.legend(frameon=False)
    _save(figure, path)


def _figure(title: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "clearance", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
