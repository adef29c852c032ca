"""The order in which Go leaves what its sort does not tell apart: pattern-defeating quicksort (sort.Slice).

It is not stable, so where elements are equal, or NaN is among them, only the same steps give the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

__all__ = ["sorted_as_go_does"]

SHORT: Final = 12
"""Elements that are sorted by insertion."""
NINTHER: Final = 50
"""Elements from which on the pivot is a median of medians."""
MOST_SWAPS: Final = 12
"""Of the choice of a pivot, when all was in the opposite order."""
STEPS: Final = 5
"""Pairs out of order that are mended in what seems sorted."""
WORD: Final = (1 << 64) - 1


def sorted_as_go_does(keys: Sequence[Any]) -> list[int]:
    """The positions of the keys in Go's order of them; `<` tells which of two comes first."""
    sorter = _Sorter(keys)
    sorter.sort(0, len(keys), len(keys).bit_length())
    return sorter.order


class _Sorter:
    """Sorts positions. Ranges are given by their first place and the one after their last."""

    def __init__(self, keys: Sequence[Any]) -> None:
        self._keys = keys
        self.order = list(range(len(keys)))

    def _less(self, one: int, other: int) -> bool:
        return bool(self._keys[self.order[one]] < self._keys[self.order[other]])

    def _swap(self, one: int, other: int) -> None:
        order = self.order
        order[one], order[other] = order[other], order[one]

    def sort(self, begin: int, end: int, bad: int) -> None:
        """Sort a range; after so many bad pivots, by a heap."""
        balanced = partitioned = True
        while (length := end - begin) > SHORT:
            if not bad:
                self._by_heap(begin, end)
                return
            if not balanced:
                self._shuffle(begin, end)
                bad -= 1
            pivot, swaps = self._pivot(begin, end)
            if swaps == MOST_SWAPS:
                self.order[begin:end] = self.order[begin:end][::-1]
                pivot = end - 1 - (pivot - begin)
            likely = swaps in (0, MOST_SWAPS)
            if balanced and partitioned and likely and self._mended(begin, end):
                return
            if begin > 0 and not self._less(begin - 1, pivot):
                begin = self._without_equals(begin, end, pivot)
                continue
            middle, partitioned = self._partition(begin, end, pivot)
            left, right = middle - begin, end - middle
            balanced = min(left, right) >= length // 8
            if left < right:
                self.sort(begin, middle, bad)
                begin = middle + 1
            else:
                self.sort(middle + 1, end, bad)
                end = middle
        self._by_insertion(begin, end)

    def _by_insertion(self, begin: int, end: int) -> None:
        for place in range(begin + 1, end):
            self._sink(place, begin)

    def _sink(self, place: int, floor: int) -> None:
        """Move an element down to where it belongs."""
        while place > floor and self._less(place, place - 1):
            self._swap(place, place - 1)
            place -= 1

    def _by_heap(self, begin: int, end: int) -> None:
        length = end - begin
        for root in range((length - 1) // 2, -1, -1):
            self._sift(root, length, begin)
        for last in range(length - 1, -1, -1):
            self._swap(begin, begin + last)
            self._sift(0, last, begin)

    def _sift(self, root: int, length: int, begin: int) -> None:
        while (child := 2 * root + 1) < length:
            if child + 1 < length and self._less(begin + child, begin + child + 1):
                child += 1
            if not self._less(begin + root, begin + child):
                return
            self._swap(begin + root, begin + child)
            root = child

    def _partition(self, begin: int, end: int, pivot: int) -> tuple[int, bool]:
        """Put what is less than the pivot before it: its place, and whether nothing had to move."""
        self._swap(begin, pivot)
        low, high = self._misplaced(begin, begin + 1, end - 1)
        still = low > high
        while low <= high:
            self._swap(low, high)
            low, high = self._misplaced(begin, low + 1, high - 1)
        self._swap(high, begin)
        return high, still

    def _misplaced(self, pivot: int, low: int, high: int) -> tuple[int, int]:
        """The next from below that is not less than the pivot, and from above that is."""
        while low <= high and self._less(low, pivot):
            low += 1
        while low <= high and not self._less(high, pivot):
            high -= 1
        return low, high

    def _without_equals(self, begin: int, end: int, pivot: int) -> int:
        """Of a range without anything less than the pivot: where what is greater begins."""
        self._swap(begin, pivot)
        low, high = begin + 1, end - 1
        while True:
            while low <= high and not self._less(begin, low):
                low += 1
            while low <= high and self._less(begin, high):
                high -= 1
            if low > high:
                return low
            self._swap(low, high)
            low, high = low + 1, high - 1

    def _mended(self, begin: int, end: int) -> bool:
        """Whether a range that seems sorted is so after a few steps."""
        place = begin + 1
        for _ in range(STEPS):
            while place < end and not self._less(place, place - 1):
                place += 1
            if place == end:
                return True
            if end - begin < NINTHER:
                return False
            self._swap(place, place - 1)
            if place - begin >= 2:
                self._sink(place - 1, 0)
            if end - place >= 2:
                self._rise(place + 1, end)
        return False

    def _rise(self, place: int, end: int) -> None:
        """Move the element below a place up to where it belongs."""
        while place < end and self._less(place, place - 1):
            self._swap(place, place - 1)
            place += 1

    def _shuffle(self, begin: int, end: int) -> None:
        """Exchange three elements about the middle with others that the length picks (xorshift)."""
        length = random = end - begin
        middle = begin + length // 4 * 2
        for offset in (-1, 0, 1):
            random ^= random << 13 & WORD
            random ^= random >> 7
            random ^= random << 17 & WORD
            other = random & ((1 << length.bit_length()) - 1)
            self._swap(middle + offset, begin + (other - length if other >= length else other))

    def _pivot(self, begin: int, end: int) -> tuple[int, int]:
        """The place of an element in the middle, as far as a few tell, and how many were out of order."""
        length = end - begin
        places = [begin + length // 4 * part for part in (1, 2, 3)]
        swaps = 0
        if length >= NINTHER:
            for index, place in enumerate(places):
                places[index], more = self._median(place - 1, place, place + 1)
                swaps += more
        middle, more = self._median(*places)
        return middle, swaps + more

    def _median(self, one: int, two: int, three: int) -> tuple[int, int]:
        swaps = 0
        if self._less(two, one):
            one, two, swaps = two, one, swaps + 1
        if self._less(three, two):
            two, three, swaps = three, two, swaps + 1
        if self._less(two, one):
            one, two, swaps = two, one, swaps + 1
        return two, swaps
