"""What people may send about subscriptions, and what they get back. A secret is shown once."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.bodies import Strict
from app.evaluations.schemas import Name

Kind = Literal["webhook", "slack", "teams", "email"]
Format = Literal["standard", "cdevents"]
TypePattern = Annotated[
    str,
    Field(pattern=r"^(\*|[a-z_]{1,40}\.(\*|[a-z_]{1,40}))$", examples=["review.*"]),
]
Patterns = Annotated[list[Name], Field(min_length=1, max_length=50)]
Types = Annotated[list[TypePattern], Field(min_length=1, max_length=50)]
Target = Annotated[str, Field(min_length=3, max_length=2000, pattern=r"^[\x21-\x7e]+$")]


class SubscriptionIn(Strict):
    """Whom to tell about what."""

    name: Name
    kind: Kind = "webhook"
    format: Annotated[
        Format,
        Field(description="Of a webhook: our own events, or CDEvents in a CloudEvent"),
    ] = "standard"
    target: Annotated[
        Target,
        Field(
            description="A URL; for `email` an address. Never shown again in full",
            examples=["https://ci.example.com/hooks/clearance"],
        ),
    ]
    types: Types = Field(
        default_factory=lambda: ["decision.*", "review.*", "waiver.*", "break_glass.*"]
    )
    models: Patterns = Field(default_factory=lambda: ["*"])


class SubscriptionChange(Strict):
    """What to change; what is left out stays."""

    name: Name | None = None
    target: Target | None = None
    format: Format | None = None
    types: Types | None = None
    models: Patterns | None = None
    status: Literal["active", "paused"] | None = None
    rotate_secret: Annotated[
        bool,
        Field(strict=True, description="A new secret; the old one signs too for a day"),
    ] = False


class SubscriptionOut(BaseModel):
    """A subscription without its secret."""

    id: str
    name: str
    kind: str
    format: str = Field(description="standard or cdevents")
    target: str = Field(description="As much of it as gives nothing away")
    types: list[str]
    models: list[str]
    status: str = Field(description="active, paused, or disabled because the receiver is gone")
    why: str | None
    created_at: datetime
    secret: str | None = Field(None, description="`whsec_…`, in the answer that makes it")


class SubscriptionPageOut(BaseModel):
    """Subscriptions, newest first."""

    items: list[SubscriptionOut]
    next: str | None


class AttemptOut(BaseModel):
    """One try."""

    number: int
    at: datetime
    status: int | None = Field(description="What the receiver answered")
    detail: str


class DeliveryOut(BaseModel):
    """One notice to one subscription, with every try."""

    id: str = Field(description="`webhook-id`, the same over all tries")
    type: str
    entry: int = Field(description="The index of what happened in the log")
    status: str = Field(description="pending, delivered, failed or dropped")
    created_at: datetime
    next_at: datetime | None
    delivered_at: datetime | None
    attempts: list[AttemptOut]


class DeliveryPageOut(BaseModel):
    """Deliveries, newest first."""

    items: list[DeliveryOut]
    next: str | None
