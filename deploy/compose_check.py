"""Look at docker-compose.yaml without an engine: nothing in it may open, weaken or forget (`make compose-check`).

What is wrong comes back as sentences, each beginning with the service. Compose's own reading of the file is another
matter: `docker compose config` does that where there is an engine.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.make_env import SECRETS, VARIABLES

REPOSITORY: Final = Path(__file__).resolve().parents[1]
#: What may have a default: neither secret nor address of ours.
DEFAULTS: Final[Mapping[str, str]] = {
    "SOBANK_WEB_PORT": "8080",
    "SOBANK_PRIVATE_PARTNERS": "no",
    "SOBANK_OPERATORS": "",
}
#: The only port that anybody outside may knock at, and only from this machine.
PUBLISHED: Final = {"api-server": ["127.0.0.1:${SOBANK_WEB_PORT:-8080}:8080"]}
#: Runs once, so it has no health but its exit code.
ONE_SHOT: Final = "init"
_VARIABLE: Final = re.compile(r"(?<!\$)\$(?:\{(?P<name>\w+)(?P<rest>[^}]*)\}|(?P<bare>\w+))")
_PINNED: Final = re.compile(r"[\w./-]+:(?!latest)[\w.-]*\d[\w.-]*(@sha256:[0-9a-f]{64})?")
_SECRET: Final = re.compile(r"PASSWORD|SECRET|FERNET|ACCESS_KEY|_KEY\b")
_CONDITIONS: Final = {"service_healthy", "service_completed_successfully"}


def faults(text: str, *, version: str) -> list[str]:
    """What is wrong with a compose file.

    Args:
        text: of the whole file.
        version: of the package; our own image carries it.
    """
    house = yaml.safe_load(text)
    found = [*_variable_faults(text)]
    for name, service in house["services"].items():
        checks = (_image_faults, _shell_faults, _limit_faults, _right_faults, _secret_faults)
        found += [f"{name}: {what}" for check in checks for what in check(service)]
        found += [f"{name}: {what}" for what in _health_faults(name, service)]
        found += [f"{name}: {what}" for what in _order_faults(service, house["services"])]
        found += [f"{name}: {what}" for what in _mount_faults(service, house)]
        if service.get("ports", []) != PUBLISHED.get(name, []):
            found.append(f"{name}: publishes {service.get('ports')}")
        if "build" in service and service["image"] != f"sobank:{version}":
            found.append(f"{name}: the image {service['image']} is not of version {version}")
    return found


def _variable_faults(text: str) -> Iterator[str]:
    used = set()
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        for match in _VARIABLE.finditer(line):
            name, rest = match["name"] or match["bare"], match["rest"] or ""
            used.add(name)
            if name in DEFAULTS:
                if rest != f":-{DEFAULTS[name]}":
                    yield f"{name}: its default is not {DEFAULTS[name]}"
            elif not re.fullmatch(r":\?\S.{5,}", rest):
                yield f"{name}: is not required with a word on what it is"
    for name in sorted(used - {*VARIABLES, *DEFAULTS}):
        yield f"{name}: `make env` does not write it"
    for name in sorted({*VARIABLES, *DEFAULTS} - used):
        yield f"{name}: nothing uses it"


def _image_faults(service: Mapping[str, Any]) -> Iterator[str]:
    if not _PINNED.fullmatch(service.get("image", "")):
        yield f"the image {service.get('image')} is not pinned"
    if "container_name" in service:
        yield "has a name of its own, so it cannot be scaled"


def _shell_faults(service: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(service.get("command"), list):
        yield "its command is no list"
    if not all(isinstance(value, str) for value in service.get("environment", {}).values()):
        yield "a value of its environment is no text"


def _limit_faults(service: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"has no {limit}" for limit in ("mem_limit", "cpus", "pids_limit", "restart") if limit not in service)


def _right_faults(service: Mapping[str, Any]) -> Iterator[str]:
    if service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", []):
        yield "keeps rights of root's"
    if not service.get("read_only"):
        yield "its own file system is writable"
    if service.get("privileged") or service.get("network_mode") == "host" or service.get("pid") == "host":
        yield "has the rights of the machine"


def _secret_faults(service: Mapping[str, Any]) -> Iterator[str]:
    for name, value in ((name, str(value)) for name, value in service.get("environment", {}).items()):
        if _SECRET.search(name) and not any(f"${{{secret}:?" in value for secret in SECRETS):
            yield f"{name} is written here"
        if re.search(r"://[^/@$]*:[^/@$]+@", value):
            yield f"{name} holds a password that is written here"
    if any(f"${{{secret}" in part for part in map(str, service.get("command", [])) for secret in SECRETS):
        yield "its command holds a secret, which every list of processes shows"


def _health_faults(name: str, service: Mapping[str, Any]) -> Iterator[str]:
    check = service.get("healthcheck", {})
    if name == ONE_SHOT:
        if service.get("restart") != "no":
            yield "runs once, and would be started again"
        return
    test = check.get("test")
    if not isinstance(test, list) or test[:1] != ["CMD"] or len(test) < 2:
        yield "has no check of its health that is a list"
    yield from (f"its health has no {limit}" for limit in ("interval", "timeout", "retries") if limit not in check)


def _order_faults(service: Mapping[str, Any], services: Mapping[str, Any]) -> Iterator[str]:
    for name, need in service.get("depends_on", {}).items():
        condition = need.get("condition")
        if name not in services:
            yield f"waits for {name}, which is not here"
        elif condition not in _CONDITIONS:
            yield f"waits for {name} only to be started"
        elif (name == ONE_SHOT) != (condition == "service_completed_successfully"):
            yield f"waits for {name} to be what it never is"
        if "profiles" in services.get(name, {}) and "profiles" not in service:
            yield f"waits for {name}, which starts only when asked for"


def _mount_faults(service: Mapping[str, Any], house: Mapping[str, Any]) -> Iterator[str]:
    for mount in service.get("volumes", []):
        source, _, _ = mount.partition(":")
        if source.startswith("./"):
            if not (REPOSITORY / source).exists():
                yield f"mounts {source}, which is not here"
            if not mount.endswith(":ro"):
                yield f"may write to {source} of this checkout"
        elif not source.startswith("/") and source not in house["volumes"]:
            yield f"the volume {source} is not declared"
        elif "docker.sock" in mount:
            yield "holds the engine itself"
    for network in service.get("networks", []):
        if network not in house["networks"]:
            yield f"the network {network} is not declared"


def main() -> int:
    """Say everything that is wrong with the file of this checkout; 0 if nothing is, 1 else."""
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    found = faults((REPOSITORY / "docker-compose.yaml").read_text("utf-8"), version=version)
    sys.stdout.write(
        "".join(f"docker-compose.yaml: {what}\n" for what in found) or "docker-compose.yaml: as it should\n"
    )
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
