"""Airflow's API as the visitor himself: his own token, so that he can do there what Airflow lets him, and no more."""

from __future__ import annotations

from typing import Final

from fastapi import Request

from sobank.scheduler import AirflowApi
from sobank.web.rights import Here

#: Where Airflow's own pages keep it.
_COOKIE: Final = "_token"


def airflow_of(request: Request, here: Here, *, hurried: bool) -> AirflowApi | None:
    """Airflow as who asks; None where his request has no token, or nobody says where Airflow is. To be closed.

    The address comes from settings alone, never from the request: a token is sent nowhere else.
    """
    token = _token(request)
    url = (here.house.airflow_url() or _own_address()) if token else ""
    return AirflowApi(url=url, token=token, hurried=hurried) if url else None


def _token(request: Request) -> str | None:
    """The one by which Airflow has told who he is: that of the header wins over the cookie."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and given:
        return given.strip()
    return request.cookies.get(_COOKIE)


def _own_address() -> str:
    """Where the Airflow that serves these pages says that it is."""
    from airflow.configuration import conf  # only a process of Airflow has it set up

    port = conf.get("api", "port", fallback="8080")
    return str(conf.get("api", "base_url", fallback="") or f"http://localhost:{port}")
