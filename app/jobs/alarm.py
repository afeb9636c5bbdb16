"""DBOS as an alarm clock: it keeps a time, over crashes and restarts, and then calls `ring`.

The only module that imports it. What rings is one job's id and the count of its alarm; everything
else is read from our own row then. The four guards it needs stand beside what they guard against.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions

from app.jobs.outbox import CPU, DEFAULT
from app.settings import SQLITE_PREFIX, Settings

log = logging.getLogger("clearance.jobs")

QUEUES: Final = (DEFAULT, CPU)
_AT_ONCE: Final = {DEFAULT: 8, CPU: 1}
_VERSION: Final = "clearance-1"
"""Pinned: by default it is a digest of the source, and each deploy would strand all that waits.
Raise it never; a changed workflow is told apart with `DBOS.patch`."""
_WORKFLOW: Final = "clearance.alarm"
_FINISHED: Final = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_LONGEST_SLEEP: Final = 3600.0
_PAGE: Final = 500

Ring = Callable[[str, int], float]
"""Run the job of this id if this is its newest alarm; seconds to wait where it came early."""

_ring: list[Ring] = []
"""DBOS is one per process and calls functions by name, so what it shall call stands here."""


def _rung(job_id: str, wake: int) -> float:
    return _ring[0](job_id, wake) if _ring else _LONGEST_SLEEP


@DBOS.workflow(name=_WORKFLOW)
def _alarm(job_id: str, wake: int) -> None:
    """At least once: `ring` re-reads its row and acts by compare-and-set, so twice does no harm."""
    while (seconds := DBOS.run_step({"name": "ring"}, _rung, job_id, wake)) > 0:
        DBOS.sleep(min(seconds, _LONGEST_SLEEP))


def file_of(settings: Settings) -> str:
    """DBOS's own file beside a SQLite database: two writers in one file would wait for another."""
    path = settings.sqlite_path
    return str(path.with_name(f"{path.stem}-jobs{path.suffix or '.db'}"))


def _url(settings: Settings) -> str:
    if not settings.is_sqlite:
        return settings.database_url
    path = file_of(settings)
    connection = sqlite3.connect(path)
    try:
        # DBOS leaves the journal mode as it finds it, and waits for readers without this one.
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    Path(path).chmod(0o600)
    return SQLITE_PREFIX + path


def migrate(settings: Settings) -> None:
    """Bring DBOS's tables to the installed version (PostgreSQL: schema `dbos`)."""
    DBOS.migrate(_url(settings))


class AlarmClock:
    """One per process, from `start` to `stop`."""

    def __init__(self, settings: Settings, who: str, queues: Sequence[str], ring: Ring) -> None:
        self._config: DBOSConfig = {
            "name": "clearance",
            "system_database_url": _url(settings),
            "application_version": _VERSION,
            "executor_id": who,
            "log_level": "WARNING",
            "max_executor_threads": 32,
            "sys_db_pool_size": 5,
            # Never pickle: who can write to the database shall not be able to run code here.
            "serializer": DBOSPortableJSONSerializer(),
        }
        self._queues = tuple(queues)
        self._ring = ring

    def start(self) -> None:
        """Recover what this executor left behind, then listen."""
        _ring[:] = [self._ring]
        DBOS(config=self._config)
        DBOS.listen_queues(self._queues)
        DBOS.launch()
        for queue in QUEUES:
            DBOS.register_queue(queue, worker_concurrency=_AT_ONCE[queue])

    def stop(self, patience_seconds: int) -> None:
        """Let running jobs end; what does not is resumed by whoever starts next."""
        DBOS.destroy(workflow_completion_timeout_sec=patience_seconds)
        _ring.clear()

    def set(self, job_id: str, wake: int, queue: str, seconds: float) -> None:
        """Ring in this many seconds. Setting the same alarm twice sets it once."""
        options: EnqueueOptions = {
            "workflow_name": _WORKFLOW,
            "workflow_id": f"{job_id}:{wake}",
            "queue_name": queue,
            "app_version": _VERSION,
        }
        if seconds > 0:
            options["delay_seconds"] = seconds
        DBOS.enqueue_workflow_with_options(options, job_id, wake)

    def take_over(self, dead: Sequence[str]) -> int:
        """Resume what dead executors were running: without DBOS's paid part nobody else does.

        For one caller at a time. A wrong guess is safe: the other one finds at its next
        checkpoint that the run is no longer its own.
        """
        if not dead:
            return 0
        found = DBOS.list_workflows(
            status="PENDING", executor_id=list(dead), limit=_PAGE, load_input=False
        )
        by_queue: dict[str, list[str]] = {}
        for item in found:
            by_queue.setdefault(item.queue_name or DEFAULT, []).append(item.workflow_id)
        for queue, names in by_queue.items():
            DBOS.resume_workflows(names, queue_name=queue if queue in QUEUES else DEFAULT)
        return len(found)

    def forget(self, before: datetime) -> int:
        """Delete finished alarms: DBOS keeps them for ever. Returns how many there were."""
        found = DBOS.list_workflows(
            status=_FINISHED,
            completed_before=before.isoformat(),
            limit=_PAGE,
            load_input=False,
            load_output=False,
        )
        if found:
            DBOS.delete_workflows([item.workflow_id for item in found])
        return len(found)
