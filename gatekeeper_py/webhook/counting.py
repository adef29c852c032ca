"""Counters as plain numbers, which Prometheus' library reads when it is asked. The event loop's alone."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

__all__ = ["Counts", "Level", "Timings"]

Family = TypeVar("Family", bound=Metric)


class _Kept(Collector, Generic[Family]):
    """One metric, by the values of its labels."""

    def __init__(self, family: type[Family], name: str, meaning: str, labels: Sequence[str]) -> None:
        self._family, self._name, self._meaning = family, name, meaning
        self._labelnames = tuple(labels)

    def describe(self) -> list[Family]:
        """The metric without its values."""
        return [self._family(self._name, self._meaning, labels=self._labelnames)]  # type: ignore[call-arg]

    def collect(self) -> list[Family]:
        """The metric as it is now."""
        (family,) = self.describe()
        self._fill(family)
        return [family]

    def _fill(self, family: Family) -> None:
        raise NotImplementedError


class Counts(_Kept[CounterMetricFamily]):
    """How often something happened."""

    def __init__(self, name: str, meaning: str, *labels: str) -> None:
        super().__init__(CounterMetricFamily, name, meaning, labels)
        self._counts: dict[tuple[str, ...], int] = {} if labels else {(): 0}

    def add(self, *values: str) -> None:
        """It has happened once more."""
        self._counts[values] = self._counts.get(values, 0) + 1

    def _fill(self, family: CounterMetricFamily) -> None:
        for values, count in self._counts.items():
            family.add_metric(values, count)


class Level(_Kept[GaugeMetricFamily]):
    """How many there are at the moment, one more while it is entered."""

    def __init__(self, name: str, meaning: str) -> None:
        super().__init__(GaugeMetricFamily, name, meaning, ())
        self.value = 0

    def __enter__(self) -> None:
        self.value += 1

    def __exit__(self, *_: object) -> None:
        self.value -= 1

    def _fill(self, family: GaugeMetricFamily) -> None:
        family.add_metric((), self.value)


class Timings(_Kept[HistogramMetricFamily]):
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

    def _fill(self, family: HistogramMetricFamily) -> None:
        names = [*map(floatToGoString, self._bounds), "+Inf"]
        for value, counts in self._counts.items():  # a bucket holds what is in those below it, too
            family.add_metric([value], [*zip(names, accumulate(counts), strict=True)], self._sums[value])
