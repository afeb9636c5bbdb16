"""`make calibrate`: measures every promise and writes docs/honesty.md; fails if one is broken.

python -m tests.calibrate [--tries N] [--workers N] [--to FOLDER]
"""

import argparse
import sys
from pathlib import Path

from tests.calibrate import page, report

DOCS = Path(__file__).resolve().parents[2] / "docs"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make calibrate", description=__doc__)
    parser.add_argument("--tries", type=int, default=4_000, help="samples per figure")
    parser.add_argument("--to", type=Path, default=DOCS, help="where honesty.md is written")
    parser.add_argument("--workers", type=int, help="processes; one a core unless said")
    chosen = parser.parse_args()
    found = report.everything(chosen.tries, chosen.to / "honesty", _progress, chosen.workers)
    chosen.to.mkdir(parents=True, exist_ok=True)
    (chosen.to / "honesty.md").write_text(page.whole(found.sections), "utf-8")
    for claim in found.broken:
        sys.stderr.write(f"BROKEN  {claim}\n")
    sys.stdout.write(f"{chosen.to / 'honesty.md'}: {len(found.broken)} claims broken\n")
    return 1 if found.broken else 0


def _progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
