"""Records for tests: filled services, their archives, and archives taken apart and put together."""

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from app.audit.archive import members, snapshot, tar
from app.verifier import Archive, Member, Report, Trust, verify
from tests.app.http.service import ESCALATES, FAILS, Service

FILLED = 6
Parts = dict[str, bytes]


def filled(service: Service, decisions: int) -> None:
    """Passes, escalations and failures; the first escalation is approved, one pass is revoked."""
    service.publish()
    for number in range(decisions):
        kind: Mapping[str, Any] = ({}, ESCALATES, FAILS)[number % 3]
        candidate = {
            "model": "support-bot",
            "version": f"v{number}",
            "digest": f"sha256:{number:064x}",
        }
        body: dict[str, Any] = {
            "candidate": candidate,
            "context": {"author": "Ada", "commit": "c0ffee"},
        }
        made = service.submit(**kind, **body).json()
        if number == 0:
            revoking = f"/v1/decisions/{made['id']}/revoke"
            assert service.call("POST", revoking, json={"reason": "a leak"}).status_code == 200
        if number == 1:
            person = service.key("sam", "reviewer:security", person=True)
            answer = {"answer": "approve", "role": "security", "decision_digest": made["digest"]}
            signing = f"/v1/reviews/{made['review']['id']}/sign-offs"
            assert service.call("POST", signing, person, json=answer).status_code == 201


def sealed(service: Service) -> bytes:
    """The archive of a running service."""
    with snapshot(service.app.state.runtime.engine) as connection:
        return b"".join(tar(members(connection)))


def parts(record: bytes) -> Parts:
    """An archive taken apart."""
    return {member.name: b"".join(member.chunks) for member in Archive(io.BytesIO(record))}


def together(found: Parts | Iterable[tuple[str, bytes]]) -> bytes:
    """Members as an archive."""
    items = found.items() if isinstance(found, dict) else found
    return b"".join(tar(Member(name, [content]) for name, content in items))


def changed(record: bytes, change: Callable[[Parts], object]) -> bytes:
    """An archive in which members were changed."""
    found = parts(record)
    change(found)
    return together(found)


def judged(record: bytes, trust: Trust | None = None) -> Report:
    """What the verifier says."""
    return verify(Archive(io.BytesIO(record)), trust or Trust())
