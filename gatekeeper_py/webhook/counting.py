"""Counters as plain numbers, which Prometheus' library reads when it is asked. The event loop's alone.

What other processes have counted is added when it is read (`Tally`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from operator import add
from typing import Generic, TypeAlias, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

__all__ = ["Counted", "Counts", "Level", "Tally", "Timings", "together"]

Counted: TypeAlias = dict[tuple[str, ...], list[float]]
"""The numbers of one metric by the values of its labels: one, or those of the buckets and the sum."""

Tally: TypeAlias = dict[str, Counted]
"""The numbers of some metrics by their names."""

Family = TypeVar("Family", bound=Metric)


def together(tallies: Iterable[Mapping[str, Mapping[tuple[str, ...], Sequence[float]]]]) -> Tally:
    """Their sum."""
    found: Tally = {}
    for tally in tallies:
        for name, counted in tally.items():
            known = found.setdefault(name, {})
            for values, numbers in counted.items():
                known[values] = [*map(add, known[values], numbers)] if values in known else [*numbers]
    return found


class Kept(Collector, Generic[Family]):
    """One metric, by the values of its labels."""

    def __init__(self, family: type[Family], name: str, meaning: str, labels: Sequence[str]) -> None:
        self._family, self.name, self._meaning = family, name, meaning
        self._labelnames = tuple(labels)
        self.elsewhere: Counted = {}
        """What other processes have counted."""

    def describe(self) -> list[Family]:
        """The metric without its values."""
        return [self._family(self.name, self._meaning, labels=self._labelnames)]  # type: ignore[call-arg]

    def collect(self) -> list[Family]:
        """The metric as it is now."""
        (family,) = self.describe()
        numbers = together([{"": self.counted()}, {"": self.elsewhere}])[""]
        for values, found in numbers.items():
            self._fill(family, values, found)
        return [family]

    def counted(self) -> Counted:
        """The numbers of this process."""
        raise NotImplementedError

    def _fill(self, family: Family, values: Sequence[str], numbers: Sequence[float]) -> None:
        raise NotImplementedError


class Counts(Kept[CounterMetricFamily]):
    """How often something happened."""

    def __init__(self, name: str, meaning: str, *labels: str) -> None:
        super().__init__(CounterMetricFamily, name, meaning, labels)
        self._counts: dict[tuple[str, ...], int] = {} if labels else {(): 0}

    def add(self, *values: str, times: int = 1) -> None:
        """It has happened once more, or so many times."""
        self._counts[values] = self._counts.get(values, 0) + times

    def counted(self) -> Counted:
        """The numbers of this process."""
        return {values: [count] for values, count in self._counts.items()}

    def _fill(self, family: CounterMetricFamily, values: Sequence[str], numbers: Sequence[float]) -> None:
        family.add_metric(values, numbers[0])


class Level(Kept[GaugeMetricFamily]):
    """How many there are at the moment, one more while it is entered."""

    def __init__(self, name: str, meaning: str) -> None:
        super().__init__(GaugeMetricFamily, name, meaning, ())
        self.value = 0

    def __enter__(self) -> None:
        self.value += 1

    def __exit__(self, *_: object) -> None:
        self.value -= 1

    def counted(self) -> Counted:
        """The number of this process."""
        return {(): [self.value]}

    def _fill(self, family: GaugeMetricFamily, values: Sequence[str], numbers: Sequence[float]) -> None:
        family.add_metric(values, numbers[0])


class Timings(Kept[HistogramMetricFamily]):
    """How long something took, in buckets by their upper bounds in seconds, by the value of one label."""

    def __init__(self, name: str, meaning: str, label: str, bounds: Sequence[float]) -> None:
        super().__init__(HistogramMetricFamily, name, meaning, (label,))
        self._bounds = tuple(bounds)
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def add(self, value: str, seconds: float) -> None:
        """It has taken so long once more."""
        counts = self._counts.get(value)
        if counts is None:
            counts = self._counts[value] = [0] * (len(self._bounds) + 1)
            self._sums[value] = 0.0
        counts[bisect_left(self._bounds, seconds)] += 1
        self._sums[value] += seconds

    def counted(self) -> Counted:
        """The numbers of this process: how often in each bucket, and the sum."""
        return {(value,): [*counts, self._sums[value]] for value, counts in self._counts.items()}

    def _fill(self, family: HistogramMetricFamily, values: Sequence[str], numbers: Sequence[float]) -> None:
        names = [*map(floatToGoString, self._bounds), "+Inf"]
        *counts, total = numbers
        buckets = [*zip(names, accumulate(counts), strict=True)]  # a bucket holds what is in those below, too
        family.add_metric(values, buckets, total)
