"""Composition root: settings → objects. The only reader of the environment and of Airflow's connections."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

from sobank.airflow_connections import Logins
from sobank.domain.delivery import Batch
from sobank.domain.manifest import manifest
from sobank.domain.roles import Operator
from sobank.domain.sink import Reach, Sink
from sobank.domain.trace import Intake, Record
from sobank.errors import ConfigurationError
from sobank.formats.cfonb120_tally import Tally, tally
from sobank.partners import Partner
from sobank.partners import catalogue as partner_catalogue
from sobank.services.decide import GLOBAL_FILE, Encryption, Envelope
from sobank.services.ingest import Collaborators
from sobank.services.worker import Worker
from sobank.settings import Settings
from sobank.sinks import sink_class
from sobank.sinks.folder import FolderSink
from sobank.store.circuits import Circuits
from sobank.store.database import Database
from sobank.store.inbox import Inbox
from sobank.store.ledger import Ledger
from sobank.store.objects import ObjectStore
from sobank.store.place import place_of
from sobank.store.runfiles import RunFiles, newest_run
from sobank.store.schema_version import require_current
from sobank.store.trace import Trace, beside
from sobank.wiring.variables import settings_from

if TYPE_CHECKING:
    from sobank.formats.parsed import Parsed
    from sobank.scheduler import AirflowApi
    from sobank.store import incoming

__all__ = ["House", "settings_from"]

log = logging.getLogger(__name__)
#: Files 0640 in folders 0750, whatever the shell of this process was set to (DESIGN §8).
_UMASK = 0o027
_REPOSITORY = Path(__file__).resolve().parents[3]


class House:
    """The objects that a process works with, made when first asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._logins = Logins()

    @classmethod
    def from_environment(cls) -> House:
        """The house of this process; what it writes from here on is closed to others."""
        os.umask(_UMASK)
        return cls(settings_from(os.environ))

    @classmethod
    def ready(cls) -> House:
        """The house of this process, its database at the schema that this code needs.

        Raises:
            ConfigurationError: the schema is missing, older or newer.
        """
        house = cls.from_environment()
        require_current(house.database)
        return house

    def fresh(self) -> House:
        """This house, but its sinks ask Airflow anew for their connections: for one request of a process that stays."""
        made = copy(self)
        made._logins = Logins()
        return made

    @cached_property
    def database(self) -> Database:
        """Our database; whether its schema is current is asked by `sobank.store.schema_version`."""
        return Database(self.settings.database_url)

    @cached_property
    def spool(self) -> ObjectStore:
        """Sealed payloads."""
        return ObjectStore(self.settings.spool_url)

    @cached_property
    def archive(self) -> ObjectStore:
        """Received files."""
        return ObjectStore(self.settings.archive_url)

    @cached_property
    def partners(self) -> dict[str, Partner]:
        """The catalogue of partners by code, with those of the folder SOBANK_PARTNERS."""
        return partner_catalogue(further=self.settings.partners)

    @property
    def inbox(self) -> Inbox:
        """Where banks' files arrive."""
        return Inbox(self.settings.inbox, quiet_seconds=self.settings.quiet_seconds)

    @property
    def contracts(self) -> Path:
        """Folder of the data contracts."""
        return Path(os.environ.get("SOBANK_CONTRACTS") or _REPOSITORY / "data_contracts")

    def actor(self, name: str) -> str:
        """Whoever acts on the command line under `name`: an `Operator` where SOBANK_OPERATORS has the name."""
        return Operator(name) if name in self.settings.operators else name

    def ingest_parts(self) -> Collaborators:
        """What taking a file in needs.

        Raises:
            ConfigurationError: the database is older than what was sent or taken in. A file that comes now would be
                numbered and judged without those that it lacks.
        """
        self.trace.require_level()
        return replace(self.parts_to_reconcile(), note=self._note_intake)

    def parts_to_reconcile(self) -> Collaborators:
        """What taking files in again needs, from the archive: they are in the trace already."""
        from sobank.formats import catalogue
        from sobank.store import incoming

        def keep(received: incoming.Received, chunks: Iterable[Parsed], now: datetime) -> incoming.Kept:
            return incoming.keep(self.database, received, chunks, now=now)

        return Collaborators(
            archive=self.archive,
            identify=catalogue.identify,
            received=incoming.Received,
            keep=keep,
            note=lambda _intake, _now: None,
            chunk_bytes=self.settings.chunk_bytes,
        )

    def _note_intake(self, intake: Intake, now: datetime) -> None:
        self.trace.write(Record(intakes=(intake,)), token=intake.sha256, now=now)

    def envelopes(self) -> dict[str, Envelope]:
        """How each partner wants its files, by code."""
        return {
            code: Envelope(
                object_name=partner.object_name,
                terminator=partner.terminator,
                max_statements=partner.max_statements,
                max_bytes=partner.max_bytes,
            )
            for code, partner in self.partners.items()
        }

    @property
    def encryption(self) -> Encryption:
        """How files are encrypted for connectors that ask for it."""
        from sobank.formats import age_file  # brings a library that few commands need

        return Encryption(apply=age_file.encrypt, room=age_file.room, check=age_file.check, suffix=age_file.SUFFIX)

    @cached_property
    def ledger(self) -> Ledger:
        """The delivery ledger."""
        return Ledger(self.database, trace=self.trace)

    @cached_property
    def trace(self) -> Trace:
        """What left and what came in, kept where no restore of the database reaches."""
        return Trace(self.settings.trace_url or beside(self.settings.spool_url), self.database)

    def run_files(self, day: date, run: str) -> RunFiles:
        """The files that the tasks of one run hand to one another."""
        return RunFiles(self.settings.runs_url, day=day, run=run)

    def newest_run(self, day: date) -> str | None:
        """Key of the run of that day which was cut into its shards last; None where none was."""
        return newest_run(self.settings.runs_url, day, holding="shards")

    def require_storage(self) -> None:
        """Ask whether the buckets of run files, spool and archive are there; folders are made when they are needed.

        Raises:
            ConfigurationError: one is not, or does not let us in. StoreAway: its store does not answer.
        """
        for url in (self.settings.runs_url, self.settings.spool_url, self.settings.archive_url, self.trace.url):
            if not isinstance(place := place_of(url), Path):
                place.require()

    def worker(self, now: Callable[[], datetime]) -> Worker:
        """This process as one that pushes batches.

        Raises:
            ConfigurationError: the database is older than what was sent.
        """
        self.trace.require_level()
        return Worker(
            name=f"{socket.gethostname()}:{os.getpid()}",
            ledger=self.ledger,
            spool=self.spool,
            now=now,
            sleep=sleep,
            lease=timedelta(seconds=self.settings.lease_seconds),
            at_once=self.settings.destinations_at_once,
            circuits=Circuits(self.database),
            alert=log.error,
        )

    def sink_of(self, batch: Batch) -> Sink:
        """Where a batch is put.

        Raises:
            ConfigurationError: connection, settings or partner of its connector do not make a sink.
        """
        if batch.partner is None:
            folder = self.settings.global_files / batch.cabinet
            return FolderSink(folder, companion=manifest(batch), create=True)
        return self.sink(
            batch.destination,
            partner=batch.partner,
            cabinet=batch.cabinet,
            connection=batch.connection,
            settings=batch.settings,
        )

    def sink(
        self, destination: str, *, partner: str, cabinet: str, connection: str | None, settings: Mapping[str, object]
    ) -> Sink:
        """The sink of a connector: its partner's kind, or a folder where it names no connection.

        Raises:
            ConfigurationError: they do not make a sink.
        """
        if partner not in self.partners:
            raise ConfigurationError(
                f"the catalogue has no partner {partner}",
                subject=destination,
                remedy="put its file back: see SOBANK_PARTNERS",
            )
        dialect = self.partners[partner]
        reach = Reach(
            destination=destination,
            login=self._logins[connection] if connection else None,
            settings=settings,
            transport=dialect.transport,
            remembers_days=dialect.idempotency_retention_days,
            folder=self.settings.home / "partners" / partner / cabinet,
            payload=self.spool.open,
            private=self.settings.private_partners,
        )
        return sink_class(dialect.sink if connection else "folder").of(reach)

    def scheduler(self) -> AirflowApi:
        """Airflow's API, as SOBANK_AIRFLOW_URL, _USER and _PASSWORD give it.

        Raises:
            ConfigurationError: one of them is not set.
        """
        found = {name: os.environ.get(f"SOBANK_AIRFLOW_{name.upper()}", "") for name in ("url", "user", "password")}
        if missing := [f"SOBANK_AIRFLOW_{name.upper()}" for name, value in found.items() if not value]:
            raise ConfigurationError(
                "is not set", subject=", ".join(missing), remedy="give address, user and password of Airflow's API"
            )
        from sobank.scheduler import AirflowApi

        return AirflowApi(url=found["url"], user=found["user"], password=found["password"])

    def airflow_url(self) -> str:
        """Address of Airflow's API by SOBANK_AIRFLOW_URL; "" where only Airflow itself says it."""
        return os.environ.get("SOBANK_AIRFLOW_URL", "")

    def line_ends(self) -> dict[str, int]:
        """Length of the record terminator by partner code, and of the global file under ""."""
        return {"": len(GLOBAL_FILE.terminator)} | {code: len(it.terminator) for code, it in self.partners.items()}

    def read_sealed(self, payload: bytes) -> Tally:
        """Count a payload that we sealed, before it was encrypted.

        How its lines end is read from the first of them: the partner's file may say something else by now.
        """
        return tally(payload, b"\n" if payload[120:121] == b"\n" else b"\r\n")
