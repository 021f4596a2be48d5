"""What a user is told when Airflow's API is away or answers no; what we send it. Judged on a server of loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import quote

import pytest

from sobank import scheduler
from sobank.errors import SchedulerError
from sobank.scheduler import AirflowApi

SECRET = "a word not to be shown"  # noqa: S105
FIRST, LAST = date(2026, 3, 27), date(2026, 3, 31)


class Answering(BaseHTTPRequestHandler):
    """Answers each path with what the test wrote down, and keeps what it was asked."""

    answers: ClassVar[dict[str, list[tuple[int, Any]]]] = {}
    asked: ClassVar[list[tuple[str, str | None, Any]]] = []

    def do_POST(self) -> None:
        path = self.path.partition("?")[0]
        length = int(self.headers.get("Content-Length") or 0)
        self.asked.append((path, self.headers.get("Authorization"), json.loads(self.rfile.read(length) or b"null")))
        waiting = self.answers[path]
        status, body = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode() if isinstance(body, str) else json.dumps(body).encode())

    do_PATCH = do_POST  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def answers() -> Iterator[tuple[str, dict[str, list[tuple[int, Any]]]]]:
    Answering.answers = {
        "/auth/token": [(201, {"access_token": "first"}), (201, {"access_token": "second"})],
        "/api/v2/dags/deliver_statements": [(200, {})],
    }
    Answering.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", Answering.answers
        finally:
            server.shutdown()
            thread.join()


def api(url: str) -> AirflowApi:
    return AirflowApi(url=url, user="anne", password=SECRET)


def test_the_bounds_of_a_backfill_are_the_paris_midnights_of_its_days_and_it_runs_day_by_day(answers) -> None:
    url, paths = answers
    paths["/api/v2/backfills"] = [(200, {"id": 3})]
    assert api(url).start_backfill("deliver_statements", first=FIRST, last=LAST, reprocess="none") == 3
    (_, _, pause), (path, authorization, sent), (_, _, resume) = Answering.asked[-3:]
    assert (path, authorization) == ("/api/v2/backfills", "Bearer first")
    assert (pause, resume) == ({"is_paused": True}, {"is_paused": False})
    assert (sent["from_date"], sent["to_date"]) == ("2026-03-27T00:00:00+01:00", "2026-03-31T00:00:00+02:00")
    assert (sent["dag_id"], sent["reprocess_behavior"], sent["max_active_runs"]) == ("deliver_statements", "none", 1)


def test_the_days_of_a_plan_are_read_as_paris_days(answers) -> None:
    url, paths = answers
    moments = ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]
    paths["/api/v2/backfills/dry_run"] = [(200, {"backfills": [{"logical_date": moment} for moment in moments]})]
    days = api(url).days_to_run("deliver_statements", first=FIRST, last=LAST, reprocess="none")
    assert days == [date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)]


def test_an_expired_token_is_renewed_once_without_the_user_noticing(answers) -> None:
    url, paths = answers
    paths["/api/v2/backfills"] = [(401, {"detail": "expired"}), (200, {"id": 4})]
    assert api(url).start_backfill("deliver_statements", first=FIRST, last=LAST, reprocess="none") == 4
    assert [authorization for path, authorization, _ in Answering.asked if path == "/api/v2/backfills"] == [
        "Bearer first",
        "Bearer second",
    ]


@pytest.mark.parametrize(
    "busy", [(503, {"detail": "Database is locked"}), (500, {"detail": {"reason": "Database error"}})]
)
def test_a_busy_airflow_is_asked_again_and_told_as_busy_only_if_it_stays_so(answers, monkeypatch, busy) -> None:
    monkeypatch.setattr(scheduler, "_BUSY_PAUSES", (0.0, 0.0))
    url, paths = answers
    paths["/api/v2/backfills"] = [busy, busy, (200, {"id": 5})]
    assert api(url).start_backfill("deliver_statements", first=FIRST, last=LAST, reprocess="none") == 5
    paths["/api/v2/backfills"] = [busy]
    with pytest.raises(SchedulerError, match="database is busy"):
        api(url).start_backfill("deliver_statements", first=FIRST, last=LAST, reprocess="none")


@pytest.mark.parametrize(
    ("status", "body", "what", "remedy"),
    [
        (401, {"detail": "Invalid credentials"}, "does not know this user or password", "SOBANK_AIRFLOW_PASSWORD"),
        (403, {"detail": "Forbidden"}, "no right", "role"),
        (404, {"detail": "Could not find dag"}, "Could not find dag", "import errors"),
        (409, {"detail": "There is already a running backfill"}, "already a running backfill", "wait for the backfill"),
        (422, {"detail": [{"msg": "no runs"}]}, "no runs", "correct the days"),
        (500, "<html>broken</html>", "500", "read the answer"),
    ],
)
def test_a_refusal_says_what_was_refused_and_what_to_do(
    answers, status: int, body: Any, what: str, remedy: str
) -> None:
    url, paths = answers
    paths["/api/v2/backfills"] = [(status, body)]
    with pytest.raises(SchedulerError) as refused:
        api(url).start_backfill("deliver_statements", first=FIRST, last=LAST, reprocess="none")
    assert what in str(refused.value)
    assert remedy in refused.value.remedy
    assert SECRET not in str(refused.value)
    assert Answering.asked[-1][2] == {"is_paused": False}


def test_a_wrong_password_is_told_as_such(answers) -> None:
    url, paths = answers
    paths["/auth/token"] = [(401, {"detail": "Invalid credentials"})]
    with pytest.raises(SchedulerError, match="SOBANK_AIRFLOW_USER and SOBANK_AIRFLOW_PASSWORD"):
        api(url).days_to_run("deliver_statements", first=FIRST, last=LAST, reprocess="none")


def test_an_airflow_that_is_away_is_told_with_its_address() -> None:
    with pytest.raises(SchedulerError, match=r"http://127\.0\.0\.1:1") as refused:
        api("http://127.0.0.1:1").days_to_run("deliver_statements", first=FIRST, last=LAST, reprocess="none")
    assert "SOBANK_AIRFLOW_URL" in refused.value.remedy
    assert api("http://127.0.0.1:1").unhealthy() == {"api-server"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"http://u:{quote(SECRET)}@127.0.0.1:1", "http://127.0.0.1:1"),
        (f"http://u:{quote(SECRET)}@127.0.0.1:1/{quote(SECRET)}?token={quote(SECRET)}", "http://127.0.0.1:1"),
        (f"http://u@127.0.0.1:{SECRET}", "SOBANK_AIRFLOW_URL"),
        (f"u:{quote(SECRET)}@127.0.0.1", "SOBANK_AIRFLOW_URL"),
        (f"//u:{quote(SECRET)}@127.0.0.1", "SOBANK_AIRFLOW_URL"),
    ],
)
def test_of_airflows_address_no_more_is_told_than_where_its_server_is(url: str, shown: str) -> None:
    with pytest.raises(SchedulerError) as away:
        api(url).days_to_run("deliver_statements", first=FIRST, last=LAST, reprocess="none")
    assert away.value.subject == shown
    assert not [part for part in (SECRET, quote(SECRET), "u:", "u@") if part in str(away.value)]


def test_a_user_in_the_address_takes_the_place_of_nobody(answers) -> None:
    url, paths = answers
    paths["/api/v2/backfills"] = [(200, {"id": 6}), (409, {"detail": "no"})]
    there = api(url.replace("//", "//somebody:else@"))
    assert there.start_backfill("deliver_statements", first=FIRST, last=LAST, reprocess="none") == 6
    assert {authorization for _, authorization, _ in Answering.asked} == {None, "Bearer first"}
    with pytest.raises(SchedulerError) as refused:
        there.start_backfill("deliver_statements", first=FIRST, last=LAST, reprocess="none")
    assert refused.value.subject == f"{url} backfills"


def test_an_answer_that_is_not_airflows_is_refused_not_believed(answers) -> None:
    url, paths = answers
    paths["/auth/token"] = [(200, "<html>some other server</html>")]
    with pytest.raises(SchedulerError, match="does not answer as Airflow"):
        api(url).days_to_run("deliver_statements", first=FIRST, last=LAST, reprocess="none")


def test_a_signed_in_user_is_taken_at_his_token_and_never_asked_for_a_password(answers) -> None:
    url, paths = answers
    paths["/api/v2/backfills/dry_run"] = [(200, {"backfills": []}), (401, {"detail": "expired"})]
    mine = AirflowApi(url=url, token="mine", hurried=True)  # noqa: S106
    assert mine.days_to_run("deliver_statements", first=FIRST, last=LAST, reprocess="none") == []
    with pytest.raises(SchedulerError, match="session") as refused:
        mine.days_to_run("deliver_statements", first=FIRST, last=LAST, reprocess="none")
    mine.close()
    assert {authorization for _, authorization, _ in Answering.asked} == {"Bearer mine"}
    assert "sign in again" in refused.value.remedy
    assert "mine" not in str(refused.value)


def test_who_is_in_a_hurry_is_told_at_once_that_airflow_is_busy(answers) -> None:
    url, paths = answers
    paths["/api/v2/backfills/dry_run"] = [(503, {"detail": "Database is locked"})]
    hurried = AirflowApi(url=url, token="mine", hurried=True)  # noqa: S106
    with pytest.raises(SchedulerError, match="busy"):
        hurried.days_to_run("deliver_statements", first=FIRST, last=LAST, reprocess="none")
    assert len(Answering.asked) == 1
