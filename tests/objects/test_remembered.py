"""A function is asked once about a short text, and nothing is kept of a long one."""

from __future__ import annotations

from gatekeeper_py.objects.remembered import remembered


def test_a_short_text_is_asked_about_once_and_a_long_one_each_time() -> None:
    asked: list[str] = []

    @remembered(3)
    def length(text: str) -> int:
        """Characters of a text."""
        asked.append(text)
        return len(text)

    assert [length(text) for text in ("abc", "abc", "abcd", "abcd", "")] == [3, 3, 4, 4, 0]
    assert asked == ["abc", "abcd", "abcd", ""]
    assert (length.__name__, length.__doc__) == ("length", "Characters of a text.")


def test_an_error_is_raised_each_time() -> None:
    calls: list[str] = []

    @remembered(3)
    def refuse(text: str) -> None:
        calls.append(text)
        raise ValueError(text)

    for _ in range(2):
        try:
            refuse("a")
        except ValueError:
            continue
    assert calls == ["a", "a"]
