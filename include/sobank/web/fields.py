"""How forms and queries are read: an empty field is none, and every text is bounded (DESIGN §8)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

T = TypeVar("T")
#: Longer than any name, IBAN or reason that a person types.
LONGEST: Final = 500
LARGEST_NUMBER: Final = 2**31 - 1
#: What no keyboard gives. A terminal follows some of it: the command line shows the reasons that were typed here.
_UNTYPED: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Fields(BaseModel):
    """The fields of a form or of a query. Unknown ones are ignored: addresses outlive pages."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_max_length=LONGEST, str_strip_whitespace=True)

    @field_validator("reason", mode="before", check_fields=False)
    @classmethod
    def _typed(cls, value: Any) -> Any:
        if isinstance(value, str) and _UNTYPED.search(value):
            raise ValueError("holds characters that cannot be typed")
        return value


def _none_if_blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


#: A field that a browser sends empty where nothing was chosen.
Blank = Annotated[T | None, BeforeValidator(_none_if_blank)]
#: The number of a row or of a page.
Number = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]


class Leaf(Fields):
    """Which page of the list that is shown."""

    page: Blank[Number] = None


class Decision(Fields):
    """Why it is decided so."""

    reason: Blank[str] = None
