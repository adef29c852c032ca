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

AHEAD = 16
"""Items a worker that are there while something else is done: of texts, 4 MB and a second of work."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class WorkerDied(Exception):
    """A worker was ended from outside: by the system, mostly, as there was no more memory."""


def spread(
    function: Callable[[Item], Answer],
    items: Iterable[Item],
    workers: int,
    meanwhile: Callable[[], object] | None = None,
) -> Iterator[Answer]:
    """The answers in the order of the items, which are taken as they are needed; raise `WorkerDied`.

    Where there are too few items to be worth it, no worker is made. The first item is worked on here: what
    that makes ready, as the code of expressions, is then in memory for all workers. While they have enough
    to do, `meanwhile` is called here, once; not where there are no workers.
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
                waiting = deque[Future[Any]]()
                rest = chain(first, items)
                if meanwhile is not None:
                    waiting += (pool.submit(_work, item) for item in islice(rest, workers * AHEAD))
                    meanwhile()
                yield from _in_order(pool, waiting, rest, workers * UNDER_WAY)
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


def _in_order(
    pool: ProcessPoolExecutor, waiting: deque[Future[Any]], items: Iterator[Item], most: int
) -> Iterator[Any]:
    """Give each item away, and answer with what comes back; no more than `most` are added to what waits."""
    for item in items:
        waiting.append(pool.submit(_work, item))
        while len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


_functions: list[Callable[[Any], Any]] = []
"""Of a worker, the function that it was made for: inherited, since much of it cannot be sent."""


def _begin(function: Callable[[Any], Any]) -> None:
    _functions[:] = [function]
    gc.disable()


def _work(item: Any) -> Any:
    """Work on an item. Garbage is looked for once an item: after each 700 objects it took a twentieth."""
    answer = _functions[0](item)
    gc.collect(1)
    return answer
