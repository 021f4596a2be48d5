"""Files encrypted with age: who can read them, how much larger they are, and which settings are refused."""

from __future__ import annotations

from typing import Any

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sobank.errors import ConfigurationError
from sobank.formats.age_file import check, encrypt, room

PAYLOAD = b"0110278    00001EUR2 00012345678  020326".ljust(120) * 3
IDENTITY = pyrage.x25519.Identity.generate()
KEY = str(IDENTITY.to_public())


def ssh_pair(key: Any) -> tuple[str, Any]:
    """The line of a `.pub` file, and who reads with its private key."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return f"{line} somebody@example", pyrage.ssh.Identity.from_buffer(private)


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 200_000])
def test_whoever_holds_the_key_reads_the_very_bytes(size: int) -> None:
    sealed = encrypt(b"x" * size, {"age": [KEY]})
    assert sealed.startswith(b"age-encryption.org/v1\n")
    assert pyrage.decrypt(sealed, [IDENTITY]) == b"x" * size


def test_each_of_several_recipients_reads_it_with_his_own_key_and_nobody_else_does() -> None:
    ed25519, of_ed25519 = ssh_pair(Ed25519PrivateKey.generate())
    rsa, of_rsa = ssh_pair(generate_private_key(65537, 2048))
    sealed = encrypt(PAYLOAD, {"age": [KEY, ed25519, rsa]})
    assert [pyrage.decrypt(sealed, [who]) for who in (IDENTITY, of_ed25519, of_rsa)] == [PAYLOAD] * 3
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [pyrage.x25519.Identity.generate()])


def test_nothing_of_the_file_is_in_the_encrypted_one() -> None:
    assert PAYLOAD[:40] not in encrypt(PAYLOAD, {"age": [KEY]})


WRONG: list[Any] = [
    None, "", KEY, [KEY], {}, {"age": []}, {"age": KEY}, {"age": None}, {"age": [KEY], "openpgp": []}, {"gpg": [KEY]},
    {"age": [KEY] * 21}, {"age": [None]}, {"age": [7]}, {"age": [""]}, {"age": [KEY, KEY[:-1]]},
    {"age": [KEY[:-1] + ("q" if KEY[-1] != "q" else "p")]}, {"age": ["age1"]}, {"age": ["ssh-rsa AAAA"]},
    {"age": ["ssh-dss AAAAB3NzaC1kc3MAAACBAP"]}, {"age": ["-----BEGIN PGP PUBLIC KEY BLOCK-----"]},
    {"age": ["ssh-ed25519 " + "A" * 5000]}, {"age": [str(IDENTITY)]}, {"age": [str(IDENTITY).lower()]},
]  # fmt: skip


@pytest.mark.parametrize("encryption", WRONG, ids=range(len(WRONG)))
def test_a_setting_that_names_no_recipient_is_refused_with_its_place_and_shows_no_key(encryption: Any) -> None:
    for use in (check, lambda wrong: encrypt(PAYLOAD, wrong)):
        with pytest.raises(ConfigurationError) as raised:
            use(encryption)
        assert raised.value.subject.startswith("encryption")
        assert "age1…" in raised.value.remedy
        told = str(raised.value)
        assert not [key for key in (KEY, str(IDENTITY)) for n in range(len(key) - 16) if key[n : n + 16] in told]


def test_a_secret_key_is_named_as_what_it_is() -> None:
    with pytest.raises(ConfigurationError, match="secret key"):
        check({"age": [str(IDENTITY)]})


@pytest.mark.parametrize("keys", [1, 3, 20])
@pytest.mark.parametrize("most", [10_000, 65_536, 1_000_000])
def test_what_has_room_never_becomes_larger_than_the_limit(keys: int, most: int) -> None:
    encryption = {"age": [KEY] * keys}
    plain = room(most, encryption)
    assert most - plain < 1_500 + 350 * keys + most // 1_000
    for _ in range(20):  # age adds a line of noise of a random length
        assert len(encrypt(b"x" * plain, encryption)) <= most


def test_a_large_ssh_key_is_counted_too() -> None:
    line, _ = ssh_pair(generate_private_key(65537, 4096))
    encryption = {"age": [line] * 3}
    assert len(encrypt(b"x" * room(20_000, encryption), encryption)) <= 20_000


def test_a_limit_below_the_header_leaves_no_room() -> None:
    assert room(100, {"age": [KEY]}) == 0


def test_a_setting_that_is_wrong_changes_no_limit() -> None:
    assert room(1_000, {"age": ["nobody"]}) == 1_000
