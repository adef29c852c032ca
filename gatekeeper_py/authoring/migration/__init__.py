"""Policies of other engines as native ones: what cannot be carried over is said, and never guessed."""
