"""Certificates of a simulated partner: a private authority of its own."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sobank.simulator.private_file import write_private

_VALID = timedelta(days=30)
_LEAST = timedelta(days=1)


class PrivateAuthority:
    """Signs certificates. `pem`: its own certificate, for whoever is to trust it.

    Args:
        kept: a file of its key and certificate for the next time; None makes one for this time only.
    """

    def __init__(self, kept: Path | None = None) -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulated partner authority")])
        if kept is None or not kept.exists() or not self._take_up(kept.read_bytes()):
            self._key = ec.generate_private_key(ec.SECP256R1())
            certificate = self._signed(self._name, self._key, [x509.BasicConstraints(ca=True, path_length=0)])
            self.pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
            if kept is not None:
                write_private(kept, _pem(self._key) + self.pem)

    def _take_up(self, content: bytes) -> bool:
        """Go on with a key and a certificate, if it is valid long enough."""
        certificate = x509.load_pem_x509_certificate(content)
        if certificate.not_valid_after_utc < datetime.now(UTC) + _LEAST:
            return False
        key = serialization.load_pem_private_key(content, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101  no other is ever kept
        self._key, self.pem = key, certificate.public_bytes(serialization.Encoding.PEM).decode()
        return True

    def server_context(self, names: tuple[str, ...] = ("127.0.0.1", "localhost")) -> ssl.SSLContext:
        """What a server with these names or addresses speaks TLS with."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = self._signed(subject, key, [x509.SubjectAlternativeName([_general(name) for name in names])])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            chain = Path(folder) / "chain.pem"
            chain.write_bytes(_pem(key).encode() + certificate.public_bytes(serialization.Encoding.PEM))
            context.load_cert_chain(chain)
        return context

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extensions: list[x509.ExtensionType]
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + _VALID)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self._key, hashes.SHA256())


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
