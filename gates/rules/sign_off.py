"""sign_off: a role must look at this release, whatever the numbers say."""

from typing import ClassVar

from gates.rules.base import Name, Rule
from gates.rules.context import Claim, Context, plain_finding
from gates.verdict import Outcome


class SignOff(Rule):
    """`{sign_off: product_owner}`: never settled by the engine."""

    KIND: ClassVar[str] = "sign_off"

    sign_off: Name

    def problems(self) -> list[tuple[str, str]]:
        """A due sign-off always escalates; nothing may soften it."""
        return [
            (field, "a due sign-off always escalates; leave this out")
            for field, default in (("on_fail", "fail"), ("on_inconclusive", None))
            if getattr(self, field) != default
        ]

    def check(self, ctx: Context, gate: str) -> list[Claim]:  # noqa: ARG002 - every rule's shape
        """One claim: due."""
        finding = plain_finding(
            self,
            gate,
            Outcome.INCONCLUSIVE,
            "sign_off_due",
            message=f"The {self.sign_off.replace('_', ' ')} has to sign off.",
            limit={"sign_off": self.sign_off},
        )
        return [Claim(finding)]
