"""The compose file of this checkout, with the variables of one .env filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT = (REPOSITORY / "docker-compose.yaml").read_text("utf-8")
_VARIABLE = re.compile(r"(?<!\$)\$\{(\w+):([?-])([^}]*)\}")


def filled(values: Mapping[str, str]) -> dict[str, Any]:
    """The file as Compose reads it; KeyError names a required variable without value."""
    text = _VARIABLE.sub(lambda found: values[found[1]] if found[2] == "?" else values.get(found[1], found[3]), TEXT)
    tree: dict[str, Any] = yaml.safe_load(text)
    return tree
