"""`make up`: leave an Airflow open on loopback, in its own folder, with its address and generated password printed.

SOBANK_HOME says whose data its pages show: of another folder, such as that of a demo, or of `.airflow` by default.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Final

from rich.console import Console

from sobank.errors import SobankError
from sobank.simulator.airflow_home import REPOSITORY, USER, AirflowHome, prepare
from sobank.simulator.airflow_processes import end_on_signals, run_sobank, running

_LOOK_SECONDS: Final = 1.0


def main(arguments: list[str] | None = None) -> int:
    """Start Airflow, say how to reach it, and wait for Ctrl-C. The exit code is that of the error, if there is one."""
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".airflow", help="kept between starts")
    parser.add_argument("--port", type=int, default=8080, help="of the API server; 0 takes a free one")
    asked = parser.parse_args(arguments)
    end_on_signals()
    console = Console(highlight=False, soft_wrap=True)
    try:
        _open(asked.folder, asked.port, console)
    except SobankError as error:
        console.print(str(error), style="red", markup=False)
        return error.exit_code
    except KeyboardInterrupt:
        pass
    return 0


def _open(folder: Path, port: int, console: Console) -> None:
    # The shell that typed this may have taken in `connections.env` of `simulate partners`.
    ours = {name: value for name, value in os.environ.items() if name.startswith(("SOBANK_", "AIRFLOW_CONN_"))}
    settings = {"SOBANK_HOME": str(folder.resolve() / "sobank")} | ours
    home = prepare(folder, scheduled=True, port=port, extra=settings)
    run_sobank(home, "init")
    with running(home, say=console.print) as airflow:
        console.print(_address(home, settings["SOBANK_HOME"]), markup=False)
        while True:
            airflow.check()
            time.sleep(_LOOK_SECONDS)


def _address(home: AirflowHome, sobank_home: str) -> str:
    return f"""
Airflow         {home.url}
So bank's pages {home.pages}
user            {USER}
password        {home.password}

For `sobank` in another terminal:
  export SOBANK_HOME={sobank_home} SOBANK_OPERATORS={USER}
  export {" ".join(f"{name}={value}" for name, value in home.access.items())}

Logs are in {home.folder / "logs"}. Ctrl-C stops everything."""


if __name__ == "__main__":
    sys.exit(main())
