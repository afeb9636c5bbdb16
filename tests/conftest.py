"""How Hypothesis searches: freely at a developer's desk, the same way every time in CI."""

import os
import sys

from hypothesis import settings

settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

# Tests start many processes. Without bytecode each compiles MLflow or Evidently anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
