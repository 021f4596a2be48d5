"""docker-compose.yaml as far as a process needs it: commands, environment, order, health, and what is mounted where.

Read from the file itself, so that what the tests run is what an installation runs. How it is written is said in its
first lines and held to by `make compose-check`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_VARIABLE: Final = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?P<how>:?[-?])(?P<rest>[^}]*)\})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """One service. after: what must be so of others before it starts (`service_healthy`, …), by name.

    ours: of our image. shared: path in the container by volume; private: paths that no other container sees.
    health: its check as a command; empty if there is none.
    """

    name: str
    ours: bool
    command: tuple[str, ...]
    environment: Mapping[str, str]
    after: Mapping[str, str]
    health: tuple[str, ...]
    shared: Mapping[str, str]
    private: tuple[str, ...]


def read_compose(path: Path, variables: Mapping[str, str]) -> dict[str, Service]:
    """The services of a compose file that start by themselves, by name.

    Raises:
        LookupError: the file requires a variable that is not given.
    """
    tree = _filled(yaml.safe_load(path.read_text("utf-8")), variables)
    return {name: _service(name, one) for name, one in tree["services"].items() if "profiles" not in one}


def in_order(services: Mapping[str, Service]) -> list[Service]:
    """Each service after those that it waits for."""
    placed: dict[str, Service] = {}
    while left := [one for one in services.values() if one.name not in placed]:
        ready = [one for one in left if placed.keys() >= one.after.keys()]
        assert ready, f"these wait for one another: {', '.join(one.name for one in left)}"
        placed |= {one.name: one for one in ready}
    return list(placed.values())


def _service(name: str, one: Mapping[str, Any]) -> Service:
    volumes = [volume.split(":") for volume in one.get("volumes", ())]
    return Service(
        name=name,
        ours="build" in one,
        command=tuple(one.get("command", ())),
        environment=one.get("environment", {}),
        after={other: need["condition"] for other, need in one.get("depends_on", {}).items()},
        health=tuple(one.get("healthcheck", {}).get("test", ("CMD",))[1:]),
        shared={volume[0]: volume[1] for volume in volumes if len(volume) > 1},
        private=(*(volume[0] for volume in volumes if len(volume) == 1), *map(_path, one.get("tmpfs", ()))),
    )


def _path(tmpfs: str) -> str:
    return tmpfs.partition(":")[0]


def _filled(tree: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(tree, dict):
        return {key: _filled(value, variables) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_filled(value, variables) for value in tree]
    return _VARIABLE.sub(lambda found: _value(found, variables), tree) if isinstance(tree, str) else tree


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    if found["dollar"]:
        return "$"
    if found["name"] in variables:
        return variables[found["name"]]
    if found["how"].endswith("?"):
        raise LookupError(f"{found['name']}: {found['rest']}")
    return found["rest"]
