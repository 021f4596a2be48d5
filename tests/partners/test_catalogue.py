"""The catalogue of partners (A1): one YAML file each, refused with file and key when wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sobank.errors import ConfigurationError
from sobank.partners import FOLDER, catalogue, read_partner

GOOD = (FOLDER / "fizen.yaml").read_text("utf-8")


def test_the_four_partners_are_there_with_their_channel() -> None:
    found = {code: (partner.label, partner.sink) for code, partner in catalogue().items()}
    assert found == {
        "fizen": ("Fizen", "sftp"),
        "fulll": ("Fulll", "sftp"),
        "inqom": ("Inqom", "sftp"),
        "myunisoft": ("MyUnisoft", "https"),
    }


def test_a_name_depends_on_cabinet_connector_day_and_number_and_on_nothing_else() -> None:
    partner = catalogue()["myunisoft"]
    name = partner.name_of(cabinet="CAB001", connector="myunisoft-2", business_date=date(2026, 1, 5), seq=2)
    assert name == "SOBANK_CAB001_myunisoft-2_20260105_002.dat"


def test_adding_a_partner_is_adding_one_file(tmp_path: Path) -> None:
    (tmp_path / "fizen.yaml").write_text(GOOD, "utf-8")
    (tmp_path / "nouveau.yaml").write_text(GOOD.replace("code: fizen", "code: nouveau"), "utf-8")
    assert set(catalogue(tmp_path)) == {"fizen", "nouveau"}


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("label: Fizen", "label: Fizen\ncolour: blue", "colour", "unknown key"),
        ("label: Fizen\n", "", "label", "is missing"),
        ("code: fizen", "code: autre", "code", "name of the file"),
        ("sink: sftp", "sink: fax", "sink", "not one of folder, sftp"),
        ("terminator: CRLF", "terminator: CR", "terminator", "not one of CRLF, LF"),
        ("max_bytes: null", "max_bytes: -1", "limits.max_bytes", "above 0"),
        ("max_bytes: null", "max_octets: 1", "limits.max_octets", "unknown key"),
        ("corrections: false", "corrections: maybe", "accepts_corrections", "neither true nor false"),
        ("_{seq:03d}", "", "object_name", "same name"),
        ("{cabinet}", "{client}", "object_name", "not a template"),
        ("SOBANK_", "../", "object_name", "other characters"),
    ],
)
def test_a_wrong_file_is_refused_by_file_key_and_what_to_do(
    tmp_path: Path, old: str, new: str, key: str, said: str
) -> None:
    path = tmp_path / "fizen.yaml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new), "utf-8")
    with pytest.raises(ConfigurationError, match=said) as refused:
        read_partner(path)
    assert f"fizen.yaml, {key}" in refused.value.subject
    assert "correct" in refused.value.remedy


def test_a_file_that_is_not_yaml_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "fizen.yaml").write_text("a: [", "utf-8")
    with pytest.raises(ConfigurationError, match=r"fizen\.yaml"):
        catalogue(tmp_path)
