"""Airflow's signed-in user as our visitor: the one place where the pages ask Airflow who somebody is (DESIGN §8)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from fastapi import HTTPException
from starlette.requests import HTTPConnection, Request

from sobank.web.visitor import Identify, NotSignedIn, Visitor

_ADMIN: Final = "admin"


def identify_with(operators: Collection[str]) -> Identify:
    """Who asks, as Airflow's auth manager knows him; `operators` are names that administer every cabinet besides."""

    async def identify(connection: HTTPConnection) -> Visitor:
        request = Request(connection.scope)
        try:
            user = await get_user(request, None, await bearer_scheme(request))
        except HTTPException:
            raise NotSignedIn from None
        name = user.get_name()
        return Visitor(name=name, operator=is_admin(user) or name in operators)

    return identify


def is_admin(user: Any) -> bool:
    """Whether a user has Airflow's role Admin: `role` with the simple auth manager, `roles` with FAB's."""
    roles = [getattr(user, "role", None), *(getattr(role, "name", None) for role in getattr(user, "roles", None) or ())]
    return any(str(role).lower() == _ADMIN for role in roles if role)
