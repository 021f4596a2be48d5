"""Airflow's API, as far as we ask anything of it: days to backfill, runs, tasks and their state."""

from __future__ import annotations

import time
from datetime import date, datetime
from typing import Any, Final

import httpx

from sobank.domain.day import BANK_ZONE, midnight
from sobank.errors import SchedulerError

_TIMEOUT_SECONDS: Final = 30
#: Somebody looks at a page that can do without the answer.
_HURRIED_SECONDS: Final = 3
_BUSY_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
_PAGE: Final = 100
_CORE_COMPONENTS: Final = ("metadatabase", "scheduler", "dag_processor")


class AirflowApi:
    """One Airflow, one user. The token is asked for on the first call and again when it has expired.

    Args:
        url: of the API server. A user and password in it are left out: they would take the place of the token, and
            messages tell where the server is. Proxies of the environment are not used.
        token: of a user who is signed in already; it is used as it is, and user and password are not.
        hurried: answer within seconds or not at all: nothing is asked twice.
    """

    def __init__(
        self, *, url: str, user: str = "", password: str = "", token: str | None = None, hurried: bool = False
    ) -> None:
        address = _address(url)
        #: As messages show it: nothing that a setting may hide in a path or a query.
        is_one = address.scheme and address.host
        self.url = f"{address.scheme}://{address.netloc.decode()}" if is_one else "SOBANK_AIRFLOW_URL"
        self._user = user
        self._password = password
        self._token = token
        self._signed_in = token is not None
        self._hurried = hurried
        seconds = _HURRIED_SECONDS if hurried else _TIMEOUT_SECONDS
        self._http = httpx.Client(base_url=address, timeout=seconds, trust_env=False)

    def close(self) -> None:
        """Give its connections back."""
        self._http.close()

    def days_to_run(self, dag: str, *, first: date, last: date, reprocess: str) -> list[date]:
        """The business days of `first`…`last` that a backfill would run now, in order; nothing is changed."""
        answer = self._call("POST", "backfills/dry_run", json=_backfill(dag, first, last, reprocess))
        return [_moment(run["logical_date"]).astimezone(BANK_ZONE).date() for run in answer["backfills"]]

    def start_backfill(self, dag: str, *, first: date, last: date, reprocess: str) -> int:
        """Start a backfill, one day at a time and oldest first; the number under which Airflow keeps it.

        The DAG is paused for the moment in which its runs are made. On a busy database Airflow takes back the runs that
        it made and asks to be asked again; on SQLite its scheduler ends if it has begun one of them meanwhile.
        """
        self._pause(dag, paused=True)
        try:
            return int(self._call("POST", "backfills", json=_backfill(dag, first, last, reprocess))["id"])
        finally:
            self._pause(dag, paused=False)

    def _pause(self, dag: str, *, paused: bool) -> None:
        self._call("PATCH", f"dags/{dag}", params={"update_mask": "is_paused"}, json={"is_paused": paused})

    def backfills_under_way(self, dag: str) -> int:
        """How many backfills of a DAG Airflow counts as not completed; until then it refuses another one of it."""
        found = self._pages("backfills", "backfills", dag_id=dag)
        return sum(each["completed_at"] is None for each in found)

    def trigger(self, dag: str, *, conf: dict[str, Any] | None = None) -> str:
        """Start a manual run; its id."""
        answer = self._call("POST", f"dags/{dag}/dagRuns", json={"logical_date": None, "conf": conf or {}})
        return str(answer["dag_run_id"])

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """Every run of a DAG as Airflow describes it, oldest first."""
        return self._pages(f"dags/{dag}/dagRuns", "dag_runs", order_by="run_after")

    def run_state(self, dag: str, run_id: str) -> str:
        """`queued`, `running`, `success` or `failed`."""
        return str(self._call("GET", f"dags/{dag}/dagRuns/{run_id}")["state"])

    def tasks(self, dag: str, run_id: str) -> list[dict[str, Any]]:
        """Every task of a run, the mapped ones one by one."""
        return self._pages(f"dags/{dag}/dagRuns/{run_id}/taskInstances", "task_instances")

    def task_log(self, dag: str, run_id: str, task: str, *, try_number: int, map_index: int = -1) -> str:
        """What one try of a task logged, as one text."""
        path = f"dags/{dag}/dagRuns/{run_id}/taskInstances/{task}/logs/{try_number}"
        answer = self._call("GET", path, params={"map_index": map_index, "full_content": True})
        content = answer["content"]
        return content if isinstance(content, str) else "\n".join(str(line) for line in content)

    def clear_failed(self, dag: str, run_id: str) -> None:
        """Have the failed tasks of a run, and what follows them, done again."""
        body = {"dry_run": False, "dag_run_id": run_id, "only_failed": True, "include_downstream": True}
        self._call("POST", f"dags/{dag}/clearTaskInstances", json=body | {"reset_dag_runs": True})

    def is_paused(self, dag: str) -> bool:
        """Whether the runs of a DAG, backfilled ones included, wait until somebody unpauses it."""
        return bool(self._call("GET", f"dags/{dag}")["is_paused"])

    def knows(self, dag: str) -> bool:
        """Whether Airflow has parsed the DAG."""
        response = self._send("GET", f"/api/v2/dags/{dag}")
        return response.status_code == httpx.codes.OK

    def unhealthy(self) -> frozenset[str]:
        """Which of API server, database, scheduler and DAG processor do not answer well now; never raises."""
        try:
            response = self._http.get("/api/v2/monitor/health")
            answer = response.json() if response.status_code == httpx.codes.OK else {}
        except (httpx.HTTPError, ValueError):
            return frozenset({"api-server"})
        ill = (name for name in _CORE_COMPONENTS if (answer.get(name) or {}).get("status") != "healthy")
        return frozenset(name.replace("_", "-") for name in ill)

    def _pages(self, path: str, key: str, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            answer = self._call("GET", path, params=params | {"limit": _PAGE, "offset": len(found)})
            found += answer[key]
            if not answer[key] or len(found) >= answer["total_entries"]:
                return found

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        response = self._send(method, f"/api/v2/{path}", **request)
        if response.is_success:
            return self._json(response)
        raise self._refused(response, path)

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = response.json()
        except ValueError as error:
            raise self._away("something is there that does not answer as Airflow does") from error
        return answer

    def _away(self, what: str) -> SchedulerError:
        return SchedulerError(what, subject=self.url, remedy="start Airflow, or correct SOBANK_AIRFLOW_URL")

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._authorized(method, path, **request)
            if response.status_code == httpx.codes.UNAUTHORIZED and not self._signed_in:
                self._token = None
                response = self._authorized(method, path, **request)
            for pause in () if self._hurried else _BUSY_PAUSES:
                # Airflow undoes what it could not finish while its database was locked; it may be asked again.
                if not _was_locked(response):
                    break
                time.sleep(pause)
                response = self._authorized(method, path, **request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._away(f"Airflow's API does not answer ({type(error).__name__})") from error
        return response

    def _authorized(self, method: str, path: str, **request: Any) -> httpx.Response:
        if self._token is None:
            answer = self._http.post("/auth/token", json={"username": self._user, "password": self._password})
            if not answer.is_success:
                raise self._refused(answer, "auth/token")
            self._token = str(self._json(answer)["access_token"])
        return self._http.request(method, path, headers={"Authorization": f"Bearer {self._token}"}, **request)

    def _refused(self, response: httpx.Response, path: str) -> SchedulerError:
        status = httpx.codes.SERVICE_UNAVAILABLE if _was_locked(response) else response.status_code
        what, remedy = _REFUSALS.get(status, ("Airflow's API refuses", "read the answer above"))
        if status == httpx.codes.UNAUTHORIZED and self._signed_in:
            what, remedy = "Airflow does not accept this session any more", "reload the page, or sign in again"
        return SchedulerError(
            f"{what} ({response.status_code}: {_detail(response)})", subject=f"{self.url} {path}", remedy=remedy
        )


def _address(url: str) -> httpx.URL:
    """The address without user and password; an empty one, at which nobody answers, where it is none."""
    try:
        return httpx.URL(url).copy_with(userinfo=b"")
    except httpx.InvalidURL:
        return httpx.URL("")


def _was_locked(response: httpx.Response) -> bool:
    """Whether Airflow could not write to its database: it says 503, or 500 with these words."""
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return True
    return response.status_code == httpx.codes.INTERNAL_SERVER_ERROR and "Database error" in response.text


_REFUSALS: Final = {
    400: ("Airflow's API does not accept the request", "correct the days or the parameters"),
    401: ("Airflow does not know this user or password", "correct SOBANK_AIRFLOW_USER and SOBANK_AIRFLOW_PASSWORD"),
    403: ("this user has no right to it in Airflow", "give the user a role that may start runs"),
    404: ("Airflow does not know it", "wait until the DAG is parsed, or look at the import errors in Airflow's UI"),
    409: ("Airflow has it under way or done already", "wait for the backfill that runs, or cancel it in Airflow's UI"),
    503: ("Airflow's database is busy", "ask again in a minute; PostgreSQL as its database bears more at once"),
    422: ("Airflow's API does not accept the request", "correct the days or the parameters"),
}


def _backfill(dag: str, first: date, last: date, reprocess: str) -> dict[str, Any]:
    # Both bounds are inclusive on the logical date, which is the midnight in Paris at which the day starts. One day at
    # a time: the proof of a day must not look while another run is half way through the same batches.
    return {
        "dag_id": dag,
        "from_date": midnight(first).isoformat(),
        "to_date": midnight(last).isoformat(),
        "reprocess_behavior": reprocess,
        "max_active_runs": 1,
    }


def _detail(response: httpx.Response) -> str:
    try:
        answer = response.json()
        detail = answer.get("detail", answer) if isinstance(answer, dict) else answer
    except ValueError:
        detail = response.text
    return str(detail)[:300]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
