"""The roles of an installation and its first user, by Airflow's own commands in one process. Run by deploy/init.sh.

Each of them as a process of its own would load the whole web application again, and show the password as an argument.
Safe to run again: what is there already is left as it is, a password changed since included.
"""

from __future__ import annotations

import os

from airflow.cli.cli_parser import get_parser

#: Shows a cabinet's people the menu and no DAG: what they are to a cabinet is in So bank's registry (docs/roles.md).
_ROLE = "So bank"


def main() -> None:
    """Make the role and the user `admin`, an operator, with the password SOBANK_ADMIN_PASSWORD."""
    _airflow("roles", "create", _ROLE)
    _airflow("roles", "add-perms", _ROLE, "--action", "can_read", "menu_access", "--resource", "Plugins")
    who = ["--username", "admin", "--role", "Admin", "--firstname", "So", "--lastname", "bank"]
    # One word with its name: a password may begin with a dash, which would be read as an option.
    password = f"--password={os.environ['SOBANK_ADMIN_PASSWORD']}"
    _airflow("users", "create", *who, "--email", "admin@localhost", password)


def _airflow(*words: str) -> None:
    asked = get_parser().parse_args(words)
    asked.func(asked)


if __name__ == "__main__":
    main()
