"""What people may send to a review."""

from typing import Annotated, Literal

from pydantic import Field

from app.bodies import Strict
from app.evaluations.schemas import Digest, Name, Text, Time


class SignOffIn(Strict):
    """One person's answer, bound to the decision that they saw."""

    answer: Literal["approve", "reject", "request_changes"]
    role: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", examples=["security"])]
    decision_digest: Digest
    comment: Text | None = None
    until: Annotated[
        Time | None, Field(description="Shortens how long what is approved stays valid.")
    ] = None


class DelegationIn(Strict):
    """Give your answer to another person for a while."""

    role: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", examples=["security"])]
    to: Annotated[Name, Field(description="The person's name")]
    until: Time
    reason: Annotated[Text, Field(min_length=3)]


class DeferralIn(Strict):
    """Not before this time."""

    until: Time
    reason: Annotated[Text, Field(min_length=3)]


class CommentIn(Strict):
    """A remark; it decides nothing."""

    text: Annotated[Text, Field(min_length=1)]


class ReasonIn(Strict):
    """Why something that stood is ended."""

    reason: Annotated[Text, Field(min_length=3)]
