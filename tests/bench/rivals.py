"""What a team would write by hand: a bare JSON route, and a route that validates and stores.

    uvicorn tests.bench.rivals:bare
    BENCH_DATABASE_URL=... uvicorn tests.bench.rivals:app

The second follows FastAPI's own documentation: pydantic models, a plain `def`, a Session as a
dependency, one row, one commit. It judges nothing, proves nothing and keeps no log.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Body, Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, Engine, String, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

bare = FastAPI()


@bare.post("/v1/evaluations", status_code=201)
async def echo(body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    return {"id": "dec_0", "verdict": "pass", "measurements": len(body["measurements"])}


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CandidateIn(Shape):
    model: str
    version: str
    digest: str | None = None
    uri: str | None = None


class ExceedIn(Shape):
    limit: float
    count: int


class SourceIn(Shape):
    tool: str | None = None
    tool_version: str | None = None
    run_id: str | None = None


class MeasurementIn(Shape):
    metric: str
    value: float | None = None
    n: int | None = None
    count: int | None = None
    n_errored: int | None = None
    stderr: float | None = None
    ci: tuple[float, float] | None = None
    confidence: float | None = None
    scores: list[float] | None = None
    exceed: ExceedIn | None = None
    quantile: float | None = None
    task: str | None = None
    slice: dict[str, str] | None = None
    unit: str | None = None
    source: SourceIn | None = None


class SubmissionIn(Shape):
    candidate: CandidateIn
    stage: str
    policy: str | None = None
    measurements: list[MeasurementIn]
    measured_at: datetime | None = None
    context: dict[str, str] | None = None


class EvaluationOut(BaseModel):
    id: str
    model: str
    version: str
    stage: str
    received_at: datetime


class Base(DeclarativeBase):
    pass


class Evaluation(Base):
    __tablename__ = "evaluation"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    version: Mapped[str] = mapped_column(String(200))
    stage: Mapped[str] = mapped_column(String(40))
    measurements: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    received_at: Mapped[datetime]


# A connection for each of FastAPI's forty threads: with the default fifteen, 64 clients sometimes
# waited thirty seconds for one and then got a 500.
_POOL: dict[str, Any] = {"pool_size": 40}


def _engine() -> Engine:
    url = os.environ.get("BENCH_DATABASE_URL", "sqlite://")
    if not url.startswith("sqlite"):
        return create_engine(url, **_POOL)
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 30}, **_POOL)

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _record: object) -> None:
        # The same promise as ours: an answered request survives a power cut.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    return engine


engine = _engine()
Base.metadata.create_all(engine)
sessions = sessionmaker(engine)
app = FastAPI()


def get_session() -> Iterator[Session]:
    with sessions() as session:
        yield session


@app.post("/v1/evaluations", status_code=201)
def create_evaluation(
    submission: SubmissionIn, session: Annotated[Session, Depends(get_session)]
) -> EvaluationOut:
    row = Evaluation(
        id=str(uuid4()),
        model=submission.candidate.model,
        version=submission.candidate.version,
        stage=submission.stage,
        measurements=[m.model_dump(exclude_none=True) for m in submission.measurements],
        received_at=datetime.now(UTC).replace(tzinfo=None),
    )
    session.add(row)
    session.commit()
    return EvaluationOut(
        id=row.id,
        model=row.model,
        version=row.version,
        stage=row.stage,
        received_at=row.received_at,
    )
