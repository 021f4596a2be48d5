"""The simulated partners together: each a server of its own on loopback, with an inbox on disk and a script of faults.

They are the partners of the catalogue, and two more that show the kinds of sink which none of those has: a portal that
takes files over HTTPS, and a store of objects. The files of those two, for SOBANK_PARTNERS, are written beside them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

from sobank.domain.sink import Login
from sobank.errors import ConfigurationError
from sobank.simulator.bank import PARTNERS
from sobank.simulator.connections import Address, Reached
from sobank.simulator.partner_inbox import PartnerInbox
from sobank.simulator.script import Fault, Script


class PartnerServer(Protocol):
    """A simulated partner: in this process, on 127.0.0.1, for as long as it is entered.

    operations, faults: what its script can name. settings: of a connector to it; transport: of a partner's file.
    """

    inbox: PartnerInbox
    script: Script
    operations: frozenset[str]
    faults: frozenset[Fault]
    settings: dict[str, Any]
    transport: dict[str, Any]

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def login(self) -> Login:
        """How to get in, as an Airflow connection would give it."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """Who is simulated, by which class of server, what that needs, and the type of his Airflow connection."""

    code: str
    label: str
    sink: str
    server: str
    needs: str
    conn_type: str

    @property
    def server_class(self) -> Any:
        """The class of his server."""
        module, name = self.server.split(":")
        return getattr(import_module(module), name)

    @property
    def in_catalogue(self) -> bool:
        """Whether the product knows him; else his file is written with his server."""
        return self.code in PARTNERS

    @property
    def connection(self) -> str:
        """Name of his Airflow connection."""
        return f"{self.code}_{self.sink}"


#: Folder of the files of partners whom the catalogue does not have.
CATALOGUE: Final = "catalogue"
_SFTP: Final = {
    "sink": "sftp",
    "server": "sobank.simulator.partner_sftp:SftpPartner",
    "needs": "asyncssh",
    "conn_type": "sftp",
}
_HTTPS: Final = {"sink": "https", "needs": "h11", "conn_type": "http"}
_SEATS: Final = (
    Seat(code="fizen", label="Fizen", **_SFTP),
    Seat(code="fulll", label="Fulll", **_SFTP),
    Seat(code="inqom", label="Inqom", **_SFTP),
    Seat(
        code="myunisoft",
        label="MyUnisoft",
        server="sobank.simulator.partner_https:MyUnisoftPartner",
        **_HTTPS,
    ),
    Seat(
        code="portail",
        label="Portail (simulated, HTTPS)",
        server="sobank.simulator.partner_https:GenericPartner",
        **_HTTPS,
    ),
    Seat(
        code="entrepot",
        label="Entrepôt (simulated, S3)",
        sink="s3",
        server="sobank.simulator.partner_s3:S3Partner",
        needs="moto",
        conn_type="aws",
    ),
)
SEATS: Final[Mapping[str, Seat]] = {seat.code: seat for seat in _SEATS}


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulated:
    """One partner who listens, and how one gets in.

    folder: what he received lies in its `inbox/`, what he took out of that in `taken/`.
    """

    seat: Seat
    folder: Path
    server: PartnerServer
    login: Login

    @property
    def where(self) -> str:
        """Address and port, without secrets."""
        return str(self.login.extra.get("endpoint_url") or f"{self.login.host}:{self.login.port}")

    @property
    def address(self) -> Address:
        """How he is reached."""
        reached = Reached(connection=self.seat.connection, settings=self.server.settings)
        return Address(partner=self.seat.code, reached=reached, conn_type=self.seat.conn_type, login=self.login)


@contextmanager
def serving(
    folder: Path,
    *,
    only: Collection[str] = (),
    greedy: Collection[str] = (),
    new_host_key: Collection[str] = (),
    port: int = 0,
) -> Iterator[list[Simulated]]:
    """The partners, each listening on a port of its own; they stop when the block ends.

    Args:
        folder: of all of them; each has a folder of his code in it, and keeps keys and port there for the next time.
        only: codes; all who can be served here if empty. greedy: codes of those who take files away at once.
        new_host_key: codes of those who show another host key than the one that `Simulated.address` pins.
        port: of the first, the others on those after it; 0 takes free ones, or those of the last time.
    Raises:
        ConfigurationError: there is no such partner, a port is taken, or a library that a server needs is missing.
    """
    for code in (*only, *greedy, *new_host_key):
        seat_of(code)
    with ExitStack() as stack:
        there: list[Simulated] = []
        for seat in _SEATS:
            if only and seat.code not in only:
                continue
            if missing := _missing(seat):
                if only:
                    raise ConfigurationError(
                        f"the library {missing} is not installed",
                        subject=seat.code,
                        remedy="install requirements-dev.txt",
                    )
                continue
            wanted = port + len(there) if port else 0
            one = _seated(stack, seat, folder / seat.code, greedy=seat.code in greedy, port=wanted)
            if seat.code in new_host_key:
                _change_host_key(one)
            there.append(one)
        yield there


def _missing(seat: Seat) -> str:
    """Name of the library that his server needs and that is not installed here."""
    try:
        import_module(seat.needs)
    except ModuleNotFoundError:
        return seat.needs
    return ""


def _seated(stack: ExitStack, seat: Seat, own: Path, *, greedy: bool, port: int) -> Simulated:
    own.mkdir(mode=0o750, parents=True, exist_ok=True)
    kept = own / "port"
    if not port and kept.exists():
        port = int(kept.read_text("ascii"))
    try:
        # Connectors go on naming the bucket after the next start, and another folder has another one.
        more = {"bucket": f"entrepot-{sha256(str(own).encode()).hexdigest()[:12]}"} if seat.sink == "s3" else {}
        made = stack.enter_context(seat.server_class(own, greedy=greedy, port=port, **more))
    except OSError as error:
        raise ConfigurationError(
            f"cannot be listened on ({error.strerror})",
            subject=f"port {port} of {seat.code}",
            remedy="stop what listens there, or choose others with --port",
        ) from None
    if seat.sink == "s3":
        _show_on_disk(made)
    one = Simulated(seat=seat, folder=own, server=made, login=made.login())
    kept.write_text(one.where.rpartition(":")[2], "ascii")
    return one


def _show_on_disk(store: Any) -> None:
    """Keep `inbox/` as the bucket is, whose objects lie in memory only; and let it begin as it was left."""
    inbox = store.inbox
    for path in inbox.folder.glob("[!.]*"):
        inbox.put(path.name, path.read_bytes())
    look = inbox.arrived

    def arrived() -> None:
        # Called by the store after every object, while no other request changes anything.
        look()
        there = inbox.final()
        shown = {path.name for path in inbox.folder.glob("[!.]*")}
        for name in there.keys() - shown:
            (inbox.folder / f".{name}").write_bytes(there[name])
            (inbox.folder / f".{name}").rename(inbox.folder / name)
        for name in shown - there.keys():
            (inbox.folder / name).unlink()

    inbox.arrived = arrived


def _change_host_key(one: Simulated) -> None:
    change = getattr(one.server, "change_host_key", None)
    if change is None:
        raise ConfigurationError(
            "has no host key", subject=one.seat.code, remedy="name a partner who is served by SFTP"
        )
    change()


def seat_of(code: str) -> Seat:
    """The simulated partner of that code; ConfigurationError if there is none."""
    if code not in SEATS:
        raise ConfigurationError(
            "there is no such simulated partner", subject=code, remedy=f"choose among {', '.join(SEATS)}"
        )
    return SEATS[code]


def write_partner_files(folder: Path, there: Collection[Simulated]) -> Path:
    """Write the files of the partners that the catalogue does not have; their folder, for SOBANK_PARTNERS."""
    (folder / CATALOGUE).mkdir(exist_ok=True)
    for one in (one for one in there if not one.seat.in_catalogue):
        retention = json.dumps(getattr(one.server, "remembers_days", None))
        text = _PARTNER_FILE.format(seat=one.seat, transport=json.dumps(_transport(one)), retention=retention)
        (folder / CATALOGUE / f"{one.seat.code}.yaml").write_text(text, "utf-8")
    return folder / CATALOGUE


def _transport(one: Simulated) -> dict[str, Any]:
    # Tests wait for silence as briefly as they can; who plays here waits as long as for anybody.
    return {key: value for key, value in one.server.transport.items() if key != "timeout_seconds"}


_PARTNER_FILE: Final = """# A partner of the simulator: not for real deliveries.
code: {seat.code}
label: "{seat.label}"
sink: {seat.sink}
format: cfonb120
object_name: "SOBANK_{{cabinet}}_{{connector}}_{{business_date:%Y%m%d}}_{{seq:03d}}.cfonb.txt"
terminator: CRLF
encoding: ISO-8859-1
limits:
  max_bytes: null
  max_statements: null
idempotency_retention_days: {retention}
accepts_corrections: false
transport: {transport}
"""
