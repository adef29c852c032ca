"""From text to tree: reading, and saying what does not parse."""
