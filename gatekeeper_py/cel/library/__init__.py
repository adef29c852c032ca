"""One file a function library: its declarations and its functions together."""
