"""CA and serving certificates."""
