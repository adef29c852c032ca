"""The files of `webhooks/`."""
