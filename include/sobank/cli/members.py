"""`members list|set|remove`: who is a member of a cabinet, with which profile (A2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from sobank.cli.show import AsJson, By, SeenBy, Why, as_json, out, table
from sobank.domain.registry import Profile
from sobank.domain.roles import scope_of
from sobank.errors import NotFound

if TYPE_CHECKING:
    from sobank.store.registry_edit import RegistryEditor

app = typer.Typer(help="Members of cabinets and their profiles.", no_args_is_help=True)
Cabinet = Annotated[str, typer.Option(help="Code of the cabinet.")]
User = Annotated[str, typer.Argument(help="Name with which the user signs in.")]


def _editor() -> RegistryEditor:
    from sobank.store.registry_edit import RegistryEditor
    from sobank.wiring import House

    return RegistryEditor(House.ready().database)


@app.command("list")
def list_(cabinet: Cabinet, by: SeenBy = None, json: AsJson = False) -> None:
    """List the members of a cabinet."""
    with _editor().look() as change:
        there = change.cabinet(cabinet)
        user = scope_of(by)
        if there is None or (user is not None and change.profile(user, there.id) is None):
            raise NotFound("no such cabinet", subject=cabinet, remedy="check its code")
        found = change.members(there.id)
    if json:
        as_json([{"user": user, "profile": profile} for user, profile in found.items()])
        return
    table(f"Members of {cabinet}", ("user", "profile"), list(found.items()))


@app.command("set")
def set_(
    user: User,
    profile: Annotated[Profile, typer.Argument(help="administrateur, superviseur or collaborateur.")],
    cabinet: Cabinet,
    by: By,
    json: AsJson = False,
) -> None:
    """Make a user a member of a cabinet, or give a member another profile."""
    from sobank.services.members import set_member

    changed = set_member(_editor(), cabinet=cabinet, user=user, profile=profile, actor=by, now=datetime.now(UTC))
    if json:
        as_json({"cabinet": cabinet, "user": user, "profile": profile, "changed": changed})
        return
    out.print(f"{user} {'is' if changed else 'was already'} {profile} of {cabinet}", highlight=False)


@app.command()
def remove(user: User, cabinet: Cabinet, by: By, why: Why, json: AsJson = False) -> None:
    """Take a member off a cabinet."""
    from sobank.services.members import remove_member

    remove_member(_editor(), cabinet=cabinet, user=user, actor=by, reason=why, now=datetime.now(UTC))
    if json:
        as_json({"cabinet": cabinet, "user": user, "removed": True})
        return
    out.print(f"{user} is no member of {cabinet} any more", highlight=False)
