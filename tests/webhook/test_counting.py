"""Plain numbers come out as Prometheus has them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from gatekeeper_py.webhook.counting import Counts, Level, Tally, Timings, together


def exposed(collector: Collector) -> list[str]:
    registry = CollectorRegistry()
    registry.register(collector)
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_counts_go_by_their_labels() -> None:
    counts = Counts("reviews", "Reviews", "door", "verdict")
    assert exposed(counts) == []
    for verdict in ("allowed", "denied", "denied"):
        counts.add("validate", verdict)
    assert exposed(counts) == [
        'reviews_total{door="validate",verdict="allowed"} 1.0',
        'reviews_total{door="validate",verdict="denied"} 2.0',
    ]


def test_a_count_without_labels_is_there_before_anything_happened() -> None:
    counts = Counts("errors", "Errors")
    assert exposed(counts) == ["errors_total 0.0"]
    counts.add()
    assert exposed(counts) == ["errors_total 1.0"]


def test_a_level_is_what_it_is_now() -> None:
    level = Level("in_flight", "Reviews")
    with level, level:
        assert exposed(level) == ["in_flight 2.0"]
    assert exposed(level) == ["in_flight 0.0"]


def test_a_bucket_holds_what_is_no_longer_than_its_bound() -> None:
    timings = Timings("seconds", "Time", "door", (0.5, 1))
    for seconds in (0.25, 0.5, 0.75, 1, 8):
        timings.add("mutate", seconds)
    assert exposed(timings) == [
        'seconds_bucket{door="mutate",le="0.5"} 2.0',
        'seconds_bucket{door="mutate",le="1.0"} 4.0',
        'seconds_bucket{door="mutate",le="+Inf"} 5.0',
        'seconds_count{door="mutate"} 5.0',
        'seconds_sum{door="mutate"} 10.5',
    ]


def test_what_other_processes_have_counted_is_added() -> None:
    counts, elsewhere = Counts("reviews", "Reviews", "verdict"), Counts("reviews", "Reviews", "verdict")
    counts.add("allowed", times=2)
    elsewhere.add("allowed")
    elsewhere.add("denied")
    counts.elsewhere = elsewhere.counted()
    assert exposed(counts) == ['reviews_total{verdict="allowed"} 3.0', 'reviews_total{verdict="denied"} 1.0']


def test_times_of_several_processes_are_one_distribution() -> None:
    here, there, both = (Timings("seconds", "Time", "door", (1, 2)) for _ in range(3))
    for one, seconds in ((here, 0.5), (there, 1.5), (there, 9.0)):
        one.add("validate", seconds)
        both.add("validate", seconds)
    here.elsewhere = there.counted()
    assert exposed(here) == exposed(both)


def test_tallies_are_summed_by_name_and_label() -> None:
    one: Tally = {"a": {("x",): [1.0, 2.0]}, "b": {(): [1.0]}}
    other: Tally = {"a": {("x",): [3.0, 4.0], ("y",): [5.0, 6.0]}}
    assert together([one, other]) == {"a": {("x",): [4, 6], ("y",): [5, 6]}, "b": {(): [1]}}
    assert one["a"] == {("x",): [1.0, 2.0]}
    assert together([]) == {}
