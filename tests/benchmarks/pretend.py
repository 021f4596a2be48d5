"""A contender that does what it is asked and says what it is told to say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.child import Child


def main() -> None:
    """Hold `megabytes`, burn CPU in a child, write `content` to `output`, say `costs` and `work`."""
    child = Child()
    asked = child.asked
    with child.step("hold"):
        held = b"x" * (asked.get("megabytes", 0) << 20)
    if asked.get("burn"):
        with child.step("burn"):
            subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"], check=True)
    Path(asked["output"]).write_bytes(asked["content"].encode())
    if asked.get("fail"):
        raise RuntimeError(asked["fail"])
    if asked.get("costs"):
        child.cost("hold", **asked["costs"])
    child.did(**asked["work"])
    del held


if __name__ == "__main__":
    main()
