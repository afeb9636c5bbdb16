"""Idempotency-Key: the first 2xx answer to a key is the answer to every repetition.

The answer is stored in the transaction that did the work, so it exists exactly if the work does.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import Request, Response
from sqlalchemy import Connection, Row, Table, and_, bindparam, delete, select

from app.auth.keys import Principal
from app.errors import Problem
from app.idempotency.tables import answer
from app.ledger.work import Work

KEPT: Final = timedelta(days=7)
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")

_FIND: Final = select(answer).where(
    and_(
        answer.c.principal == bindparam("principal"),
        answer.c.path == bindparam("path"),
        answer.c.key == bindparam("key"),
    )
)


@dataclass(frozen=True, slots=True)
class Once:
    """One request that carries an Idempotency-Key."""

    principal: str
    path: str
    key: str
    body_hash: str

    def found(self, connection: Connection) -> Row[Any] | None:
        """The stored answer, or None; another body under the key is refused."""
        scope = {"principal": self.principal, "path": self.path, "key": self.key}
        row = connection.execute(_FIND, scope).first()
        if row is not None and row.body_hash != self.body_hash:
            detail = "This Idempotency-Key was used with another body. Take a new key."
            raise Problem("idempotency-key-reused", detail)
        return row

    def row(
        self, at: datetime, status: int, *, body: bytes | None = None, decision: str | None = None
    ) -> tuple[Table, list[Mapping[str, Any]]]:
        """The row that keeps an answer, for the Work that it belongs to."""
        values = {
            "principal": self.principal,
            "path": self.path,
            "key": self.key,
            "body_hash": self.body_hash,
            "status": status,
            "answer": body,
            "decision": decision,
            "created_at": at,
        }
        return answer, [values]


def once(request: Request, who: Principal, body: bytes) -> Once | None:
    """What the Idempotency-Key header asks for; None without one."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        detail = "Idempotency-Key must be 1 to 255 visible ASCII characters."
        raise Problem("invalid-request", detail)
    return Once(who.id, request.url.path[:500], key, hashlib.sha256(body).hexdigest())


def replayed(row: Row[Any]) -> Response:
    """A kept answer, marked as a repetition."""
    return Response(
        row.answer,
        200,
        headers={"Idempotent-Replay": "true"},
        media_type="application/json",
    )


def forget_before(at: datetime) -> Work:
    """The Work that drops answers older than the promise."""

    def drop(connection: Connection) -> None:
        connection.execute(delete(answer).where(answer.c.created_at < at - KEPT))

    return Work(entries=[], apply=drop)
