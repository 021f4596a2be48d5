"""A running Airflow with the pages in it, a small world behind them, a partner's server, and Chromium before them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect
from typer.testing import CliRunner

from sobank.cli import app
from sobank.errors import DeliveryIncomplete, ProofFailed
from sobank.simulator.airflow_home import AirflowHome
from sobank.simulator.airflow_processes import RunningAirflow, run_sobank
from sobank.simulator.partner_sftp import SftpPartner
from tests.builders import file_of, iban_of, named, statement
from tests.web.site import DAY, HERE

#: A page waits so long for what it expects, on a machine that does other things too (milliseconds).
PATIENCE = 30_000
#: Names of the Airflow users, and what they are to CAB001 in `tests.web.site`.
MEMBERS = ("adm", "sup", "collab", "other", "nobody")
#: Every page of the menu, by the name that Airflow's route has.
PAGES = (
    "dashboard",
    "cabinets",
    "accounts",
    "dossiers",
    "statements",
    "deliveries",
    "quarantine",
    "diagnosis",
    "journal",
)
#: A label that would run where a page did not escape it.
HOSTILE = "<img src=x onerror=alert(1)>"
WINDOW = {"width": 1440, "height": 900}


@dataclass
class Office:
    """What a test does: be somebody in a browser, have banks send, have a day delivered, look into inboxes."""

    home: AirflowHome
    airflow: RunningAirflow
    partner: SftpPartner
    browser: Browser
    contexts: dict[tuple[str, str], BrowserContext]

    @property
    def sobank(self) -> Path:
        """The product's own folder."""
        return self.home.folder / "sobank"

    @property
    def in_its_way(self) -> Path:
        """A file of somebody else under the name of the first batch for inqom."""
        return self.sobank / "partners" / "inqom" / HERE / f"SOBANK_{HERE}_inqom_{DAY:%Y%m%d}_001.cfonb.txt"

    def as_(self, user: str, *, theme: str = "light") -> Page:
        """A new tab of a user who has signed in on Airflow's own page."""
        known = self.contexts.get((user, theme))
        if known is None:
            known = self.browser.new_context(locale="fr-FR", viewport=WINDOW, accept_downloads=True)  # type: ignore[arg-type]
            known.set_default_timeout(PATIENCE)
            known.add_init_script(f"localStorage.setItem('theme', '{theme}')")
            self.contexts[user, theme] = known
            self._sign_in(known.new_page(), user)
        for tab in known.pages:
            tab.close()
        return known.new_page()

    def _sign_in(self, tab: Page, user: str) -> None:
        tab.goto(f"{self.home.url}/auth/login")
        tab.locator("input[name=username], input[type=text]").first.fill(user)
        tab.locator("input[type=password]").fill(self.home.passwords[user])
        tab.keyboard.press("Enter")
        expect(tab.locator("input[type=password]")).to_have_count(0)
        tab.wait_for_url(f"{self.home.url}/**")
        tab.close()

    def open(self, tab: Page, page: str) -> FrameLocator:
        """A page of the menu, in Airflow's frame."""
        tab.goto(f"{self.home.url}/plugin/sobank-{page}")
        return tab.frame_locator("iframe")

    def token(self, user: str) -> str:
        """Airflow's token of a user."""
        answer = httpx.post(
            f"{self.home.url}/auth/token",
            json={"username": user, "password": self.home.passwords[user]},
            timeout=PATIENCE / 1000,
            trust_env=False,
        )
        return str(answer.raise_for_status().json()["access_token"])

    def ask(self, user: str, method: str, path: str, **request: Any) -> httpx.Response:
        """What a program of that user is answered."""
        headers = {"Authorization": f"Bearer {self.token(user)}", "Origin": self.home.url}
        wanted = f"{self.home.url}/sobank{path}"
        return httpx.request(method, wanted, headers=headers, timeout=PATIENCE / 1000, trust_env=False, **request)

    def receive(self, day: date, *accounts: int, **other: Any) -> None:
        """Banks send a balanced statement of each account, closed on a day, and it is taken in."""
        told = [statement(n, day, 12_345, -2_000, opening=100_000, **other) for n in accounts]
        self.take_in(file_of(*told), day)

    def take_in(self, data: bytes, day: date, n: int = 1) -> None:
        """A bank file arrives and is taken in."""
        path = self.home.folder / "arriving" / named(day, n)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        run_sobank(self.home, "ingest", str(path))

    def deliver(self, day: date) -> None:
        """The run of a day, by the same jobs as the DAG's; what it says of a batch that is held is no failure here."""
        ours = {name: text for name, text in self.home.environment.items() if name.startswith(("SOBANK_", "AIRFLOW_"))}
        with mock.patch.dict(os.environ, ours):
            ended = CliRunner().invoke(app, ["deliver", "--day", str(day)])
        assert ended.exit_code == 0 or isinstance(ended.exception, (ProofFailed, DeliveryIncomplete)), ended.output

    def first_day(self) -> None:
        """The day that the tests find delivered: account 9 is nobody's, 6 unbalanced, 4 held, a label is hostile."""
        told = [statement(n, DAY, 12_345, -2_000, opening=100_000, label=HOSTILE) for n in (1, 2, 4, 9, 11, 12)]
        told.append(statement(6, DAY, 500, closing=1))
        self.take_in(file_of(*told), DAY)
        # Other bytes under the name of its batch: a person must look.
        self.in_its_way.parent.mkdir(parents=True)
        self.in_its_way.write_bytes(b"foreign")
        self.deliver(DAY)

    def at_partner(self, day: date) -> set[int]:
        """Which accounts have a statement of the day in the inbox of the SFTP partner."""
        return self._of(day, self.partner.inbox.final())

    def in_folders(self, kind: str, day: date) -> set[int]:
        """Which accounts have a statement of the day under `partners/<code>` or `global/<cabinet>`."""
        top = self.sobank / kind
        files = {str(path): path.read_bytes() for path in top.rglob("*") if path.is_file()}
        return self._of(day, files)

    @staticmethod
    def _of(day: date, files: dict[str, bytes]) -> set[int]:
        stamp, found = f"{day:%d%m%y}".encode(), set()
        for content in files.values():
            for record in content.splitlines():
                if record[:2] == b"07" and record[34:40] == stamp:
                    found.add(int(record[21:32]))
        return found


def shown(n: int) -> str:
    """The IBAN of an account as pages show it: in fours."""
    number = iban_of(n)
    return "\u00a0".join(number[at : at + 4] for at in range(0, len(number), 4))
