"""Whether the server and the engine stand on the oldest libraries that pyproject.toml allows: `make lowest`."""
