"""Run as a process: commits works from several threads, and prints each one's id once answered."""

import sys
import threading

from app.database import make_engine
from app.ids import new_id
from app.ledger.keys import log_signer
from app.ledger.work import Conflict
from app.ledger.writer import Ledger
from app.settings import read_settings
from tests.app.ledger.works import work


def main() -> None:
    settings = read_settings()
    engine = make_engine(settings)
    ledger = Ledger(engine, settings, log_signer(settings))
    ledger.start()
    printing = threading.Lock()

    def client() -> None:
        while True:
            name = new_id("par")
            try:
                receipt = ledger.commit_sync(work(name=name, entries=3))
            except Conflict:
                continue
            with printing:
                sys.stdout.write(f"{name} {receipt.entries[0].index} {receipt.size}\n")
                sys.stdout.flush()

    for _ in range(8):
        threading.Thread(target=client, daemon=True).start()
    threading.Event().wait()


main()
