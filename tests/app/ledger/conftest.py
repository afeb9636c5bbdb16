"""The tests' own nouns, in every database that they use."""

import pytest

from tests.app.ledger.works import nouns


@pytest.fixture
def engine(engine):
    nouns.create_all(engine)
    return engine
