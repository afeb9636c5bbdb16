import asyncio

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from app.ledger.batch import Item
from app.ledger.turns import Turns
from app.ledger.work import LedgerUnavailable, Receipt, Work
from tests.app.ledger.works import work

RECEIPT = Receipt((), "note", 0)
NO_READER = create_engine("sqlite://")


class Recorder:
    """Takes items and answers when told to."""

    def __init__(self, refuses=None):
        self.batches: list[list[Item]] = []
        self.refuses = refuses

    def sealed(self, given: Work, answer):
        return Item(given, (), answer)

    def put(self, items):
        if self.refuses is not None:
            raise LedgerUnavailable(self.refuses)
        self.batches.append(list(items))

    def answer(self):
        for item in self.batches[-1]:
            item.answer.set_result(RECEIPT)


def checked_out(engine):
    assert isinstance(engine.pool, QueuePool)
    return engine.pool.checkedout()


async def settled():
    for _ in range(10):
        await asyncio.sleep(0)


def test_what_is_decided_in_one_go_is_handed_over_in_one_go():
    async def story():
        writer = Recorder()
        turns = Turns(writer, NO_READER, batch=128, limit=10)
        waiting = [asyncio.ensure_future(turns.commit(Work(()))) for _ in range(16)]
        await settled()
        assert [len(batch) for batch in writer.batches] == [16]
        writer.answer()
        assert await asyncio.gather(*waiting) == [RECEIPT] * 16

    asyncio.run(story())


def test_one_alone_does_not_wait_for_others():
    async def story():
        writer = Recorder()
        turns = Turns(writer, NO_READER, batch=128, limit=10)
        one = asyncio.ensure_future(turns.commit(Work(())))
        await settled()
        writer.answer()
        assert await one is RECEIPT

    asyncio.run(story())


def test_a_stream_without_a_pause_is_handed_over_when_the_batch_is_full():
    async def story():
        writer = Recorder()
        turns = Turns(writer, NO_READER, batch=4, limit=10)
        waiting = []
        for _ in range(40):
            waiting.append(asyncio.ensure_future(turns.commit(Work(()))))
            await asyncio.sleep(0)
        await settled()
        sizes = [len(batch) for batch in writer.batches]
        assert sum(sizes) == 40
        assert max(sizes) <= 8
        for batch in writer.batches:
            for item in batch:
                item.answer.set_result(RECEIPT)
        await asyncio.gather(*waiting)

    asyncio.run(story())


def test_a_turn_comes_when_all_that_is_being_written_is_answered():
    async def story():
        writer = Recorder()
        turns = Turns(writer, NO_READER, batch=128, limit=10)
        await turns.mine()
        committed = [asyncio.ensure_future(turns.commit(Work(()))) for _ in range(2)]
        await settled()
        late = asyncio.ensure_future(turns.mine())
        await settled()
        writer.batches[0][0].answer.set_result(RECEIPT)
        await settled()
        assert not late.done()
        writer.batches[0][1].answer.set_exception(LedgerUnavailable("disk full"))
        await asyncio.wait_for(late, 5)
        answers = await asyncio.gather(*committed, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Receipt, LedgerUnavailable]

    asyncio.run(story())


def test_one_that_went_away_does_not_keep_the_others_waiting():
    async def story():
        writer = Recorder()
        turns = Turns(writer, NO_READER, batch=128, limit=10)
        gone = asyncio.ensure_future(turns.commit(Work(())))
        await settled()
        gone.cancel()
        await settled()
        await asyncio.wait_for(turns.mine(), 5)

    asyncio.run(story())


def test_too_many_that_wait_are_refused():
    async def story():
        writer = Recorder()
        turns = Turns(writer, NO_READER, batch=128, limit=2)
        first = asyncio.ensure_future(turns.commit(Work(())))
        await settled()
        waiting = [asyncio.ensure_future(turns.mine()) for _ in range(2)]
        await settled()
        with pytest.raises(LedgerUnavailable, match="waiting already"):
            await turns.mine()
        writer.answer()
        await asyncio.gather(first, *waiting)

    asyncio.run(story())


def test_a_writer_that_refuses_answers_everybody_and_the_next_turn_comes():
    async def story():
        turns = Turns(Recorder(refuses="closed"), NO_READER, batch=128, limit=10)
        tasks = [turns.commit(Work(())) for _ in range(3)]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [str(answer) for answer in answers] == ["closed"] * 3
        await asyncio.wait_for(turns.mine(), 5)

    asyncio.run(story())


def test_sixty_four_clients_get_proofs_of_their_own(ledger):
    async def client(turns):
        found = []
        for _ in range(5):
            await turns.mine()
            found.append(await turns.commit(work()))
        return found

    async def story():
        turns = Turns(ledger, NO_READER, batch=128, limit=64)
        return await asyncio.gather(*(client(turns) for _ in range(64)))

    receipts = [one for some in asyncio.run(story()) for one in some]
    indexes = [entry.index for receipt in receipts for entry in receipt.entries]
    assert len(indexes) == len(set(indexes)) == 640


def test_all_that_is_decided_in_one_turn_reads_on_one_connection(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/turns.db")

    async def story():
        writer = Recorder()
        turns = Turns(writer, engine, batch=128, limit=10)
        with turns.reading() as first:
            first.execute(text("SELECT 1"))
        with turns.reading() as second:
            assert second is first
        one = asyncio.ensure_future(turns.commit(Work(())))
        await settled()
        assert first.closed, "the writer must not find a reader's snapshot open"
        writer.answer()
        await one
        with turns.reading() as third:
            assert third is not first
        assert checked_out(engine) == 1

    asyncio.run(story())
    engine.dispose()


def test_a_connection_that_failed_is_not_kept(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/turns.db")

    async def story():
        turns = Turns(Recorder(), engine, batch=128, limit=10)
        with pytest.raises(OperationalError), turns.reading() as first:
            first.execute(text("SELECT 1 FROM nothing"))
        assert first.closed
        with turns.reading() as second:
            assert second.execute(text("SELECT 1")).scalar() == 1

    asyncio.run(story())
    engine.dispose()


def test_a_turn_that_hands_nothing_over_gives_its_connection_back(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/turns.db")

    async def story():
        turns = Turns(Recorder(), engine, batch=128, limit=10)
        with turns.reading():
            pass
        async with asyncio.timeout(30):
            while checked_out(engine):  # noqa: ASYNC110 - the pool sets no event
                await asyncio.sleep(0.01)

    asyncio.run(story())
    engine.dispose()


def test_all_who_ask_in_one_turn_are_answered_by_one_look():
    looks = []

    def doubled(connection, questions):
        assert connection.execute(text("select 1")).scalar() == 1
        looks.append(list(questions))
        return [2 * question for question in questions]

    async def story():
        turns = Turns(Recorder(), NO_READER, batch=128, limit=10)
        asked = [asyncio.ensure_future(turns.ask(doubled, number)) for number in range(5)]
        await asyncio.sleep(0)
        asked[3].cancel()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [a for a in answers if not isinstance(a, asyncio.CancelledError)] == [0, 2, 4, 8]
        assert await turns.ask(doubled, 7) == 14

    asyncio.run(story())
    assert looks == [[0, 1, 2, 3, 4], [7]]


def test_a_look_that_fails_fails_all_who_asked_and_nobody_else():
    def broken(connection, questions):
        raise OperationalError("select", {}, Exception("gone"))

    def fine(connection, questions):
        return questions

    async def story():
        turns = Turns(Recorder(), NO_READER, batch=128, limit=10)
        asked = [turns.ask(broken, 1), turns.ask(fine, 2), turns.ask(broken, 3)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(answer) for answer in answers] == [OperationalError, int, OperationalError]
        assert await turns.ask(fine, 4) == 4

    asyncio.run(story())
