"""Kubernetes' expression language (CEL, as the API server 1.36 runs it), compiled to Python bytecode.

Knows no Kubernetes object and does no I/O.

    environment = kubernetes_environment().extend(variables={"object": types.DYN})
    program = environment.compile("object.spec.replicas <= 5", types.BOOL)
    program.evaluate({"object": {"spec": {"replicas": 3}}}, Budget(1_000_000))  # True
"""

from gatekeeper_py.cel import types
from gatekeeper_py.cel.budget import Budget
from gatekeeper_py.cel.declarations import Function, Library, Overload
from gatekeeper_py.cel.environment import Environment, Program, kubernetes_environment
from gatekeeper_py.cel.errors import CompileError, CostExceeded, DeadlineExceeded, EvaluationError

__all__ = [
    "Budget",
    "CompileError",
    "CostExceeded",
    "DeadlineExceeded",
    "Environment",
    "EvaluationError",
    "Function",
    "Library",
    "Overload",
    "Program",
    "kubernetes_environment",
    "types",
]
