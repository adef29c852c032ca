"""One module a format; each has `report(outcome) -> str`."""
