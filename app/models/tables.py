"""The table of models: who owns them and what people have stated about them."""

from sqlalchemy import BigInteger, Column, String, Table

from app.database import CanonicalJson, UtcDateTime, metadata
from app.ledger.tables import CONTENT_ADDRESSED

model = Table(
    "model",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("owner", String(200), nullable=True),
    Column("facts", CanonicalJson, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    info={CONTENT_ADDRESSED: True},
)
"""`revision` rises with whatever may change a decision about the model beside new evaluations:
facts, registered documents, revocations, answers of people. A decision commits only against the
revision it was made with."""
