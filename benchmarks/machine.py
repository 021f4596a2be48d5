"""What the figures were measured on: the kind of machine and the versions, never whose machine it is."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path

_OURS = ("asyncssh", "great-expectations", "numpy", "pandas", "psycopg", "pyarrow", "sqlalchemy")
_LIST = (
    "import importlib.metadata as m, json; print(json.dumps({d.metadata['Name'].lower(): d.version for d in"
    " m.distributions()}))"
)


def machine(folder: Path) -> dict[str, object]:
    """Processor, cores that may be used, memory in GiB, kernel, and the kind of file system that `folder` is on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)),
        "kernel": platform.release(),
        "file_system": _file_system(folder),
    }


def versions(ours: Path, peers: Path, requirements: Path) -> dict[str, dict[str, str]]:
    """Versions of Python and of what matters for speed, ours and the peers'."""
    wanted = [line.split("[")[0].split()[0] for line in _lines(requirements)]
    return {
        "ours": _versions(ours, _OURS),
        "peers": _versions(peers, tuple(wanted)) if peers.exists() else {},
        "servers": {"sshd": _said(["sshd", "-V"]), "postgres": _said([_postgres(), "--version"])},
    }


def _lines(requirements: Path) -> list[str]:
    return [line for line in requirements.read_text().splitlines() if line.strip() and not line.startswith(("#", "-"))]


def _versions(python: Path, names: tuple[str, ...]) -> dict[str, str]:
    listed = json.loads(subprocess.run([python, "-c", _LIST], check=True, capture_output=True).stdout)
    found = {name.replace("_", "-"): version for name, version in listed.items()}
    return {"python": _said([str(python), "--version"])} | {name: found[name] for name in names if name in found}


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "not installed"
    return (done.stdout or done.stderr).strip().split("\n")[0]


def _postgres() -> str:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    return str(found[-1]) if found else "postgres"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """The kind of the deepest mount that holds the folder."""
    deepest, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, found, *_ = line.split()
        if folder.resolve().is_relative_to(mount) and len(mount) >= len(deepest):
            deepest, kind = mount, found
    return kind
