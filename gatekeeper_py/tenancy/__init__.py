"""Tenants, isolation levels, the reference catalogue, and the CEL library that exposes them."""
