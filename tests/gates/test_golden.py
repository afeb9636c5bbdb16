"""No decision's content changes without a new engine version: older records must replay."""

import json

from gates.engine import ENGINE_VERSION
from tests.gates import golden


def test_decisions_change_only_with_the_engine_version():
    kept, now = json.loads(golden.FILE.read_text("utf-8")), golden.current()
    if kept["engine"] != ENGINE_VERSION:
        message = "the version was raised; write the new digests with: python -m tests.gates.golden"
        raise AssertionError(message)
    changed = {
        name
        for name in kept["decisions"].keys() | now["decisions"].keys()
        if kept["decisions"].get(name) != now["decisions"].get(name)
    }
    if kept["digest"] != now["digest"]:
        changed.add("the form of digests")
    assert not changed, (
        f"engine {ENGINE_VERSION} now decides these otherwise: {sorted(changed)}. Raise "
        "ENGINE_VERSION (a line under Engine in the changelog), or undo the change; where only a "
        "case was added, or a file is read otherwise: python -m tests.gates.golden"
    )
