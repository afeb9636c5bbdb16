"""How busy the machine and single processes are, read from /proc; Linux only, and says so."""

import os
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def busy_cores(seconds: float = 1.0) -> float:
    """Cores in use by anyone over the next moment. Call it while nothing of ours runs."""
    before, started = _busy_ticks(), time.perf_counter()
    time.sleep(seconds)
    return (_busy_ticks() - before) / TICKS / (time.perf_counter() - started)


def load_line(when: str) -> str:
    """One line about the machine, for the head or the foot of the table."""
    averages = "/".join(f"{value:.2f}" for value in os.getloadavg())
    return (
        f"{when}: {busy_cores():.2f} of {os.cpu_count()} cores busy with other work, "
        f"load averages {averages}"
    )


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of all its living children."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(") ")[2].split()
    own = (int(fields[11]) + int(fields[12])) / TICKS
    return own + sum(cpu_seconds(child) for child in _children(pid))


def resident_megabytes(pid: int, *, alone: bool = False) -> float:
    """Resident memory of a process and its children; shared pages count each time."""
    children = [] if alone else _children(pid)
    return _status_megabytes(pid, "VmRSS") + sum(map(resident_megabytes, children))


def peak_megabytes(pid: int | None = None) -> float:
    """The most resident memory of this or another process since its exec."""
    return _status_megabytes(os.getpid() if pid is None else pid, "VmHWM")


def _status_megabytes(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def _children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def _busy_ticks() -> int:
    user, nice, system, _, _, irq, softirq, *_ = (
        int(field) for field in Path("/proc/stat").read_text("ascii").split("\n")[0].split()[1:]
    )
    return user + nice + system + irq + softirq
