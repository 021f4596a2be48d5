"""Every error this product raises, as one tree.

    SobankError                     exit 1   what happened, to what, what to do
    ├── ConfigurationError          exit 2   a setting, a connection or an argument is wrong
    ├── InputRefused                exit 3   received bytes that cannot be taken in
    │   ├── UnknownFormat                    no format claims the file
    │   ├── AmbiguousFormat                  two formats claim the file
    │   └── UnsafeInput                      DOCTYPE, zip bomb, over a size or depth bound
    ├── RegistryError               exit 4   a rule of the registry refuses the change (A1–A13)
    │   ├── NotAllowed                       the profile has no right to it (A2, A4)
    │   ├── NotFound                         no such cabinet, account, connector… within the caller's scope
    │   ├── ConnectorInUse                   accounts or batches still hang on the connector (A3)
    │   ├── ConnectorNotOnCabinet            the connector is not one of the cabinet's (A4)
    │   └── InvalidIban                      structure, RIB key or country (A9, S13)
    ├── ContractError               exit 5   data contracts
    │   ├── ContractInvalid                  the YAML says something we cannot carry out
    │   └── CheckBroken                      a check could not be run: never a verdict on the data
    ├── LedgerError                 exit 6   the delivery ledger refuses
    │   ├── ForbiddenTransition              not in the table of states (DESIGN §6)
    │   └── FenceLost                        somebody else owns the batch now: stop at once
    ├── DeliveryIncomplete          exit 10  batches of this run have not arrived; their destinations say why
    ├── SinkError                   exit 7   a partner's side; a closed set (DESIGN §6)
    │   ├── Transient                        proved not received: may be sent again
    │   ├── Unknown                          no answer, or one we do not understand: probe before sending
    │   ├── Rejected                         the partner refuses these bytes
    │   │   └── Doubtful                     only a person can tell whether they arrived: the batch is held
    │   │       └── NameTaken                other bytes are there under the same name
    │   └── ConfigFault                      authentication, host key, missing folder: nothing was sent
    ├── DecisionConflict            exit 6   the facts moved under a decision; run it again
    ├── SchedulerError              exit 8   Airflow's API is away or answers no
    ├── ProofFailed                 exit 9   a statement is missing, doubled or pending, or a cent is off (D10)
    │   └── TrailBroken                      an audit event was changed, removed or put in (A13)
    ├── DatabaseAway                exit 11  our database cannot be reached, or went away
    └── StoreAway                   exit 12  the store of objects does not answer: run files, spool, archive

Messages never hold a secret, a label, or a full IBAN (O3): subjects are masked where they are made.
"""

from __future__ import annotations

from typing import ClassVar


class SobankError(Exception):
    """What happened (`what`), to what (`subject`), and what to do about it (`remedy`)."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, subject: str = "", remedy: str = "") -> None:
        self.what = what
        self.subject = subject
        self.remedy = remedy
        super().__init__(what, subject, remedy)

    def __str__(self) -> str:
        head = f"{self.subject}: {self.what}" if self.subject else self.what
        return f"{head}\n  → {self.remedy}" if self.remedy else head


class ConfigurationError(SobankError):
    """A setting, a connection or an argument is wrong."""

    exit_code = 2


class InputRefused(SobankError):
    """Received bytes that cannot be taken in; the file is set aside whole, nothing of it is stored."""

    exit_code = 3

    def of(self, name: str) -> InputRefused:
        """The same refusal, with the file first: a reader knows a place in the bytes, not their name."""
        if not self.subject.startswith(name):
            self.subject = f"{name}, {self.subject}" if self.subject else name
            self.args = (self.what, self.subject, self.remedy)
        return self


class UnknownFormat(InputRefused):
    """No format claims the file."""


class AmbiguousFormat(InputRefused):
    """More than one format claims the file."""


class UnsafeInput(InputRefused):
    """A DOCTYPE, an entity, a zip bomb, or anything over a declared bound."""


class RegistryError(SobankError):
    """A rule of the registry refuses the change."""

    exit_code = 4


class NotAllowed(RegistryError):
    """The profile of the actor has no right to the action (A2, A4)."""


class NotFound(RegistryError):
    """No such thing within the caller's scope."""


class ConnectorInUse(RegistryError):
    """Accounts are associated with the connector, or a batch for it is not final (A3)."""


class ConnectorNotOnCabinet(RegistryError):
    """The connector is not one of the cabinet's (A4)."""


class InvalidIban(RegistryError):
    """Structure, RIB key or country of an IBAN is wrong (A9, S13)."""


class ContractError(SobankError):
    """Data contracts."""

    exit_code = 5


class ContractInvalid(ContractError):
    """The contract's YAML says something that cannot be carried out."""


class CheckBroken(ContractError):
    """A check could not be run. Never a verdict on the data: the run fails, nothing is quarantined."""


class LedgerError(SobankError):
    """The delivery ledger refuses."""

    exit_code = 6


class ForbiddenTransition(LedgerError):
    """A change of state that the table of DESIGN §6 does not have."""


class FenceLost(LedgerError):
    """Another worker has claimed the batch since: this one must stop at once."""


class DecisionConflict(LedgerError):
    """The facts moved under a decision; nothing was written, run it again."""


class SinkError(SobankError):
    """A partner's side. The four kinds below are the whole set; anything else is `Unknown`.

    `retry_after`: seconds that the partner asks us to stay away, None where it does not say.
    """

    exit_code = 7

    def __init__(self, what: str, *, subject: str = "", remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(what, subject=subject, remedy=remedy)
        self.retry_after = retry_after


class Transient(SinkError):
    """Proved not received: the same bytes may be sent again."""


class Unknown(SinkError):
    """No answer, or one that is not understood: probe before sending again."""


class Rejected(SinkError):
    """The partner refuses these bytes."""


class Doubtful(Rejected):
    """Only a person can tell whether the bytes arrived, and sending them again could double them."""


class NameTaken(Doubtful):
    """Other bytes are there under the same name; they were not replaced, and a person must look."""


class ConfigFault(SinkError):
    """Authentication, host key, missing folder, full quota: nothing was sent, a person must act."""


class SchedulerError(SobankError):
    """Airflow's API is away or answers no."""

    exit_code = 8


class ProofFailed(SobankError):
    """The proof of a day does not hold (D10)."""

    exit_code = 9


class TrailBroken(ProofFailed):
    """The chain of audit events does not hold: one was changed, removed or put in (A13)."""


class DeliveryIncomplete(SobankError):
    """Batches have not arrived; nothing is lost, the message names the destinations (D8)."""

    exit_code = 10


class DatabaseAway(SobankError):
    """Our database cannot be reached or went away; what was not committed is undone, and the next run takes it up."""

    exit_code = 11


class StoreAway(SobankError):
    """The store of objects does not answer, or does not do what it is asked: the task fails and may be run again."""

    exit_code = 12
