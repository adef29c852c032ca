"""Files of policies laid out: their YAML, and the CEL in it. Nothing but white space changes."""
