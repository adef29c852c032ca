"""What holds for every test."""

from hypothesis import settings

settings.register_profile("gatekeeper", deadline=None)
settings.load_profile("gatekeeper")
"""A property takes as long as it takes: a busy machine fails no test."""
