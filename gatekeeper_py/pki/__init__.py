"""CA and serving certificates.

`development.make_certificates(directory)` is what `gatekeeper certs dev` runs.
`authority` signs, `files` reads and writes.
"""
