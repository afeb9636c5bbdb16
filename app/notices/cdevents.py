"""An event in the vocabulary and envelope of CDEvents, for receivers that speak it.

Reviews are `approval` events, which are a draft (0.6) whose type says 0.1.0; settled verdicts are
`testsuiterun.finished` (released, 0.5). Everything else is a custom event of this tool, as the
specification provides. What we tell anyway stands in `customData`. Sent by the CloudEvents binding:
a structured CDEvent in a binary-mode CloudEvent.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

CONTENT_TYPE: Final = "application/cdevents+json; charset=utf-8"
_RELEASED: Final = "0.5.1"
_DRAFT: Final = "0.6.0-draft"
_OUTCOMES: Final = {"passed": "success", "failed": "failure"}
_HEADER_SAFE: Final = "!#$&'()*+,-./:;<=>?@[]^_`{|}~"


def cdevent(event: Mapping[str, Any], source: str) -> dict[str, Any]:
    """`{type, timestamp, data}` as a CDEvent; `source` is a URI reference that names us."""
    data = event["data"]
    spec, kind, content = _meaning(event["type"], data)
    origin = source or "/clearance"
    return {
        "context": {
            "specversion": spec,
            "id": f"entry-{data['entry']}",
            "source": origin,
            "type": kind,
            "timestamp": event["timestamp"],
        },
        "subject": {"id": data["subject"], "source": origin, "content": content},
        "customData": {"type": event["type"], **data},
        "customDataContentType": "application/json",
    }


def cloud_headers(sent: Mapping[str, Any]) -> Mapping[str, str]:
    """The CloudEvents attributes of a CDEvent as HTTP headers."""
    context = sent["context"]
    attributes = {
        "ce-specversion": "1.0",
        "ce-id": context["id"],
        "ce-source": context["source"],
        "ce-type": context["type"],
        "ce-subject": sent["subject"]["id"],
        "ce-time": context["timestamp"],
    }
    named = {name: quote(value, safe=_HEADER_SAFE) for name, value in attributes.items()}
    return {**named, "content-type": CONTENT_TYPE}


def _meaning(type_: str, data: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """(version of the specification, type, content of the subject)."""
    approval: Mapping[str, str] = data.get("approval") or {}
    # An update without a decision, such as a reminder, has no word there.
    if approval and not (approval["event"] == "updated" and "decision" not in approval):
        return _DRAFT, f"dev.cdevents.approval.{approval['event']}.0.1.0", _approval(data, approval)
    if type_ == "decision.recorded" and data.get("status") in _OUTCOMES:
        return _RELEASED, "dev.cdevents.testsuiterun.finished.0.3.0", _run(data)
    noun, _, verb = type_.partition(".")
    return _RELEASED, f"dev.cdeventsx.clearance-{_camel(noun)}.{_camel(verb)}.0.1.0", {}


def _approval(data: Mapping[str, Any], approval: Mapping[str, str]) -> dict[str, Any]:
    content = {
        "approvalDetailsUrl": data.get("link") or "/",
        "resourceTargetUrl": data.get("api") or "/",
    }
    who = f"urn:clearance:principal:{quote(str(data['actor']), safe='')}"
    if approval["event"] == "created":
        return {**content, "requestor": who}
    content |= {"responder": who}
    if approval["event"] == "closed":
        status = approval["status"]
        return {**content, "decision": approval.get("decision", status), "status": status}
    return {**content, "decision": approval["decision"]}


def _run(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "environment": {"id": str(data["stage"])},
        "outcome": _OUTCOMES[data["status"]],
        "testSuite": {
            "id": str(data["policy"]),
            "name": f"{data['model']} {data['version']}",
            "uri": data["link"],
        },
    }


def _camel(words: str) -> str:
    first, *rest = words.split("_")
    return first + "".join(word.capitalize() for word in rest)
