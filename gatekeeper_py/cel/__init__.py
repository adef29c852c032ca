"""Kubernetes' expression language (CEL, as the API server 1.36 runs it), compiled to Python bytecode.

Knows no Kubernetes object and does no I/O. Whoever is outside imports from here alone.

    environment = kubernetes_environment().extend(variables={"object": types.DYN})
    program = environment.compile("object.spec.replicas <= 5", types.BOOL)
    program.evaluate({"object": {"spec": {"replicas": 3}}}, Budget(1_000_000))  # True
"""

from gatekeeper_py.cel.checking import types
from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import (
    BOOL,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    Kind,
    Type,
    list_of,
    map_of,
    object_type,
    opaque,
    optional_of,
)
from gatekeeper_py.cel.compiling.joint import Found, JointRule, Part, is_joinable, join
from gatekeeper_py.cel.compiling.specialization import Known
from gatekeeper_py.cel.environment import Environment, Program, expect, kubernetes_environment
from gatekeeper_py.cel.errors import (
    CompileError,
    CostExceeded,
    DeadlineExceeded,
    EvaluationError,
    InstantiationError,
    ResultError,
)
from gatekeeper_py.cel.evaluation.budget import EXPRESSION_LIMIT, STRIDE, Budget
from gatekeeper_py.cel.evaluation.times import parse_duration, print_duration, print_timestamp
from gatekeeper_py.cel.evaluation.values import (
    NONE,
    NOTHING,
    ComputedMap,
    Duration,
    Message,
    Optional,
    Timestamp,
    TypeValue,
    equal,
    type_name,
)
from gatekeeper_py.cel.explanation import Explanation, Outcome, explain
from gatekeeper_py.cel.layout import LINE_WIDTH, lay_out
from gatekeeper_py.cel.library import authorizer, jsonpatch
from gatekeeper_py.cel.library.authorizer import (
    AccessDecision,
    AccessReview,
    AuthorizerValue,
    GroupCheck,
    ResourceCheck,
    Subject,
)
from gatekeeper_py.cel.printing import written
from gatekeeper_py.cel.syntax import tree

__all__ = [
    "BOOL",
    "DURATION",
    "DYN",
    "EXPRESSION_LIMIT",
    "INT",
    "LINE_WIDTH",
    "NONE",
    "NOTHING",
    "NULL",
    "STRIDE",
    "STRING",
    "TIMESTAMP",
    "AccessDecision",
    "AccessReview",
    "AuthorizerValue",
    "Budget",
    "CompileError",
    "ComputedMap",
    "CostExceeded",
    "DeadlineExceeded",
    "Duration",
    "Environment",
    "EvaluationError",
    "Explanation",
    "Found",
    "Function",
    "GroupCheck",
    "InstantiationError",
    "JointRule",
    "Kind",
    "Known",
    "Library",
    "Message",
    "Optional",
    "Outcome",
    "Overload",
    "Part",
    "Program",
    "ResourceCheck",
    "ResultError",
    "Subject",
    "Timestamp",
    "Type",
    "TypeValue",
    "authorizer",
    "equal",
    "expect",
    "explain",
    "is_joinable",
    "join",
    "jsonpatch",
    "kubernetes_environment",
    "lay_out",
    "list_of",
    "map_of",
    "object_type",
    "opaque",
    "optional_of",
    "parse_duration",
    "print_duration",
    "print_timestamp",
    "tree",
    "type_name",
    "types",
    "written",
]
