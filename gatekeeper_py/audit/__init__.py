"""Scan what exists and report it."""
