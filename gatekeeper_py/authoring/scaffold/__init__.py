"""A new policy with its binding, comment block and suite, from a few answers."""
