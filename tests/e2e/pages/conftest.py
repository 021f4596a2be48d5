"""One Airflow with the pages for every test of this folder, and one Chromium."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import expect, sync_playwright

from sobank.services.backfill import DELIVERY
from sobank.simulator.airflow_home import prepare
from sobank.simulator.airflow_processes import run_sobank, running
from sobank.simulator.partner_sftp import SftpPartner
from tests.builders import iban_of
from tests.databases import airflow_settings
from tests.e2e.pages.office import MEMBERS, PATIENCE, Office
from tests.web.site import registry

#: Debian's own browser, without the sandbox that root cannot have, and without a word to anybody.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
]


@pytest.fixture(scope="package")
def office(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Office]:
    """The world of `tests.web.site`, its first day delivered; CAB001 may name a connection to the SFTP partner."""
    folder = tmp_path_factory.mktemp("pages")
    chromium = shutil.which("chromium")
    expect.set_options(timeout=PATIENCE)
    assert chromium, "Chromium is missing: `make servers` installs it"
    (folder / "partner").mkdir()
    with SftpPartner(folder / "partner") as partner:
        login = partner.login()
        connection = {
            "conn_type": "sftp", "host": login.host, "port": login.port, "login": login.user,
            "password": login.password, "extra": login.extra,
        }  # fmt: skip
        settings = {
            "SOBANK_HOME": str(folder / "sobank"),
            "AIRFLOW_CONN_SOBANK_CAB001_FULLL": json.dumps(connection),
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
        }
        settings |= airflow_settings(postgres_server, "pages")
        home = prepare(folder, scheduled=False, extra=settings, members=MEMBERS)
        run_sobank(home, "init")
        world = registry()
        silent = {"iban": iban_of(7), "currency": "EUR", "mandate": "approved", "connector": "fizen"}
        world["cabinets"][0]["dossiers"][1]["accounts"].append(silent)
        (folder / "registry.yaml").write_text(yaml.safe_dump(world))
        run_sobank(home, "registry", "import", str(folder / "registry.yaml"))
        with running(home, say=print) as airflow, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
            there = Office(home=home, airflow=airflow, partner=partner, browser=browser, contexts={})
            there.first_day()
            airflow.wait(lambda: airflow.api.knows(DELIVERY), "DAG parsed", seconds=300)
            yield there
            browser.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the screenshots go: SOBANK_PICTURES, to be looked at, or a folder of this run."""
    folder = Path(os.environ.get("SOBANK_PICTURES") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep what every tab showed when a test failed: a picture says more than a time-out."""
    report = yield
    if report.when == "call" and report.failed and "office" in item.funcargs:
        folder = Path(os.environ.get("SOBANK_PICTURES") or item.config.rootpath / ".pictures")
        folder.mkdir(parents=True, exist_ok=True)
        for n, tab in enumerate(tab for known in item.funcargs["office"].contexts.values() for tab in known.pages):
            tab.screenshot(path=folder / f"failed-{item.name}-{n}.png")
    return report
