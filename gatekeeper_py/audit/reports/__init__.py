"""One module a format; each has `report(audited) -> str`."""
