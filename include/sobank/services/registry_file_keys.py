"""Reading the keys of a registry file one by one: what is wrong is noted by its place, and the reading goes on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from sobank.errors import RegistryError
from sobank.services.identity import MAX_TEXT, checked_address, checked_siret, checked_software

if TYPE_CHECKING:
    from sobank.services.registry_file import Reading

_SHAPES: Final = {"siret": "text", "address": "text", "production_software": "list of texts"}


def keys_of(tree: object, place: str, reading: Reading, known: set[str]) -> dict[str, Any]:
    """A mapping of known keys; an empty one where it is none."""
    if not isinstance(tree, dict):
        reading.fault(place, f"is not a mapping with the keys {', '.join(sorted(known))}")
        return {}
    for key in tree.keys() - known:
        reading.fault(f"{place}.{key}", f"is an unknown key; the keys here are {', '.join(sorted(known))}")
    return tree


def list_at(keys: dict[str, Any], key: str, place: str, reading: Reading) -> list[Any]:
    """The list under a key, empty where there is none."""
    found = keys.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        reading.fault(f"{place}.{key}".lstrip("."), "is not a list")
        return []
    return found


def text_at(
    keys: dict[str, Any],
    key: str,
    place: str,
    reading: Reading,
    pattern: re.Pattern[str] | None = None,
    must_be: str = "",
) -> str:
    """The text under a key that must be there, empty where it is wrong."""
    found = keys.get(key)
    if found is None:
        reading.fault(f"{place}.{key}", "is missing")
        return ""
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)  # a number without leading zeros: nothing of what was written is lost
    if not isinstance(found, str) or not 0 < len(found.strip()) <= MAX_TEXT or min(found) < " ":
        reading.fault(f"{place}.{key}", f"is not a text of 1 to {MAX_TEXT} printable characters")
        return ""
    if pattern and not pattern.fullmatch(found):
        reading.fault(f"{place}.{key}", f"must be {must_be}")
    return found


def identity_at(keys: dict[str, Any], place: str, reading: Reading) -> dict[str, Any]:
    """Who a cabinet or a dossier is; null takes away all but the name."""
    fields: dict[str, Any] = {}
    if "name" in keys:
        fields["name"] = text_at(keys, "name", place, reading)
    checks: dict[str, Callable[[Any], object]] = {
        "siret": lambda found: checked_siret(_written(found)),
        "address": lambda found: checked_address(_written(found)),
        "production_software": lambda found: checked_software(_each_written(found)),
    }
    for key, check in checks.items():
        if key not in keys:
            continue
        try:
            fields[key] = None if keys[key] is None else check(keys[key])
        except (RegistryError, TypeError) as error:
            what = error.what if isinstance(error, RegistryError) else f"is a {_SHAPES[key]}, or null"
            reading.fault(f"{place}.{key}", what)
    return fields


def _written(found: object) -> str:
    """The text as it stands in the file, a number without leading zeros too."""
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise TypeError
    return str(found)


def _each_written(found: object) -> list[str]:
    if not isinstance(found, list):
        raise TypeError
    return [_written(one) for one in found]


def flag_at(keys: dict[str, Any], place: str, reading: Reading) -> dict[str, Any]:
    """Whether the thing is closed, where that is said."""
    if "closed" not in keys:
        return {}
    if not isinstance(keys["closed"], bool):
        reading.fault(f"{place}.closed", "is neither true nor false")
    return {"closed": keys["closed"] is True}


def note_twice(reading: Reading, kind: str, found: list[tuple[str, Any]]) -> None:
    """Note things that stand in two places."""
    first: dict[Any, str] = {}
    for place, key in found:
        if key and first.setdefault(key, place) != place:
            reading.fault(place, f"is the same {kind} as {first[key]}")
