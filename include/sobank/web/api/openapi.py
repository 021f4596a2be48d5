"""What the API is, for programs and people: OpenAPI, for signed-in visitors only (DESIGN §5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from sobank.domain.roles import Action
from sobank.web.api.shapes import PREFIX, Problem
from sobank.web.rights import Here, Needs

routes = APIRouter(prefix=PREFIX, include_in_schema=False)


@routes.get("/openapi.json")
def openapi(request: Request, here: Annotated[Here, Depends(Needs(Action.SEE))]) -> dict[str, Any]:  # noqa: ARG001
    """The document, with the address under which the API is mounted."""
    return described(request.app.routes, server=request.scope.get("root_path", ""))


def described(all_routes: Sequence[BaseRoute], *, server: str) -> dict[str, Any]:
    """The OpenAPI document of the routes of the API. server: where they are mounted."""
    document = get_openapi(
        title="So bank",
        version="1",
        summary="Associations, deliveries and answers of So bank, for the cabinets of the signed-in user.",
        description="Amounts are integers of minor units; moments are UTC. Every request carries Airflow's token"
        " (`POST /auth/token`), and every change an `Origin` header of this very site.",
        routes=[route for route in all_routes if getattr(route, "path", "").startswith(PREFIX)],
        servers=[{"url": server or "/"}],
    )
    schemas = document["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    document["components"]["securitySchemes"] = {"airflow": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"airflow": []}]
    return document
