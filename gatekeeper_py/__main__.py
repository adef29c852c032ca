"""`python -m gatekeeper_py` is the `gatekeeper` command."""

from gatekeeper_py.cli import main

if __name__ == "__main__":
    main()
