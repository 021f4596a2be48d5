"""Of many things that are worked with one after another, the next is made meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


def ahead(things: Iterable[T], begin: Callable[..., Future[Any]]) -> Iterator[T]:
    """The things, the first of which begins to be made at once; no third one is held.

    An error of whatever makes them is raised where the thing would have come.

    Args:
        begin: starts a call beside the caller, as `Executor.submit` does.
    """
    unmade = iter(things)
    return _one_after_another(unmade, begin(next, unmade, None), begin)


def _one_after_another(
    unmade: Iterator[T], following: Future[T | None], begin: Callable[..., Future[Any]]
) -> Iterator[T]:
    while (made := following.result()) is not None:
        following = begin(next, unmade, None)
        yield made
