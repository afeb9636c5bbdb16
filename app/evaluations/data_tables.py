"""The table of evaluations whose data are still to be measured, and what became of them."""

from sqlalchemy import Column, Integer, String, Table, Text

from app.database import CanonicalJson, UtcDateTime, metadata

data_evaluation = Table(
    "data_evaluation",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("model", String(200), nullable=False),
    Column("version", String(200), nullable=False),
    Column("candidate_digest", String(71), nullable=True),
    Column("stage", String(64), nullable=False),
    Column("raw", String(71), nullable=False),
    Column("reference", String(1000), nullable=False),
    Column("current", String(1000), nullable=False),
    Column("submitted_by", String(64), nullable=False),
    Column("actor", String(200), nullable=True),
    Column("models", CanonicalJson, nullable=False),
    Column("status", String(16), nullable=False),
    Column("step", Text, nullable=True),
    Column("tries", Integer, nullable=False),
    Column("problem", CanonicalJson, nullable=True),
    Column("decision", String(64), nullable=True),
    Column("snapshot", String(71), nullable=True),
    Column("report", String(71), nullable=True),
    Column("received_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime, nullable=True),
    Column("finished_at", UtcDateTime, nullable=True),
)
"""`status`: `queued`, `running`, `done` (there is a decision), `failed` (nothing was decided). `id`
is the evaluation's from the beginning; `models` are the patterns that its key was for. `reference`
and `current` are digests, or files of a registry's runs. The data themselves are not kept: their
digests, Evidently's snapshot and its report are."""

awaited_file = Table(
    "awaited_file",
    metadata,
    Column("evaluation", String(64), primary_key=True),
    Column("digest", String(71), primary_key=True, index=True),
)
"""Files sent apart that an open evaluation still reads, so that nobody removes them. The rows go
when it ends."""

OPEN = ("queued", "running")
