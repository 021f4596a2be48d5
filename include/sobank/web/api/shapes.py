"""Shapes that several resources share: a page of a list, a decision with its reason, what is told of a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from sobank.store.listing import MAX_PAGE, Page
from sobank.web.fields import LARGEST_NUMBER, LONGEST

Row = TypeVar("Row")
PREFIX: Final = "/api/v1"

PageNumber = Annotated[int, Query(ge=1, le=LARGEST_NUMBER, description="1-based")]
PageSize = Annotated[int, Query(ge=1, le=MAX_PAGE)]
#: A short text without characters that nobody types.
Text = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
Words = Annotated[str, Field(max_length=LONGEST, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Key = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]


class Body(BaseModel):
    """What a change is told. Unknown fields are refused: a name typed wrong must not be left out in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Listing(BaseModel, Generic[Row]):
    """One page of a list. total: rows of the whole list, at most 10,000 where there are `more`; after: see the list."""

    rows: list[Row]
    total: int
    more: bool
    page: int
    size: int
    after: int | None = None

    @classmethod
    def of(cls, page: Page[Any], shown: Callable[[Any], Any] | None = None) -> Any:
        """The page of a read, each row as `shown` shows it."""
        rows = [shown(row) if shown else row for row in page.rows]
        return {"rows": rows, "total": page.total, "more": page.more, "page": page.page, "size": page.size,
                "after": page.after}  # fmt: skip


class Reason(Body):
    """Why: it is kept in the audit trail."""

    reason: Text


class Problem(BaseModel):
    """A refusal (RFC 9457). code: for programs; subject: what it is about; remedy: what to do."""

    type: str
    status: int
    code: str
    title: str
    subject: str = ""
    remedy: str = ""


_REFUSED: Final = {
    400: "Not readable",
    401: "Not signed in",
    403: "No right to it, or asked from another site",
    404: "Not there, or not yours",
    409: "A rule or the state of things refuses",
    413: "Larger than a megabyte",
    422: "A field is wrong",
    502: "A partner or Airflow refuses",
    503: "The database does not answer",
}
_PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def router(tag: str) -> APIRouter:
    """The routes of one resource, with what each of them may refuse."""
    refusals: dict[int | str, dict[str, Any]] = {
        status: {"description": text, "content": _PROBLEM} for status, text in _REFUSED.items()
    }
    return APIRouter(prefix=PREFIX, tags=[tag], responses=refusals)
