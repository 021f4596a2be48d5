"""Reading a registry file: values as they were written, and a clear word on what cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sobank.errors import RegistryError
from sobank.store.registry_file import read_registry_file


def read(tmp_path: Path, text: str | bytes) -> Any:
    path = tmp_path / "registry.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_registry_file(path)


def test_values_are_what_was_written(tmp_path: Path) -> None:
    text = 'a: [001, 12, "12", no, true, null, ~, 2026-01-05, 1.5, "null"]\nb: {c: }\n'
    assert read(tmp_path, text) == {
        "a": ["001", 12, "12", "no", True, None, None, "2026-01-05", "1.5", "null"],
        "b": {"c": None},
    }


def test_an_empty_file_is_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\nb: 2\n", "line 2, column"),
        ("a: 1\na: 2\n", "line 2 has the key a twice"),
        ("a: &x [1]\nb: *x\n", "line 2 has an alias or a tag"),
        ("a: !!python/name:os.system x\n", "line 1 has an alias or a tag"),
        ("? [a]\n: 1\n", "has a key that is not text"),
        ("a: 1\n---\nb: 2\n", "two documents"),
        ("a: " + "[" * 60 + "]" * 60, "nested deeper"),
        (b"a: \xff\n", "not UTF-8 at byte 3"),
        ("a: \x01\n", "does not allow"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(RegistryError, match=said) as refused:
        read(tmp_path, text)
    assert "registry.yaml" in str(refused.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="No such file"):
        read_registry_file(tmp_path / "absent.yaml")
