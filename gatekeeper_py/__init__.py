"""Admission control and tenancy policy engine for hard multi-tenancy on Kubernetes."""

__version__ = "0.1.0"
