"""Work is divided, answered in order, and never swallowed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from gatekeeper_py.audit.workers import AHEAD, WorkerDied, spread


@pytest.mark.parametrize(("workers", "count"), [(1, 0), (1, 20), (3, 0), (3, 3), (3, 50)])
def test_answers_come_in_the_order_of_the_items(workers: int, count: int) -> None:
    assert list(spread(lambda number: number * 2, range(count), workers)) == [2 * n for n in range(count)]


def test_workers_are_other_processes_and_share_what_is_in_memory() -> None:
    local = object()
    _, *answers = spread(lambda _: (os.getpid(), id(local)), range(20), 2)
    assert all(pid != os.getpid() and known == id(local) for pid, known in answers)


def test_what_the_first_item_makes_ready_all_workers_share() -> None:
    ready: list[int] = []

    def work(number: int) -> int:
        ready.append(number)
        return ready[0]

    assert set(spread(work, range(20), 2)) == {0}


def test_few_items_are_worth_no_process() -> None:
    assert set(spread(lambda _: os.getpid(), range(2), 2)) == {os.getpid()}


def test_items_are_taken_as_they_are_needed() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    answers = spread(lambda number: number, items(), 2)
    next(answers)
    assert len(taken) <= 8
    assert len(list(answers)) == 99


def test_a_worker_that_dies_is_an_error() -> None:
    with pytest.raises(WorkerDied, match="a worker was ended from outside"):
        list(spread(lambda number: os._exit(1) if number == 5 else number, range(20), 2))


def test_an_error_of_the_work_is_the_callers() -> None:
    with pytest.raises(ZeroDivisionError):
        list(spread(lambda number: 1 // (number - 7), range(20), 2))


def test_something_else_is_done_while_the_workers_have_enough_to_do() -> None:
    taken: list[int] = []
    then: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    answers = spread(lambda number: number, items(), 2, lambda: then.append(len(taken)))
    assert list(answers) == list(range(1000))
    assert then == [1 + 2 * AHEAD]


def test_where_there_are_no_workers_nothing_else_is_done_meanwhile() -> None:
    assert list(spread(lambda number: number, range(9), 1, lambda: 1 // 0)) == list(range(9))
