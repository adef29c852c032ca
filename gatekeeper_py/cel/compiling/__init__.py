"""From checked trees to Python bytecode."""
