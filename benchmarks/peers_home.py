"""The peers' own environment, `benchmarks/.peers`: what we measure beside us must not change what we install."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.frame import ROOT

HOME = ROOT / "benchmarks" / ".peers"
LOCKED = ROOT / "benchmarks" / "requirements-peers.txt"
WANTED = LOCKED.with_suffix(".in")
PYTHON = HOME / "bin" / "python"


def install(say: Callable[[str], None]) -> Path:
    """Install the locked peers where they are not there yet; the interpreter that has them."""
    uv = [str(Path(sys.executable).parent / "uv"), "--system-certs"]
    stamp, wanted = HOME / ".installed", hashlib.sha256(LOCKED.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return PYTHON
    say("peers: installing into benchmarks/.peers")
    subprocess.run([*uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, HOME], check=True)
    subprocess.run(
        [*uv, "pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes", "--python", PYTHON, LOCKED],
        check=True,
    )
    stamp.write_text(wanted)
    return PYTHON
