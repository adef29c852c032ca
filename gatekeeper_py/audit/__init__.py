"""Scan what exists with the engine that the webhook uses, and report it: `scan` finds, `reports` print."""
