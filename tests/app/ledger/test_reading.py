import pytest
from sqlalchemy import event

from app.ledger import reading
from app.ledger.merkle import leaf_hash, root_of, verify_consistency, verify_inclusion
from app.ledger.reading import NotInLog
from app.ledger.tiles import LogInconsistent, StoredNodes
from app.ledger.work import Work
from tests.app.ledger.test_writer import tamper
from tests.app.ledger.works import entry

SIZE = 700


@pytest.fixture
def log(engine, ledger):
    """700 entries in batches of 100: two full tiles, one partial, of two types and subjects."""
    for batch in range(7):
        ledger.commit_sync(
            Work(
                entries=[
                    entry(
                        id=f"ent_{batch * 100 + number}",
                        type="a.done" if number % 2 else "b.done",
                        subject=f"s{batch}",
                    )
                    for number in range(100)
                ]
            )
        )
    return engine


def test_entries_come_in_order_and_by_what_is_asked(log):
    with log.connect() as connection:
        assert [e.index for e in reading.entries(connection)] == list(range(50))
        page = reading.entries(connection, after=10, type="a.done", subject="s0", limit=3)
        assert [e.index for e in page] == [11, 13, 15]
        assert reading.entries(connection, after=SIZE) == []
        assert reading.entries(connection, type="nope") == []
        assert len(reading.entries(connection, limit=10_000)) == 200


def test_an_entry_is_found_by_index_and_by_id(log):
    with log.connect() as connection:
        found = reading.entry(connection, 123)
        assert found == reading.entry_by_id(connection, "ent_123")
        assert found.leaf == leaf_hash(found.body)
        for missing in (-1, SIZE, 10**12):
            with pytest.raises(NotInLog):
                reading.entry(connection, missing)
        with pytest.raises(NotInLog):
            reading.entry_by_id(connection, "ent_x")


@pytest.mark.parametrize("index", [0, 1, 255, 256, 511, 512, 698, 699])
def test_every_entry_is_proven_against_the_newest_checkpoint(log, ledger, index):
    with log.connect() as connection:
        found = reading.inclusion(connection, index, [ledger.verifier_key])
    head = found.signed.checkpoint
    assert head.size == SIZE
    verify_inclusion(index, head.size, found.leaf, found.proof, head.root)


def test_growth_is_proven_between_any_two_sizes(log, ledger):
    keys = [ledger.verifier_key]
    with log.connect() as connection:
        root = reading.checkpoint(connection, keys).checkpoint.root
        nodes = StoredNodes(connection, SIZE)
        for size in (1, 2, 100, 255, 256, 257, 512, 600, 699):
            proof = reading.consistency(connection, size, SIZE, keys)
            verify_consistency(size, SIZE, root_of(size, nodes), root, proof)
        assert reading.consistency(connection, 0, SIZE, keys) == ()
        assert reading.consistency(connection, SIZE, SIZE, keys) == ()
        for first, second in ((5, 4), (-1, 4), (1, SIZE + 1)):
            with pytest.raises(NotInLog):
                reading.consistency(connection, first, second, keys)


def test_a_proof_reads_a_handful_of_rows(log, ledger):
    statements: list[str] = []
    event.listen(log, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with log.connect() as connection:
        reading.inclusion(connection, 300, [ledger.verifier_key])
    selects = [statement for statement in statements if statement.startswith("SELECT")]
    assert len(selects) <= 6


def test_tiles_are_those_of_the_signed_tree(log, ledger):
    keys = [ledger.verifier_key]
    with log.connect() as connection:
        full = reading.tile(connection, 0, 0, 256, keys)
        assert full[:32] == reading.entry(connection, 0).leaf
        assert full[-32:] == reading.entry(connection, 255).leaf
        partial = reading.tile(connection, 0, 2, SIZE - 512, keys)
        assert partial[-32:] == reading.entry(connection, SIZE - 1).leaf
        above = reading.tile(connection, 1, 0, 2, keys)
        assert above[:32] == StoredNodes(connection, SIZE)(8, 0)
        for level, number, width in (
            (0, 2, SIZE - 511),
            (0, 3, 1),
            (1, 0, 3),
            (2, 0, 1),
            (-1, 0, 1),
            (0, -1, 1),
            (0, 0, 0),
            (0, 0, 257),
            (60, 0, 1),
        ):
            with pytest.raises(NotInLog):
                reading.tile(connection, level, number, width, keys)


def test_an_empty_log_has_a_checkpoint_and_no_proofs(engine, ledger):
    keys = [ledger.verifier_key]
    with engine.connect() as connection:
        assert reading.checkpoint(connection, keys).checkpoint.size == 0
        assert reading.entries(connection) == []
        assert reading.consistency(connection, 0, 0, keys) == ()
        with pytest.raises(NotInLog):
            reading.inclusion(connection, 0, keys)


OTHER_TILE = "(SELECT hashes FROM audit_tile WHERE number = 1)"
OTHER_ROOT = "(SELECT root FROM audit_tile WHERE number = 1)"
OTHER_BODY = 'body = (SELECT body FROM audit_entry WHERE "index" = 1)'


@pytest.mark.parametrize(
    ("index", "statement"),
    [
        (600, f'UPDATE audit_entry SET {OTHER_BODY} WHERE "index" = 600'),
        (600, 'DELETE FROM audit_entry WHERE "index" = 600'),
        (600, 'DELETE FROM audit_entry WHERE "index" = 601'),
        (600, "DELETE FROM audit_tile WHERE number = 1"),
        (600, f"UPDATE audit_tile SET root = {OTHER_ROOT} WHERE number = 0"),
        (100, f"UPDATE audit_tile SET hashes = {OTHER_TILE} WHERE number = 0"),
        (100, "UPDATE audit_tile SET hashes = substr(hashes, 1, 64) WHERE number = 0"),
        (100, "UPDATE audit_checkpoint SET note = replace(note, 'log', 'lag') WHERE size = 700"),
        (100, "DELETE FROM audit_checkpoint WHERE size > 100"),
    ],
)
def test_a_log_that_was_tampered_with_is_reported_never_proven(log, ledger, index, statement):
    tamper(log, statement)
    # Cutting checkpoints off hides entries from proofs; it cannot make a false one.
    expected = NotInLog if "size > 100" in statement else LogInconsistent
    with log.connect() as connection, pytest.raises(expected):
        reading.inclusion(connection, index, [ledger.verifier_key])


def test_growth_over_tampered_tiles_is_not_proven(log, ledger):
    tamper(
        log,
        "UPDATE audit_tile SET hashes = (SELECT hashes FROM audit_tile WHERE number = 1) "
        "WHERE number = 0",
    )
    with log.connect() as connection, pytest.raises(LogInconsistent):
        reading.consistency(connection, 100, 650, [ledger.verifier_key])
