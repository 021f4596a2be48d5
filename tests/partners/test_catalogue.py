"""The catalogue of partners (A1): one YAML file each, refused with line, key and what would be right."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sobank.errors import ConfigurationError
from sobank.partners import FOLDER, catalogue, check_partner, read_partner
from sobank.partners.reading import MAX_BYTES
from sobank.sinks.names import allowed

GOOD = (FOLDER / "fizen.yaml").read_text("utf-8")
HTTPS = GOOD.replace("sink: sftp", "sink: https").replace("  marker: null\n  staging: null", '  path: "/files/{name}"')
TRANSPORT = "transport:\n  marker: null"


def problems_of(folder: Path, text: str | bytes, name: str = "fizen.yaml") -> list[str]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    partner, problems = check_partner(path)
    assert (partner is None) == bool(problems)
    return [str(problem) for problem in problems]


def test_the_four_partners_are_there_with_their_channel() -> None:
    found = {code: (partner.label, partner.sink) for code, partner in catalogue().items()}
    assert found == {
        "fizen": ("Fizen", "sftp"),
        "fulll": ("Fulll", "sftp"),
        "inqom": ("Inqom", "sftp"),
        "myunisoft": ("MyUnisoft", "https"),
    }


def test_myunisoft_is_asked_no_faster_than_its_guide_allows() -> None:
    assert catalogue()["myunisoft"].transport == {
        "dialect": "myunisoft", "requests": 20, "per_seconds": 10, "at_once": 10
    }  # fmt: skip


def test_what_is_not_known_publicly_is_null_and_the_file_says_so() -> None:
    for path in FOLDER.glob("*.yaml"):
        partner = read_partner(path)
        assert (partner.max_bytes, partner.max_statements, partner.idempotency_retention_days) == (None, None, None)
        assert "Not known publicly, so null" in path.read_text("utf-8")


def test_a_name_depends_on_cabinet_connector_day_and_number_and_on_nothing_else() -> None:
    partner = catalogue()["myunisoft"]
    name = partner.name_of(cabinet="CAB001", connector="myunisoft-2", business_date=date(2026, 1, 5), seq=2)
    assert name == "SOBANK_CAB001_myunisoft-2_20260105_002.dat"


def test_adding_a_partner_is_adding_one_file(tmp_path: Path) -> None:
    (tmp_path / "fizen.yaml").write_text(GOOD, "utf-8")
    (tmp_path / "nouveau.yaml").write_text(GOOD.replace("code: fizen", "code: nouveau"), "utf-8")
    (tmp_path / "README.md").write_text("not a partner", "utf-8")
    assert set(catalogue(tmp_path)) == {"fizen", "nouveau"}


def test_a_folder_of_further_partners_adds_to_the_catalogue_and_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "nouveau.yml").write_text(GOOD.replace("code: fizen", "code: nouveau"), "utf-8")
    assert set(catalogue(further=tmp_path)) == {"fizen", "fulll", "inqom", "myunisoft", "nouveau"}
    (tmp_path / "fizen.yaml").write_text(GOOD, "utf-8")
    with pytest.raises(ConfigurationError, match="has a partner fizen already"):
        catalogue(further=tmp_path)
    with pytest.raises(ConfigurationError, match="SOBANK_PARTNERS"):
        catalogue(further=tmp_path / "missing")


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("label: Fizen", "label: Fizen\ncolour: blue", "line 6, colour:", "unknown key; the keys here are code"),
        ("label: Fizen\n", "lable: Fizen\n", "line 5, lable:", "did you mean label?"),
        ("label: Fizen\n", "", "label:", "is missing; add `label: "),
        ("label: Fizen", 'label: ""', "line 5, label:", "1 to 80 characters"),
        ("label: Fizen", "label: Fizen\npassword: hunter2", "line 6, password:", "in the Airflow connection"),
        ("label: Fizen", "label: Fizen\nlabel: Fizen", "line 6, label:", "is there twice; keep it here or on line 5"),
        ("code: fizen", "code: autre", "line 4, code:", "is not the name of the file, fizen"),
        ("sink: sftp", "sink: fax", "line 6, sink:", "takes folder, sftp, https or s3; here is 'fax'"),
        ("sink: sftp", "sink: SFTP", "line 6, sink:", "did you mean sftp?"),
        ("terminator: CRLF", "terminator: CR", "line 9, terminator:", "takes CRLF or LF"),
        ("max_bytes: null", "max_bytes: -1", "line 12, limits.max_bytes:", "bytes, from 1; here is '-1'"),
        ("max_bytes: null", "max_bytes: true", "line 12, limits.max_bytes:", "a whole number of bytes"),
        ("max_bytes: null", "max_bytes: [1]", "line 12, limits.max_bytes:", "here is 'a list or a mapping'"),
        ("max_bytes: null", "max_octets: 1", "line 12, limits.max_octets:", "did you mean max_bytes?"),
        ("corrections: false", "corrections: maybe", "line 15, accepts_corrections:", "takes true or false"),
        ("_{seq:03d}", "", "line 8, object_name:", "the same name: {seq} is missing"),
        ("{cabinet}_", "{cabinet}", "line 8, object_name:", "no _ or . stands before {connector}"),
        ("{cabinet}", "{client}", "line 8, object_name:", "{client} is none of them"),
        ("{cabinet}", "{cabinet.__class__}", "line 8, object_name:", "is none of them"),
        ("{seq:03d}", "{seq:0999999999d}", "line 8, object_name:", "a form of {seq} that is not taken"),
        ("%Y%m%d", "%m%d", "line 8, object_name:", "year, month and day"),
        ("SOBANK_", "../", "line 8, object_name:", "other characters"),
        ("SOBANK_", "_", "line 8, object_name:", "begin with a letter"),
        ("SOBANK_", "S" * 100, "line 8, object_name:", "longer than 180"),
        ("SOBANK_{", "SOBANK_{{", "line 8, object_name:", "is not a template"),
        ("marker: null", "marker: ok", "line 17, transport.marker:", "a suffix"),
        ("marker: null", "maker: .ok", "line 17, transport.maker:", "did you mean marker?"),
        ("staging: null", "staging: a/b", "line 18, transport.staging:", "no path"),
        ("staging: null", "staging: ..", "line 18, transport.staging:", "no path"),
        ("marker: null", "part_bytes: 5242880", "line 17, transport.part_bytes:", "a key of s3, and the sink is sftp"),
        ("marker: null", "at_once: 0", "line 17, transport.at_once:", "1 to 1000"),
        ("transport:", "marker: .ok\ntransport:", "line 16, marker:", "write it under transport:"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_by_line_key_and_what_would_be_right(
    tmp_path: Path, old: str, new: str, place: str, said: str
) -> None:
    assert old in GOOD
    (problem,) = problems_of(tmp_path, GOOD.replace(old, new, 1))
    assert problem.startswith(place)
    assert said in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("transport", "said"),
    [
        ('{dialect: generic, path: "/f/{name}", probe: "/f?key={key}"}', None),
        ('{path: "/f/{name}", requests: 20, per_seconds: 10}', None),
        ("{dialect: myunisoft}", None),
        ('{path: "/f", requests: 20}', "one half of a rate limit"),
        ("{dialect: generic}", "transport.path: is missing"),
        ("{}", "transport.path: is missing"),
        ("null", "transport.path: is missing"),
        ('{dialect: myunisoft, probe: "/f/{key}"}', "MyUnisoft cannot be asked"),
        ('{path: "/f", probe: "/f"}', "with {key} or {name} in it"),
        ('{path: "https://elsewhere/f"}', "a path from /"),
        ('{path: "//elsewhere/f"}', "a path from /"),
        ('{path: "/a/../{name}"}', "a path from /"),
        ('{path: "/f/{seq}"}', "where {name} stands"),
        ('{path: "/f", marker: .ok}', "a key of sftp, and the sink is https"),
        ("[]", "transport: is not a mapping"),
    ],
)
def test_what_transport_takes_depends_on_the_kind_of_sink(tmp_path: Path, transport: str, said: str | None) -> None:
    text = HTTPS.replace('transport:\n  path: "/files/{name}"', f"transport: {transport}")
    found = problems_of(tmp_path, text)
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


def test_every_problem_of_a_file_is_told_at_once_in_order_of_lines(tmp_path: Path) -> None:
    text = (
        GOOD.replace("label:", "lable:").replace("sink: sftp", "sink: fax").replace("max_bytes: null", "max_bytes: x")
    )
    found = problems_of(tmp_path, text)
    assert [problem.split(":")[0] for problem in found] == [
        "line 5, lable",
        "line 6, sink",
        "line 12, limits.max_bytes",
    ]


def test_every_wrong_file_of_the_catalogue_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("code: a", "utf-8")
    (tmp_path / "b.yaml").write_text("a: [", "utf-8")
    with pytest.raises(ConfigurationError) as refused:
        catalogue(tmp_path)
    assert refused.value.exit_code == 2
    assert "a.yaml: label: is missing" in str(refused.value)
    assert "b.yaml: line 1: is not readable YAML" in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"- a\n", b"a: [", b"\xff\xfe\xfa", b"\x00", b"a: &a [*a]\n", b"[" * 5000, b"code: a\n---\ncode: b\n",
        b"? [a]\n: b\n", b"code: 2026-99-99\n", b" " * (MAX_BYTES + 1),
    ],
)  # fmt: skip
def test_content_that_is_no_partner_is_refused_and_never_crashes(tmp_path: Path, content: bytes) -> None:
    assert problems_of(tmp_path, content)


def test_a_file_that_is_not_there_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    partner, problems = check_partner(tmp_path / "gone.yaml")
    assert partner is None
    assert "No such file" in str(problems[0])


def test_a_name_that_the_schema_lets_through_is_one_that_sinks_let_through() -> None:
    for partner in catalogue().values():
        day = date(2026, 12, 31)
        assert allowed(partner.name_of(cabinet="C" * 40, connector="c" * 40, business_date=day, seq=99_999))
