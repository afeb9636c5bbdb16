"""What the record knows about candidates, asked about several at once."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from app.database import make_engine
from app.evaluations.past import _TRACES, read_traces
from app.evaluations.tables import judged
from app.models.tables import model
from app.settings import Settings
from gates.evidence import Candidate

AT = datetime(2026, 5, 1, tzinfo=UTC)
STAGE = "limited_release"


@pytest.fixture
def connection(settings):
    engine = make_engine(settings)
    with engine.connect() as opened:
        for name, revision in (("bot", 3), ("other", 7)):
            times = {"created_at": AT, "updated_at": AT}
            row = {"name": name, "owner": None, "facts": {"of": name}, "revision": revision}
            opened.execute(insert(model), {**row, **times})
        for version, dataset in (("1", ""), ("2", "d"), ("3", "e")):
            row = {"model": "bot", "version": version, "candidate_digest": f"sha256:{version}"}
            opened.execute(
                insert(judged), {**row, "stage": STAGE, "dataset": dataset, "first_at": AT}
            )
        yield opened
    engine.dispose()


def test_each_question_gets_its_own_answer_in_its_place(connection):
    asked = [
        (Candidate("other", "1"), STAGE, ""),
        (Candidate("bot", "9"), STAGE, ""),
        (Candidate("nobody's", "1"), STAGE, ""),
        (Candidate("bot", "2", digest="sha256:2"), STAGE, "d"),
        (Candidate("bot", "9", digest="sha256:2"), STAGE, "d"),
        (Candidate("bot", "9"), "another", ""),
        (Candidate("bot", '9"}], ünd ☃'), STAGE, "e"),
    ]
    together = read_traces(connection, asked)
    assert [read_traces(connection, [one])[0] for one in asked] == together
    shown = [(row[0], row[1], row[4], row[5]) for row in together]
    assert shown == [
        (7, {"of": "other"}, 0, 0),
        (3, {"of": "bot"}, 3, 0),
        (None, None, 0, 0),
        # Data "d" or none stated; not itself.
        (3, {"of": "bot"}, 1, 1),
        (3, {"of": "bot"}, 1, 0),
        (3, {"of": "bot"}, 0, 0),
        (3, {"of": "bot"}, 2, 0),
    ]


def test_a_long_history_is_read_from_the_last_clearance_on(sqlite_template):
    engine = make_engine(Settings(database_url=f"sqlite:///{sqlite_template}"))
    _, statement, _ = _TRACES.compiled(engine.dialect)
    with engine.connect() as opened:
        plan = opened.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {statement.text}", statement.parameters({"asked": "[]"})
        ).all()
    engine.dispose()
    # Index, equalities and the range; the words around them are each SQLite's own.
    assert any("stage=? AND first_at>?" in row.detail for row in plan)
