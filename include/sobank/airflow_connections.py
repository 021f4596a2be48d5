"""Airflow's connections as logins: the one place where secrets come in (DESIGN §8)."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sobank.domain.sink import Login
from sobank.errors import ConfigurationError

_importing = threading.Lock()


def login_of(connection: str) -> Login:
    """The Airflow connection of that id: from the running task's Airflow, a secrets backend, or `AIRFLOW_CONN_<ID>`.

    Raises:
        ConfigurationError: there is none, or it cannot be read; its content is never part of the message.
    """
    with _logging_left_alone():
        from airflow.sdk import Connection
        from airflow.sdk.exceptions import AirflowException

    try:
        found = Connection.get(connection)
        extra = dict(found.extra_dejson)
    except (AirflowException, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"there is no such Airflow connection, or it cannot be read ({type(error).__name__})",
            subject=f"connection {connection}",
            remedy=f"make it in Airflow (Admin → Connections), or set AIRFLOW_CONN_{connection.upper()}",
        ) from None
    if not found.host and "endpoint_url" not in extra:
        raise ConfigurationError(
            "the Airflow connection names no host", subject=f"connection {connection}", remedy="complete it in Airflow"
        )
    return Login(
        host=found.host or "", port=found.port, user=found.login or None, password=found.password or None, extra=extra
    )


class Logins(dict[str, Login]):
    """Logins by the id of their connection, asked of Airflow once: thousands of batches may share one connection."""

    def __missing__(self, connection: str) -> Login:
        """See `login_of`."""
        self[connection] = found = login_of(connection)
        return found


@contextmanager
def _logging_left_alone() -> Iterator[None]:
    """Airflow's first import has every library log on standard output: there `--json` would be no JSON any more."""
    with _importing:
        if "airflow.settings" in sys.modules:
            yield
            return
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        try:
            yield
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
