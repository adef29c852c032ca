"""Messages between two processes arrive whole, in order, and answers where they were asked for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gatekeeper_py.webhook.channel import Channel, ChannelClosed

LONG = 20.0


class Unsendable(Exception):
    """An error that cannot be made of its words alone."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


class Recorder:
    """Notes what it is told, and answers."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.gone = asyncio.Event()

    def told(self, message: object) -> None:
        self.heard.append(message)

    async def asked(self, question: object) -> object:
        if question == "nothing":
            await asyncio.Event().wait()
        if question == "bad":
            raise KeyError("bad")
        if question == "worse":
            raise Unsendable("a", "b")
        if question == "slow":
            await asyncio.sleep(0.02)
        return question, len(self.heard)

    def lost(self) -> None:
        self.gone.set()


Scene = Callable[[Channel, Recorder, Channel], Awaitable[None]]


def play(scene: Scene) -> None:
    async def main() -> None:
        one, other = socket.socketpair()
        asking, answering = Recorder(), Recorder()
        here, there = await Channel.over(one, asking), await Channel.over(other, answering)
        try:
            await scene(here, answering, there)
        finally:
            here.close()
            there.close()
            await asking.gone.wait()
            await answering.gone.wait()

    asyncio.run(asyncio.wait_for(main(), LONG))


def test_what_is_told_arrives_whole_and_in_order() -> None:
    messages: list[Any] = [1, "two", {"three": [3]}, b"4" * 1_000_000, None]

    async def scene(here: Channel, there: Recorder, _: Channel) -> None:
        for message in messages:
            here.tell(message)
        assert await here.ask("how many", LONG) == ("how many", len(messages))
        assert there.heard == messages

    play(scene)


def test_each_answer_finds_its_question() -> None:
    async def scene(here: Channel, _there: Recorder, _: Channel) -> None:
        answers = await asyncio.gather(*(here.ask(word, LONG) for word in ("slow", "a", "b")))
        assert [answer[0] for answer in answers] == ["slow", "a", "b"]

    play(scene)


@pytest.mark.parametrize(
    ("question", "error", "message"),
    [("bad", KeyError, "'bad'"), ("worse", RuntimeError, "Unsendable: a b")],
)
def test_what_answering_raises_is_raised_where_it_was_asked(
    question: str, error: type[Exception], message: str
) -> None:
    async def scene(here: Channel, _there: Recorder, _: Channel) -> None:
        with pytest.raises(error) as raised:
            await here.ask(question, LONG)
        assert str(raised.value) == message
        assert await here.ask("still there", LONG) == ("still there", 0)

    play(scene)


def test_nobody_waits_for_an_answer_for_ever() -> None:
    async def scene(here: Channel, _there: Recorder, _: Channel) -> None:
        with pytest.raises(TimeoutError):
            await here.ask("nothing", 0.01)

    play(scene)


def test_who_is_gone_answers_nothing_more() -> None:
    async def scene(here: Channel, there: Recorder, other: Channel) -> None:
        asking = asyncio.create_task(here.ask("nothing", LONG))
        await asyncio.sleep(0.01)
        other.close()
        with pytest.raises(ChannelClosed):
            await asking
        assert there.gone.is_set()
        with pytest.raises(ChannelClosed):
            await here.ask("anything", LONG)
        here.tell("in vain")

    play(scene)
