"""Hugging Face model cards: the `model-index` in the YAML before the text of a README.md.

Such results are claims without a sample: they have no n and prove nothing, but can be compared
where a policy accepts a point estimate. Values from 0 to 100 are percent where the metric says so.
"""

from collections.abc import Iterator, Mapping

from gates.evidence import Measurement, Source
from gates.formats.cells import MISSING
from gates.formats.objects import entries, mapping, quantity, text, texts
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading
from gates.yaml_text import YamlError, load

NAME = "model-index"
TITLE = "Hugging Face model card"
RECOGNISED_BY = "a text that begins with `---` and YAML with `model-index`"

_MAX_HEAD = 500_000
_SHARES = frozenset(
    {"accuracy", "acc", "acc_norm", "f1", "precision", "recall", "exact_match", "em", "pass@1"}
    | {"cos_sim_accuracy", "mc1", "mc2", "wer", "cer"}
)

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why this is no model card with results; None where it is one."""
    if file.syntax != "text" or not file.head.startswith(b"---"):
        return "no text that begins with `---`"
    return None if b"model-index" in (_front(file) or b"") else "no `model-index` in its YAML"


def read(file: ResultFile) -> Reading:
    """Every metric of every task and data set of the one model that the card is about."""
    try:
        card, _ = load((_front(file) or b"").decode())
    except (YamlError, UnicodeDecodeError) as error:
        raise file.malformed(f"the YAML before the text cannot be read: {error}") from None
    models = entries(card, "model-index") if isinstance(card, dict) else []
    if len(models) != 1:
        raise file.malformed(f"`model-index` lists {len(models)} models; a card is about one")
    found = [m for result in entries(models[0], "results") for m in _of(result)]
    if not found:
        raise file.nothing_measured("`model-index` has no result with a metric")
    return Reading(
        file.bounded(found),
        model=text(models[0].get("name")),
        notes=("a model card says how good, not on how many examples: nothing in it has an n",),
    )


def _front(file: ResultFile) -> bytes | None:
    """The YAML between the first two lines `---`."""
    lines = file.content[:_MAX_HEAD].removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for position, line in enumerate(lines[1:], 1):
        if line.rstrip() == b"---":
            return b"\n".join(line.rstrip(b"\r") for line in lines[1:position])
    return None


def _of(result: Json) -> Iterator[Measurement]:
    dataset = mapping(result, "dataset")
    name = text(dataset.get("type")) or text(dataset.get("name"))
    task = texts(name, dataset.get("config"), dataset.get("split"))
    source = Source(
        tool="model-index",
        suite=text(mapping(result, "source").get("name")),
        dataset_name=name,
        dataset_digest=text(dataset.get("revision")),
    )
    for metric in entries(result, "metrics"):
        called = text(metric.get("type")) or text(metric.get("name"))
        if called is None:
            continue
        value = quantity(metric.get("value"))
        is_percent = value is not None and 1 < value <= 100 and called.lower() in _SHARES
        yield Measurement(
            called,
            value,
            task=task,
            unit="percent" if is_percent else None,
            missing=MISSING if value is None else None,
            source=source,
        )
