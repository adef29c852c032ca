"""Kubernetes' expression language (CEL, as the API server 1.36 runs it), compiled to Python bytecode.

Knows no Kubernetes object and does no I/O.
"""
