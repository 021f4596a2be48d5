"""The account that a path names, for the pages and the API."""

from __future__ import annotations

from sobank.errors import NotFound
from sobank.store.account_list import AccountRow, account_seen
from sobank.web.rights import Here


def account_of(here: Here, account: int) -> AccountRow:
    """The account of the path.

    Raises:
        NotFound: it went between two looks.
    """
    row = account_seen(here.house.database, account, user=here.visitor.user)
    if row is None:
        raise NotFound("no such account", subject=str(account), remedy="look for it in the list")
    return row
