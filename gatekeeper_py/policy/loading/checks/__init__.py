"""The API server's own checks of policies and bindings, and what these say, compiled.

Follows pkg/apis/admissionregistration/validation of Kubernetes 1.36 word for word, defaults of v1 included.
A document comes here only after `shape` found its types right: every value is of its type, or null.
"""

from gatekeeper_py.policy.loading.checks.bindings import check_binding
from gatekeeper_py.policy.loading.checks.policies import check_policy

__all__ = ["check_binding", "check_policy"]
