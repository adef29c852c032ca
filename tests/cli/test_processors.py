"""How many processes are worth it, by what bounds a container."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gatekeeper_py.cli.processors import MANY, affordable, processors

MIB = 1 << 20


def group(folder: Path, **files: str) -> Path:
    """A control group; two underscores stand for a point, three for a slash."""
    for name, text in files.items():
        path = folder / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    """May run on eight of them."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"cpu__max": "max 100000\n"}, 8),
        ({"cpu__max": "200000 100000\n"}, 2),
        ({"cpu__max": "150000 100000\n"}, 2),
        ({"cpu__max": "5000 100000\n"}, 1),
        ({"cpu__max": "6400000 100000\n"}, 8),
        ({"cpu__max": "nonsense\n"}, 8),
        ({"cpu___cpu__cfs_quota_us": "300000\n", "cpu___cpu__cfs_period_us": "100000\n"}, 3),
        ({"cpu___cpu__cfs_quota_us": "-1\n", "cpu___cpu__cfs_period_us": "100000\n"}, 8),
    ],
)
def test_a_process_may_use_what_it_may_run_on_and_its_quota(
    tmp_path: Path, files: dict[str, str], expected: int
) -> None:
    assert processors(group(tmp_path, **files)) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, MANY),
        ({"memory__max": "max\n"}, MANY),
        ({"memory__max": f"{1024 * MIB}\n"}, 9),
        ({"memory__max": f"{640 * MIB}\n"}, 3),
        ({"memory__max": f"{256 * MIB}\n"}, 1),
        ({"memory___memory__limit_in_bytes": f"{640 * MIB}\n"}, 3),
        ({"memory___memory__limit_in_bytes": "9223372036854771712\n"}, MANY),
    ],
)
def test_workers_have_to_find_room_in_memory(tmp_path: Path, files: dict[str, str], expected: int) -> None:
    assert affordable(group(tmp_path, **files)) == expected
