"""What holds for every test."""

import os

from hypothesis import settings

settings.register_profile("gatekeeper", deadline=None)
settings.load_profile("gatekeeper")
"""A property takes as long as it takes: a busy machine fails no test."""

os.environ.pop("COLUMNS", None)
"""Tests write into a pipe: neither a person's terminal nor pytest-xdist, which sets it, says how wide that is."""
