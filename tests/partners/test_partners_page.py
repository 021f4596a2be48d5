"""docs/partners.md says what the schema says, and its example is a partner."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sobank.cli import app
from sobank.partners import schema
from sobank.partners.explain import CONNECTION, SETTINGS
from sobank.partners.schema import Key

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "partners.md").read_text("utf-8")
_EXAMPLE = re.compile(r"<!-- checked -->\n```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \|", re.MULTILINE)


def rows(title: str) -> dict[str, str]:
    """First cell → second cell of the rows of one section."""
    section = re.split(r"^#+ ", PAGE.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return dict(_ROW.findall(section))


def takes(keys: tuple[Key, ...]) -> dict[str, str]:
    return {key.name: key.takes for key in keys}


def test_the_page_explains_every_key_of_the_schema_and_no_other() -> None:
    assert rows("Every key") == takes(schema.KEYS) | takes(schema.LIMITS)
    for kind, keys in schema.TRANSPORT.items():
        if keys:
            assert rows(f"`transport` of `{kind}`") == takes(keys)


def test_the_keys_that_may_be_left_out_are_those_of_transport() -> None:
    assert [key.name for key in (*schema.KEYS, *schema.LIMITS) if not key.required] == ["transport"]
    assert not any(key.required for keys in schema.TRANSPORT.values() for key in keys)


@pytest.mark.parametrize("kind", [kind for kind, fields in CONNECTION.items() if fields])
def test_the_page_explains_every_field_of_a_connection_and_every_setting(kind: str) -> None:
    assert rows(f"Connection of `{kind}`") == CONNECTION[kind]
    assert all(f"`{name}`" in PAGE for name in SETTINGS[kind])


def test_the_example_of_the_page_is_a_partner_without_problems(tmp_path: Path) -> None:
    (example,) = _EXAMPLE.findall(PAGE)
    path = tmp_path / "nouveau.yaml"
    path.write_text(example, "utf-8")
    result = CliRunner().invoke(app, ["partners", "check", str(path), "--json"])
    assert result.exit_code == 0, result.output
    partner = json.loads(result.stdout)["partner"]
    assert (partner["code"], partner["sink"], partner["degraded"]) == ("nouveau", "https", [])
