"""Forms of the bill, one file each: a function from a `Bill` to text."""
