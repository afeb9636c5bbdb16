"""Making a key because somebody asks for one: for the API and for pages alike."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Connection

from app.auth.keys import KeyRequest, Principal, create
from app.bodies import Strict
from app.evaluations.schemas import Name, Time
from app.idempotency.changing import Change


class KeyIn(Strict):
    """A key to make. Keys of one name belong to one person or one service."""

    name: Name
    roles: Annotated[list[Name], Field(min_length=1, max_length=20, examples=[["submitter"]])]
    person: bool = False
    models: Annotated[list[Name], Field(min_length=1, max_length=50)] = Field(
        default_factory=lambda: ["*"]
    )
    expires_at: Time | None = None
    known_as: Annotated[list[Name], Field(max_length=20)] = Field(
        default_factory=list,
        description="Other names by which a commit may call this person: a mail address, a login "
        "name, an account such as `github:583231`. Its author cannot judge it.",
    )


def issued(connection: Connection, given: KeyIn, who: Principal, now: datetime) -> Change:
    """A new key; its secret is in the answer and is kept nowhere."""
    wanted = KeyRequest(
        given.name,
        tuple(given.roles),
        given.person,
        tuple(given.models),
        given.expires_at,
        tuple(given.known_as),
    )
    key = create(connection, wanted, by=who.id, at=now)
    body: dict[str, Any] = {"id": key.id, "key": key.secret, "name": given.name}
    body |= {"roles": given.roles, "models": given.models}
    return Change(key.work, body, kept={**body, "key": None})
