"""What the catalogue knows about one metric, and the short forms in which its tables are written.

It describes metrics; it neither holds values nor decides which direction a tool's version reports.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["proportion", "mean", "quantile", "ratio", "count", "point"]
"""How a value comes about, which decides its estimator.

proportion: successes of independent examples. mean: average of per-example scores. quantile: order
statistic of per-example values. ratio: any other statistic of a sample (F1, AUC, a gap between
groups), which has no bound without counts, scores, a standard error or an interval. count: events
seen. point: one number without sampling error (a price list, a size on disk).
"""
Direction = Literal["higher", "lower", "info"]
Range = tuple[float, float]

UNIT_INTERVAL: Range = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the catalogue.

    `unit` is the unit of catalogue values ("s", "B", "g"); None where there is none or where it
    is a currency (`money`: any ISO 4217 code, stated by rule or measurement). `value_range` is
    what any correct value lies in; for a mean it also bounds each example's score. `exact_allowed`
    says that the value has no sampling error, so mode exact needs no `accepts_point_estimate`.
    """

    id: str
    direction: Direction
    kind: Kind
    unit: str | None
    value_range: Range | None
    synonyms: tuple[str, ...]
    meaning: str
    title: str
    family: str
    exact_allowed: bool = False
    money: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """Writes the metrics of one family; `synonyms` is one string, separated by blanks.

    A name that tools report beside another one in the same file is a metric of its own, never a
    synonym: two values of one metric would make every rule about it ambiguous.
    """

    name: str

    def rate(
        self, id_: str, direction: Direction, title: str, meaning: str, synonyms: str = ""
    ) -> Metric:
        """A share of independent examples."""
        return self.other(
            id_, direction, "proportion", title, meaning, synonyms, value_range=UNIT_INTERVAL
        )

    def share(
        self, id_: str, direction: Direction, title: str, meaning: str, synonyms: str = ""
    ) -> Metric:
        """A mean of graded scores, each of them in [0, 1]."""
        return self.other(
            id_, direction, "mean", title, meaning, synonyms, value_range=UNIT_INTERVAL
        )

    def other(  # noqa: PLR0913 - one column of the table each
        self,
        id_: str,
        direction: Direction,
        kind: Kind,
        title: str,
        meaning: str,
        synonyms: str = "",
        *,
        unit: str | None = None,
        value_range: Range | None = None,
        exact: bool = False,
        money: bool = False,
    ) -> Metric:
        """Any metric."""
        return Metric(
            id=id_,
            direction=direction,
            kind=kind,
            unit=unit,
            value_range=value_range,
            synonyms=tuple(synonyms.split()),
            meaning=meaning,
            title=title,
            family=self.name,
            exact_allowed=exact,
            money=money,
        )
