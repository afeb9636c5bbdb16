"""SWE-bench reports `<model>.<run>.json`: which instances were resolved.

The share is of all instances: what was not submitted, broke or ran empty is not resolved. Failures
of the infrastructure are errors apart, since they say nothing of the agent.
"""

from collections.abc import Mapping

from gates.evidence import Measurement, Source
from gates.formats.objects import mark, size, text
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "swebench"
TITLE = "SWE-bench report"
RECOGNISED_BY = "a JSON object with `resolved_ids` and `total_instances`"

_LISTS = ("completed", "incomplete", "empty_patch", "submitted", "resolved", "unresolved", "error")
_APART = ("infra_failure", "ambiguous_failure")
_KNOWN_SCHEMAS = (None, 1, 2)

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why this is no report; None where it is one."""
    found = file.json_object
    if found is None:
        return "not a JSON object"
    is_report = isinstance(found.get("resolved_ids"), list) and "total_instances" in found
    return None if is_report else "no `resolved_ids` beside `total_instances`"


def read(file: ResultFile) -> Reading:
    """The resolved rate over all instances, by instance where the lists name them all."""
    root = file.json_object or {}
    schema = size(root.get("schema_version"))
    if schema not in _KNOWN_SCHEMAS:
        raise file.unsupported(
            f"its schema_version is {schema}, and up to 2 is known; update Clearance, or write the "
            "report with swebench 5"
        )
    total, resolved = size(root.get("total_instances")), _ids(root, "resolved")
    if total is None or total == 0:
        raise file.nothing_measured("`total_instances` is zero or no number")
    apart = {name for kind in _APART for name in _ids(root, kind)} - set(resolved)
    named = {name for kind in _LISTS for name in _ids(root, kind)}
    if len(set(resolved)) < len(resolved) or len(resolved) > total:
        raise file.malformed(f"{len(resolved)} resolved of {total} instances, or one named twice")
    common = {
        "metric": "task_completion",
        "direction": "higher",
        "n_errored": len(apart),
        "errors_stated": schema == 2,
    }
    notes = ["the model and the run are named only in the file's name"]
    if len(named | apart) == total:
        ids = sorted(named - apart)
        found = Measurement(
            scores=tuple(float(name in set(resolved)) for name in ids),
            ids=tuple(ids),
            source=Source(tool="swebench", dataset_digest=mark(sorted(named | apart))),
            **common,  # type: ignore[arg-type]  # fields of their own types
        )
    else:
        notes.append("the lists do not name all instances, so only counts were read")
        found = Measurement(
            count=len(resolved),
            n=total - len(apart),
            source=Source(tool="swebench"),
            **common,  # type: ignore[arg-type]  # as above
        )
    return Reading((found,), notes=tuple(notes))


def _ids(root: Json, kind: str) -> list[str]:
    found = root.get(f"{kind}_ids")
    return [name for x in found if (name := text(x))] if isinstance(found, list) else []
