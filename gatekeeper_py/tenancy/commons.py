"""What tenants share besides the cluster, and what a custom resource that nobody has read would do to it.

Gateways and controllers that would run its code or show it what they know, servers of databases on which it
would be an administrator, the cluster's names, a place before everybody else's pods.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

__all__ = [
    "ALL",
    "FOR_ALL_FIELDS",
    "answers_for_the_server",
    "is_flag_for_all",
    "is_for_all",
    "is_kind_for_all",
    "on_all_nodes",
    "order_in",
]

LONGEST_NAME: Final = 64
"""Characters of a field's name or a kind's that may mean one of the below."""
LONGEST_WORD: Final = 253
"""Characters of a value that may be a name of one of the below: a name of DNS has no more."""

REMEMBERED: Final = 4096
"""Names of fields whose meaning is kept: tenants may send any."""

CODE_FOR_ALL: Final = re.compile(
    r"(?:[A-Z]\w*)?(?:Controller|Dns|DNS|Edge|Envoy|Gateway|Ingress|Manager|Mesh|Nginx|Operator|Proxy|Router|Waf|WAF)"
    r"(?:Extension|Hook|Lua|Module|Patch|Plugin|Script|Snippet|Wasm)s?"
)
"""How kinds are called whose business is code in what all share."""
OF_THE_PLATFORM: Final = re.compile(
    r"\w*(?:Admission|Compliance|Constraint|Guardrail|Policy|Security)\w*"
    r"(?:Bypass|Exception|Exclusion|Exempt|Exemption|Override|Waiver)s?"
    r"|\w*Namespace(?:Access|Binding|Claim|Clone|Copy|Import|Request|Share|Transfer)s?"
    r"|\w*(?:Admission|Mutating|Validating)(?:Hook|Policy|Webhook)\w*"
)
"""How kinds are called that except from rules, make rules, or give namespaces."""
SHARED_BY_ALL: Final = re.compile(
    r"dns|edge|envoy|filter|gateway|ingress|mesh|middleware|nginx|plugin|proxy|route|virtual|waf",
    re.IGNORECASE,
)
"""How kinds are called that such a thing reads."""
CODE_FIELD: Final = re.compile(
    r"(?:inline)?(?:lua|njs|vcl|wasm)(?:code|file|filter|inline|module|plugin|script|source|ur[il])?s?"
    r"|(?:configuration|http|location|main|nginx|server|stream)[-_]?snippets?",
    re.IGNORECASE,
)
"""Fields of these that hold code, and what languages of such code are called."""
LANGUAGE: Final = re.compile(r"language|runtime|engine|type", re.IGNORECASE)
LOADED_INTO: Final = re.compile(
    r"(?:attach|inject|install|load|mount)(?:ed)?[-_]?(?:in|into|to)|plugin[-_]?(?:for|of)", re.IGNORECASE
)
PROGRAM_FOR_ALL: Final = re.compile(
    r"(?:kube-?)?(?:api-?server|controller-?manager|scheduler|proxy)|kubelet|containerd|coredns|controller|manager|operator"
    r"|(?:the[- ])?(?:gateway|ingress|proxy)(?:[-_]controller)?",
    re.IGNORECASE,
)
"""What all share, as something to load code into."""

ADMINISTRATOR_FLAG: Final = re.compile(
    r"(?:as|grant|is|make)?[-_]?super[-_]?(?:admin|user)|bypass[-_]?rls|sys[-_]?admin|sysdba", re.IGNORECASE
)
"""Fields that, when true, make somebody an administrator of a server."""
GIVEN: Final = re.compile(
    r"(?:.*[a-z_-])?(?:attributes?|flags?|grants?|groups?|in[-_]?roles?|member[-_]?of|options|permissions?|privileges?|roles?)",
    re.IGNORECASE,
)
"""Fields that hold what somebody may do there."""
ADMINISTRATOR: Final = re.compile(
    r"super[-_ ]?(?:admin|user)|(?:alloydb|cloudsql|rds_)?superuser|azure_pg_admin|bypass_?rls|sys_?admin"
    r"|sysdba|pg_(?:execute_server_program|(?:read|write)_server_files)"
    r"|all privileges on \*\.\*|dba",
    re.IGNORECASE,
)
ACTED_AS: Final = re.compile(
    r"(?:act|connect|exec(?:ute)?|log[-_]?in|run)[-_]?as(?:[-_]?(?:role|user))?", re.IGNORECASE
)
MASTER: Final = re.compile(
    r"postgres|rdsadmin|sa|sys|sysdba|superuser|cloudsqlsuperuser|doadmin", re.IGNORECASE
)
"""Whom a server of databases is installed with."""

ZONE: Final = re.compile(
    r"(?:dns|forward(?:ed)?|hosted|match|stub)?[-_]?(?:domain|zone)(?:names?|s)?", re.IGNORECASE
)
NO_ZONE: Final = re.compile(r"(?:dns)?[-_]?domain(?:names?)?", re.IGNORECASE)
"""Of these, what ordinary settings call the cluster's own domain by."""
CLUSTER_ZONE: Final = re.compile(
    r"[.]|(?:.*[.])?(?:cluster[.]local|svc|(?:in-addr|ip6)[.]arpa)[.]?", re.IGNORECASE
)
"""Zones in which the cluster's own names are, and the one in which all are."""

PRIORITY: Final = re.compile(r"priority(?:class)?(?:name)?", re.IGNORECASE)
CRITICAL: Final = frozenset(("system-cluster-critical", "system-node-critical"))
"""Before everybody else's pods (kubernetes/pkg/apis/scheduling/types.go)."""

PLACED: Final = re.compile(r"(?:node)?[-_]?(?:pools?|roles?)|placement|run[-_]?on", re.IGNORECASE)
CONTROL_PLANE: Final = re.compile(r"control-?planes?(?:-nodes?)?", re.IGNORECASE)
"""Nodes on which no tenant's pods run."""
DEFINITIONS: Final = re.compile(r"crds?|custom[-_]?resource[-_]?definitions?", re.IGNORECASE)
"""Fields that hold definitions, which are the cluster's, or from where to fetch them."""

DEFAULT_FLAG: Final = re.compile(
    r"(?:as|is|make|set|use)?[-_]?(?:cluster|global)[-_]?default(?:class)?|is[-_]?default[-_]?class|(?:cluster|global)[-_]?wide",
    re.IGNORECASE,
)
"""Fields that, when true, make something hold for everybody."""

ALL: Final = frozenset(("all", "any", "each", "every"))
"""What a field for nodes says of all of them."""
SCOPES: Final = ("applyTo", "level", "scope", "where")
FOR_ALL_FIELDS: Final = frozenset(("clientConfig", "group", *SCOPES))
"""Fields without which a mapping is neither about all nodes nor has a server asked."""
ON_NODES: Final = re.compile(r"(all[-_ ]?)?(?:hosts?|machines?|nodes?)", re.IGNORECASE)
NETWORK: Final = frozenset(
    (
        *("cidr", "cidrs", "destination", "firewall", "gateway", "iptables", "nextHop", "nexthop", "routes"),
        *("mirror", "subnet", "subnets", "sysctls"),
    )
)
"""Fields beside such a scope that say what the network of a node is to do."""

OWN_GROUPS: Final = (".k8s.io", ".kubernetes.io")
SERVER: Final = frozenset(("backend", "caBundle", "insecureSkipTLSVerify", "server", "service", "url"))
"""Fields of an APIService beside its group (kube-aggregator/pkg/apis/apiregistration/v1/types.go)."""

SQL: Final = re.compile(
    r"\bcopy\b[^;]{0,100}\bprogram\b|\bpg_(?:ls_dir|read_(?:binary_)?file|stat_file|execute_server_program)\b|\blo_import\s*\("
    r"|\bxp_cmdshell\b|\bload_file\s*\(|\binto\s+(?:dump|out)file\b|\bload\s+data\s+infile\b|\bsys_(?:eval|exec)\s*\("
    r"|\b(?:alter|create)\s+(?:role|user)\b[^;]{0,100}\b(?:superuser|bypassrls)\b|\balter\s+system\b"
    r"|\bgrant\s+(?:all(?:\s+privileges)?|super|file|process)\b[^;]{0,100}\bon\s+\*\.\*|\bgrant\s+(?:rds_|cloudsql)?superuser\b"
    r"|\b(?:extension|language)\s+(?:if\s+not\s+exists\s+)?[\"']?(?:plpython[23]?u|plperlu|pltclu|plsh)\b",
    re.IGNORECASE,
)
"""Orders to a database that leave it, or that only its administrator gives."""
RUN_IN_PLACE: Final = re.compile(
    r"\bos\.execute\s*\(|\bio\.popen\s*\(|\bchild_process\b|\bRuntime\.getRuntime\s*\(|\bProcessBuilder\s*\(|\bos\.(?:popen|system)\s*\("
    r"|\bsubprocess\.(?:call|check_output|Popen|run)\s*\(|__(?:class|globals|import|subclasses)__|\bT\s*\(\s*java\.|\bDeno\.(?:run|Command)\b"
    r"|\bexec\.Command\s*\("
)
"""Programs that are begun by the code of a script or a template."""
ENVIRONMENT: Final = re.compile(
    r"\{\{-?[^{}]{0,100}(?<![.\w])(?:env|expandenv|getenv|getHostByName|exec|shell)\s*[(\s]\s*[\"'`]|\$\{(?:env|file|sys|script|java):"
    r"|\{\{-?\s*(?:\.Env\.|os\.environ|environ\b|process\.env)|<%=?[^%]{0,100}(?:ENV\[|File\.read|`)|#\{ENV\[",
)
"""What templates show of the program that fills them in, as Sprig, gomplate, Jinja, Java and Ruby have it."""


MENTIONED: Final = (
    *(
        "program",
        "pg_",
        "lo_import",
        "xp_",
        "load_file",
        "outfile",
        "dumpfile",
        "infile",
        "sys_e",
        "superuser",
    ),
    *(
        "bypassrls",
        "alter",
        "*.*",
        "plp",
        "plsh",
        "pltclu",
        "grant",
        "os.",
        "popen",
        "child_process",
        "runtime",
    ),
    *("processbuilder", "subprocess", "__", "java.", "deno.", "exec", "env", "shell", "${", "<%", "gethost"),
)
"""One of these is in each of the above; most texts have none."""


def is_kind_for_all(kind: str) -> bool:
    """Whether a kind is called after code in what all share, or after what the platform alone decides."""
    called = kind[:LONGEST_NAME]
    return CODE_FOR_ALL.fullmatch(called) is not None or OF_THE_PLATFORM.fullmatch(called) is not None


def is_flag_for_all(field: str) -> bool:
    """Whether a field that is true makes somebody an administrator, or something everybody's default."""
    if len(field) > LONGEST_NAME:
        return False
    return ADMINISTRATOR_FLAG.fullmatch(field) is not None or DEFAULT_FLAG.fullmatch(field) is not None


def is_for_all(kind: str, field: str, text: str) -> bool:
    """Whether a text in a field of an object of a kind asks for what all share."""
    asked = _asked_in(field) if text and len(field) <= LONGEST_NAME else ()
    word = text if len(text) <= LONGEST_WORD else ""
    return any(each(kind, word) for each in asked) if asked else False


@lru_cache(REMEMBERED)
def _asked_in(field: str) -> tuple[Callable[[str, str], bool], ...]:
    """What texts in a field may ask for: nothing, in most."""
    return tuple(asked for called, asked in ASKED if called(field))


def _is_code(kind: str, _text: str) -> bool:
    return SHARED_BY_ALL.search(kind[:LONGEST_NAME]) is not None


def _is_language(kind: str, text: str) -> bool:
    return CODE_FIELD.fullmatch(text) is not None and _is_code(kind, text)


def _is_zone(field: str) -> bool:
    return ZONE.fullmatch(field) is not None and NO_ZONE.fullmatch(field) is None


ASKED: Final[tuple[tuple[Callable[[str], object], Callable[[str, str], bool]], ...]] = (
    (CODE_FIELD.fullmatch, _is_code),
    (LANGUAGE.fullmatch, _is_language),
    (LOADED_INTO.fullmatch, lambda _kind, text: PROGRAM_FOR_ALL.fullmatch(text) is not None),
    (GIVEN.fullmatch, lambda _kind, text: ADMINISTRATOR.fullmatch(text) is not None),
    (ACTED_AS.fullmatch, lambda _kind, text: MASTER.fullmatch(text) is not None),
    (_is_zone, lambda _kind, text: CLUSTER_ZONE.fullmatch(text) is not None),
    (PRIORITY.fullmatch, lambda _kind, text: text in CRITICAL),
    (PLACED.fullmatch, lambda _kind, text: CONTROL_PLANE.fullmatch(text) is not None),
    (DEFINITIONS.fullmatch, lambda _kind, text: "://" in text),
)
"""By fields, what texts in them ask for."""


def on_all_nodes(value: Mapping[str, Any]) -> str:
    """The field by which a mapping means all nodes, or the network of each; nothing when there is none."""
    for field in SCOPES:
        text = value.get(field)
        match = ON_NODES.fullmatch(text[:LONGEST_NAME]) if type(text) is str else None
        if match and (match[1] or not NETWORK.isdisjoint(value)):
            return field
    return ""


def answers_for_the_server(value: Mapping[str, Any]) -> bool:
    """Whether a mapping has a server asked for a group of Kubernetes' own API, or at admission."""
    if "clientConfig" in value:
        return "rules" in value
    group = value.get("group")
    if type(group) is not str or not group.endswith(OWN_GROUPS):
        return False
    return "version" in value and "kind" not in value and not SERVER.isdisjoint(value)


def order_in(text: str) -> str:
    """What a script, a template or a statement has done where it is run; nothing when it is ordinary."""
    lowered = text.lower()
    if not any(word in lowered for word in MENTIONED):
        return ""
    match = SQL.search(text) or RUN_IN_PLACE.search(text) or ENVIRONMENT.search(text)
    return match[0] if match else ""
