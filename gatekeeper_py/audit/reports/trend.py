"""How what was found has gone on over time, as lines in SVG and as numbers."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from gatekeeper_py.audit.outcome import Outcome, Past

__all__ = ["trend"]

WIDTH, HEIGHT, MARGIN = 640, 160, 8

DESCRIPTION: Final = "Objects over time; the numbers are below"

LINES: Final[Mapping[str, Callable[[Past], int]]] = {
    "violating": lambda past: past.violating,
    "observed": lambda past: past.observed,
    "waived": lambda past: past.waived,
    "not audited": lambda past: past.not_audited,
}
"""What is drawn, by the name that is shown, and is the class of its line."""


def trend(outcome: Outcome) -> str:
    """The trend up to now; nothing where nothing earlier is known."""
    points = (*outcome.earlier, *((outcome.now,) if outcome.time else ()))
    if not outcome.earlier or len(points) < 2:
        return ""
    most = max(1, *(count(point) for point in points for count in LINES.values()))
    drawn = "".join(_line(name, points, most) for name in LINES)
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{DESCRIPTION}"'
    legend = "".join(f'<li class="{_class(name)}">{name}</li>' for name in LINES)
    return (
        f'<section><h2>Trend</h2><svg {box}>{drawn}</svg><ul class="legend">{legend}</ul>'
        f"<details><summary>{len(points)} reports</summary>{_numbers(points)}</details></section>"
    )


def _line(name: str, points: Sequence[Past], most: int) -> str:
    count = LINES[name]
    places = (
        f"{across:.1f},{MARGIN + (HEIGHT - 2 * MARGIN) * (1 - count(point) / most):.1f}"
        for across, point in zip(_across(points), points, strict=True)
    )
    return f'<polyline class="{_class(name)}" points="{" ".join(places)}"/>'


def _across(points: Sequence[Past]) -> Iterator[float]:
    """Where the points are by their times, which may lie apart however they like."""
    seconds = [_when(point.time).timestamp() for point in points]
    span = max(seconds) - min(seconds) or 1.0
    return (MARGIN + (WIDTH - 2 * MARGIN) * (each - min(seconds)) / span for each in seconds)


def _when(time: str) -> datetime:
    read = datetime.fromisoformat(time)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _numbers(points: Sequence[Past]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in ("time", *LINES, "objects"))
    rows = "".join(
        f'<tr><td data-name="time">{html.escape(point.time)}</td>'
        + "".join(f'<td data-name="{name}" class=count>{count(point)}</td>' for name, count in LINES.items())
        + f'<td data-name="objects" class=count>{point.objects}</td></tr>'
        for point in points
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _class(name: str) -> str:
    return name.replace(" ", "-")
