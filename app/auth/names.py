"""Under which names a commit may know somebody: mail addresses, login names, accounts elsewhere.

They bar a change's author from judging it, and serve nothing else: no name lets anybody in. They
belong to the person and not to a key or a session, and are only ever added, so neither a second
way in nor another display name gets around them. An account, `github:583231`, is a stable id.
"""

from collections.abc import Iterable
from email.utils import parseaddr
from typing import Final

from sqlalchemy import Connection, insert, select

from app.auth.tables import known_as, principal

MAX_NAME: Final = 200


def account(issuer: str, subject: object) -> str | None:
    """An issuer's id of somebody as one name; None where the issuer does not say."""
    is_id = isinstance(subject, (str, int)) and not isinstance(subject, bool) and subject != ""
    return f"{issuer}:{subject}"[:MAX_NAME] if is_id else None


def unknown_yet(connection: Connection, who: str, names: Iterable[str]) -> list[str]:
    """Those of the names that this one is not known by so far, as they are kept."""
    wanted = {kept for name in names if (kept := _kept(name))}
    query = select(known_as.c.name).where(known_as.c.principal == who)
    return sorted(wanted.difference(connection.scalars(query)))


def learn(connection: Connection, who: str, names: Iterable[str]) -> None:
    """Keep the names for good; those known already stay as they are."""
    if new := unknown_yet(connection, who, names):
        connection.execute(insert(known_as), [{"principal": who, "name": name} for name in new])


def names_of(connection: Connection, who: str) -> frozenset[str]:
    """Every name that a principal goes by, their id among them, in one case."""
    called = connection.scalars(select(principal.c.name).where(principal.c.id == who))
    also = connection.scalars(select(known_as.c.name).where(known_as.c.principal == who))
    return frozenset({_kept(who), *map(_kept, called), *also})


def named_by(text: str) -> frozenset[str]:
    """The names in what a pipeline says of somebody: all of it, or the parts of `Ada <a@b.c>`."""
    name, address = parseaddr(text)
    return frozenset(kept for part in (text, name, address) if (kept := _kept(part)))


def _kept(name: str) -> str:
    return name.strip()[:MAX_NAME].casefold()
