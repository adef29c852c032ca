"""Who takes the next connection, and who has more than his part."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gatekeeper_py.webhook.occupancy import EvenAccept, Occupancy


def noted(*counts: int | None) -> Occupancy:
    """So many connections each; None accepts none."""
    occupancy = Occupancy(len(counts))
    for number, count in enumerate(counts):
        if count is not None:
            occupancy.note(number, count)
    return occupancy


@pytest.mark.parametrize(
    ("counts", "fewer", "excess"),
    [
        ((3, 3), [False, False], [0, 0]),
        ((3, 4), [False, True], [0, 0]),
        ((0, 6), [False, True], [0, 3]),
        ((5, None), [False, False], [0, 0]),
        ((1, 2, 9), [False, True, True], [0, 0, 5]),
        ((None, 0, 0), [False, False, False], [0, 0, 0]),
    ],
)
def test_each_is_to_have_its_part(
    counts: tuple[int | None, ...], fewer: list[bool], excess: list[int]
) -> None:
    occupancy = noted(*counts)
    numbers = [number for number, count in enumerate(counts) if count is not None]
    assert [occupancy.has_fewer(each) for each in numbers] == [fewer[each] for each in numbers]
    assert [occupancy.excess(each) for each in range(len(counts))] == excess


def test_who_has_left_is_waited_for_no_more() -> None:
    occupancy = noted(0, 5)
    occupancy.leave(0)
    assert not occupancy.has_fewer(1)


def test_who_has_more_lets_another_go_first_and_takes_what_is_left() -> None:
    async def main() -> tuple[int, int]:
        occupancy = noted(0, 3)
        with socket.create_server(("127.0.0.1", 0)) as listener, listener.dup() as other:
            listener.setblocking(False)
            few = asyncio.create_task(EvenAccept(occupancy, 0, lambda: 0)(listener))
            many = asyncio.create_task(EvenAccept(occupancy, 1, lambda: 3)(other))
            await asyncio.sleep(0)
            with socket.create_connection(listener.getsockname()) as first:
                with await few as accepted:
                    assert accepted.getpeername() == first.getsockname()
                with socket.create_connection(listener.getsockname()) as second, await many as accepted:
                    assert accepted.getpeername() == second.getsockname()
        return occupancy._counts[0], occupancy._counts[1]

    assert asyncio.run(asyncio.wait_for(main(), 20)) == (1, 4)
