"""`python -m tests.cel.syntax.derive_tables`: writes the parser's tables, for the Lark that is installed."""

from __future__ import annotations

from gatekeeper_py.cel.syntax.tables import FILE, contents

if __name__ == "__main__":
    FILE.write_bytes(contents())
