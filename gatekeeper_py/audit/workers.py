"""Work on many processors: a function of many items, answered in their order, with few of them under way.

The workers are forked, so they share what is in memory already: policies, tenants, the places of objects.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing import get_context
from typing import Any, TypeVar

__all__ = ["WorkerDied", "spread"]

UNDER_WAY = 3
"""Items a worker: one in work, one on its way there, one on its way back."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class WorkerDied(Exception):
    """A worker was ended from outside: by the system, mostly, as there was no more memory."""


def spread(function: Callable[[Item], Answer], items: Iterable[Item], workers: int) -> Iterator[Answer]:
    """The answers in the order of the items, which are taken as they are needed; raise `WorkerDied`.

    Where there are too few items to be worth it, no worker is made. The first item is worked on here: what
    that makes ready, as the code of expressions, is then in memory for all workers.
    """
    items = iter(items)
    first = list(islice(items, workers + 1))
    with _what_is_there_stays():
        if workers <= 1 or len(first) <= workers:
            yield from map(function, chain(first, items))
            return
        yield function(first.pop(0))
        gc.freeze()
        try:
            with ProcessPoolExecutor(workers, get_context("fork"), _begin, (function,)) as pool:
                yield from _in_order(pool, chain(first, items), workers * UNDER_WAY)
        except BrokenProcessPool as error:
            raise WorkerDied("a worker was ended from outside, for want of memory perhaps") from error


@contextmanager
def _what_is_there_stays() -> Iterator[None]:
    """The collector of garbage does not look through what is in memory, which therefore stays shared, too."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _in_order(pool: ProcessPoolExecutor, items: Iterable[Item], most: int) -> Iterator[Any]:
    waiting: deque[Future[Any]] = deque()
    for item in items:
        waiting.append(pool.submit(_work, item))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


_functions: list[Callable[[Any], Any]] = []
"""Of a worker, the function that it was made for: inherited, since much of it cannot be sent."""


def _begin(function: Callable[[Any], Any]) -> None:
    _functions[:] = [function]


def _work(item: Any) -> Any:
    return _functions[0](item)
