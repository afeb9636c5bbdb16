"""What people may send about documents and the keys that sign them, and what they get back."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from app.bodies import Strict
from app.evaluations.schemas import Digest, Name, Text, Time

Role = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", examples=["security"])]


class RegisteredIn(Strict):
    """A document that the caller vouches for."""

    model: Name
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,99}$", examples=["dpia"])]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    role: Annotated[Role, Field(description="The stake you sign under")]
    uri: Text | None = None
    subject: Annotated[
        Digest | None, Field(description="The candidate digest that the document is about")
    ] = None
    issued_at: Time | None = None
    expires_at: Annotated[
        Time | None, Field(description="Clearances that rest on it end no later")
    ] = None
    envelope: Annotated[
        dict[str, Any] | None,
        Field(
            description="A DSSE envelope (application/vnd.in-toto+json) whose statement names the "
            "document's sha256 as a subject, signed by a key registered for the role: grade "
            "`signed` instead of `attested`"
        ),
    ] = None


class DocumentOut(BaseModel):
    """A registered document."""

    id: str
    model: str
    kind: str
    uri: str | None
    sha256: str
    subject: str | None
    issued_at: datetime | None
    expires_at: datetime | None
    signed_by: str
    grade: str = Field(description="attested or signed")
    registered_at: datetime
    key: str | None = Field(None, description="The key that signed it")


class DocumentPageOut(BaseModel):
    """Documents, newest first."""

    items: list[DocumentOut]
    next: str | None


class DocumentKeyIn(Strict):
    """A public key that may sign documents for a role."""

    role: Role
    name: Name
    public_key: Annotated[
        str,
        Field(max_length=2000, description="PEM (SubjectPublicKeyInfo), Ed25519 or ECDSA P-256"),
    ]


class DocumentKeyOut(BaseModel):
    """A registered key."""

    id: str
    role: str
    name: str
    registered_by: str
    registered_at: datetime
    revoked_at: datetime | None


class DocumentKeysOut(BaseModel):
    """All keys, newest first."""

    items: list[DocumentKeyOut]


class EndIn(Strict):
    """The act itself says it all."""
