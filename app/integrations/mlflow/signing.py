"""MLflow's webhook signature, checked on the raw bytes: id, time and body under one secret.

Headers and formula are those of `mlflow/webhooks/delivery.py` (3.17); the secret is its UTF-8 text.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

DELIVERY_ID: Final = "x-mlflow-delivery-id"
TIMESTAMP: Final = "x-mlflow-timestamp"
SIGNATURE: Final = "x-mlflow-signature"
TOLERANCE_SECONDS: Final = 300
_MOST_ID: Final = 64


class SignatureRefused(ValueError):  # noqa: N818 - named for what it says
    """Why a delivery is not believed, in words for whoever set the webhook up."""


def signature(secret: str, delivery_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the HMAC-SHA-256, in base64, of id, time and body joined by full stops."""
    signed = b".".join([delivery_id.encode(), timestamp.encode(), body])
    return "v1," + base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()


def verified(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> str:
    """The delivery's id, once signature and time hold. Raises SignatureRefused."""
    given = {name: headers.get(name, "") for name in (DELIVERY_ID, TIMESTAMP, SIGNATURE)}
    if not given[SIGNATURE]:
        raise SignatureRefused(
            "The delivery is not signed: its webhook was created without a secret. "
            "Create it with `clearance mlflow connect`."
        )
    delivery_id, timestamp = given[DELIVERY_ID], given[TIMESTAMP]
    if not (delivery_id.isascii() and delivery_id.isprintable() and len(delivery_id) <= _MOST_ID):
        raise SignatureRefused(f"{DELIVERY_ID} is not an id.")
    if not delivery_id or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 13):
        raise SignatureRefused(f"{DELIVERY_ID} and {TIMESTAMP} must both be there.")
    sent = given[SIGNATURE].encode()
    known = [signature(secret, delivery_id, timestamp, body).encode() for secret in secrets]
    if not any(hmac.compare_digest(item, sent) for item in known):
        raise SignatureRefused(
            "The signature does not hold: MLflow's webhook and this service have different "
            "secrets, or something in between changed the body."
        )
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise SignatureRefused(
            f"The delivery was signed more than {TOLERANCE_SECONDS} s away from this service's "
            "time. Compare the two clocks."
        )
    return delivery_id
