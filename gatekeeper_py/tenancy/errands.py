"""What a custom resource that nobody has read would have its controller do beyond the namespace: make or
change what no namespace holds, give rights, steer a node, or work in a namespace that only a template tells.

A controller does so with rights of its own, and what it makes is nobody's in particular when it comes. What
stands in pods of the namespace is passed over, as in `leaves`.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, islice
from typing import Any

from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.tenancy.catalogue import BUILT_IN_GROUPS
from gatekeeper_py.tenancy.commons import (
    ALL,
    FOR_ALL_FIELDS,
    answers_for_the_server,
    is_flag_for_all,
    is_for_all,
    is_kind_for_all,
    on_all_nodes,
    order_in,
)
from gatekeeper_py.tenancy.custom import custom_kind
from gatekeeper_py.tenancy.forms import (
    ANYWHERE,
    NAMESPACE_KEY,
    QUALIFIED,
    RIGHT,
    Finds,
    Place,
)
from gatekeeper_py.tenancy.keyfiles import is_key_file, key_file_in
from gatekeeper_py.tenancy.leaves import (
    CONFIGURED,
    FILE,
    LONGEST_PATH,
    LONGEST_SHOWN,
    MOST_NESTED,
    SILENT,
    is_silent,
)
from gatekeeper_py.tenancy.machines import asked_in_text

__all__ = ["add_errands"]

CLASSES = frozenset(
    (
        "ClusterRole",
        "DeviceClass",
        "GatewayClass",
        "IngressClass",
        "Namespace",
        "PriorityClass",
        "RuntimeClass",
        "StorageClass",
        "VolumeAttributesClass",
    )
)
"""Cluster-wide kinds that ordinary manifests refer to by kind and name; to change one is another matter."""
CHANGED = re.compile(
    r"[.](?:.*[a-z])?(?:object|resource|subject|target)s?(?:ref(?:erence)?s?)?$|[.]patch(?:es)?$",
    re.IGNORECASE,
)
"""How fields are called that hold what is to be changed."""
ADMINISTRATOR = "cluster-admin"
"""The built-in role of the cluster's administrator."""
ACCOUNT_TOKEN = "kubernetes.io/service-account-token"
"""The type of a Secret that the control plane fills with a token of whichever account it names."""
ROLE_OR_PERSON = re.compile(
    r"[.](?:.*[a-z])?(?:as|groups?|identit(?:y|ies)|members?|organi[sz]ations?|orgs?|principals?|roles?|role(?:name|ref)s?|subjects?"
    r"|users?|user(?:name)s?)$",
    re.IGNORECASE,
)
"""How fields are called that hold a role, or whom it is given to."""
IMPERSONATED = re.compile(r"impersonat(?:e[ds]?|ion|or)(?:[-_]?(?:as|groups?|users?))?", re.IGNORECASE)
"""Fields that hold whom to pass for; an account of the tenant's is judged by its name (`leaves`)."""
ACCOUNT = "system:serviceaccount:"
OF_THE_CONTROL_PLANE = re.compile(
    r"system:(?!serviceaccounts?:).+|kubernetes-admin|kubernetes-super-admin"
    r"|(?:cluster|infra(?:structure)?|k8s|kube|kubernetes|platform)[-:. ]?"
    r"(?:admin(?:istrator)?s?|operators?|owners?)"
)
"""Roles, users and groups of the control plane, by how they begin, and what platforms call theirs."""
NAME = ".name"
READING = frozenset(("get", "list", "watch"))
POWERS = frozenset(("bind", "escalate", "impersonate"))
"""Verbs that are more than they look (references-role-rules)."""
NODE_FIELD = re.compile(
    r"host(?:access|command|dir|file|(?:mount)?path|root)s?|kernel[-_]?modules?|modprobe|(?:e?bpf|kprobe)(?:program)?s?|(?:target)?node(?:name|ref|taint)s?|(?:on|target)nodes?|sysctls?",
    re.IGNORECASE,
)
"""Fields that hold a node, or a place on one."""
NODES = ("node", "nodes", "machine", "machines")
"""Fields that hold a node where something is done that is done to nodes; else members of a database."""
DONE_TO_NODES = re.compile(
    r"drain|cordon|reboot|evacuat|taint|power[-_]?(?:cycle|off)|shut[-_]?down|decommission|sysctl|kubelet"
    r"|chroot|nsenter|fencing"
    r"|(?:node|machine|host)s?[-_]?(?:cmd|command|debug|exec|label|maint|patch|reset|script|shell|task|upgrade)",
    re.IGNORECASE,
)
"""Words for that."""
STEERS_NODES = re.compile(
    r"(?:Cluster)?(?:Drain|Cordon|Evacuation|(?:Node|Host|Machine|Kernel|Kubelet|Sysctl)s?(?:Cmd|Command|Config|Cordon|Debug\w*"
    r"|Drain|Exec|File|Job|Label\w*|Maintenance|Ops?|Operation|Patch|Reboot|Remediation|Repair|Reset|Script|Shell|Taint|Task|Tun(?:e|ing)"
    r"|Upgrade)s?)"
)
"""How kinds are called whose whole business is nodes."""
RUN = frozenset(("command", "container", "image", "mounts", "podSpec", "script"))
"""What stands beside `privileged` where it is a container that is so."""
ROLES = "rbac.authorization.k8s.io"
IMAGE = "image"
CONTAINERS = frozenset(("containers", "initContainers"))
"""Fields of what runs in a pod, whose files are its own."""
STEERING = frozenset((*NODES, IMAGE, "host", "privileged"))
"""Fields that may say what is done to a node."""
SHARED = re.compile(r"(?:ipc|net|network|pid|userns|uts)(?:mode)?", re.IGNORECASE)
HOST = "host"
"""Fields of containers, as Docker has them, and what they say to share that of the node."""
HOST_FLAG = re.compile(
    r"(?:container-?d|crio|docker)[-_]?sock(?:et)?|host(?:ipc|mounts?|net(?:work(?:ing)?)?|pid|root(?:fs)?)|mounthost",
    re.IGNORECASE,
)
"""The same as a field that is true."""
BIND = re.compile(r"/[^:\s]*:/[^\s]*")
"""A directory of the node and where it is mounted, as Docker has it."""
CAPABILITY_FIELD = re.compile(r"(?:add[-_]?)?cap(?:abilitie)?s?(?:[-_.]?add)?", re.IGNORECASE)
ADD = "add"
SAYING_LITTLE = (ADD, "mode")
CAPABILITIES = frozenset(
    ("ALL", "BPF", "NET_ADMIN", "PERFMON", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_TIME")
)
"""Capabilities that reach beyond a container (capabilities(7)); to drop them is another field."""
WHOSE = frozenset(("namespaceref", "sourcetenant", "targettenant", "tenant", "tenantref"))
"""Fields that refer to a tenant or a namespace by its name."""
SPACES = ("project", "space", "workspace")
OBJECTS = frozenset(
    (
        *(
            "account",
            "claim",
            "configMap",
            "deployment",
            "job",
            "pod",
            "pvc",
            "secret",
            "service",
            "serviceAccount",
        ),
        *("secretName", "statefulSet", "volume"),
    )
)
"""What projects and spaces are called, which are namespaces where an object is named beside them."""
SCOPE_FIELD = re.compile(r"(?:access|watch)?scope", re.IGNORECASE)
WHOLE_CLUSTER = re.compile(r"cluster[-_]?(?:wide|scoped)?|all[-_ ]?(?:namespaces|tenants)", re.IGNORECASE)
"""What a field for a scope says of all namespaces at once."""
TENANTS = re.compile(r"(?:all|for|target|to)?[-_]?tenants?", re.IGNORECASE)
EACH = frozenset(("*", ".*", "all"))
"""What a field for tenants says of all of them."""
FILLED_IN = re.compile(r"\{\{|\$[({]|<%|\$[A-Z_]")
"""What is filled in later, as templates of Go, Jinja, Tekton, shells and Ruby have it."""
OWN_NAMESPACE = re.compile(
    r"(?:\{\{-?|\$\{?|\$\(|<%=?)\s*(?:\.?(?:release|metadata|meta|object\.metadata|request|context\.\w+|workflow"
    r"|self\.metadata|instance|owner|parent)\.namespace|\.?namespace|pod_namespace)\s*(?:-?\}\}|\}|\)|%>)?",
    re.IGNORECASE,
)
"""A template that as a whole means the namespace that the object is in."""
MADE = re.compile(
    r"""["']?apiVersion["']?\s*:\s*["']?([A-Za-z0-9./-]+)["']?\s*,?\s*["']?kind["']?\s*:\s*["']?([A-Za-z]+)"""
    r"""|["']?kind["']?\s*:\s*["']?([A-Za-z]+)["']?\s*,?\s*["']?apiVersion["']?\s*:\s*["']?([A-Za-z0-9./-]+)"""
)
"""An object among other text, in YAML or JSON: its version and kind stand together."""
PUT = re.compile(r"""(?<![A-Za-z_-])["']?namespace["']?\s*:\s*["']?([a-z0-9][a-z0-9-]*)""")
"""The namespace of one, likewise."""
PICKED = re.compile(
    r"""metadata[.]namespace={1,2}([a-z0-9-]+)|\blookup\s+"[^"]*"\s+"[^"]*"\s+"([^"]+)\""""
    r"""|\b(?:kubectl|oc)\b[^\n;|&]{0,80}\s(?:ns|namespaces?)[\s/]([a-z0-9-]+)"""
    r"""|\{\{-?\s*(?:from|get|k8s)?(?:configmap|secret)\w*\s+"([a-z0-9-]+)"\s+"""
    r"""|\bnamespace\s*==\s*["']([a-z0-9-]+)["']"""
    r"""|(?:^|\s)(?:--namespace[=\s]|-n[=\s])\s?["']?([a-z0-9-]+)"""
)
"""A demand of a field selector (apimachinery/pkg/fields), of a look-up of Helm, and what kubectl is told."""
TOOL = re.compile(r"\b(?:kubectl|helm|oc)\b")
EVERYWHERE = re.compile(r"(?:^|\s)(?:--all-namespaces|-A)(?=\s|$)")
"""All of them."""
READ_IN = re.compile(r"""\{\{[^{}]*["'`](/[^"'`]*)["'`]""")
"""A file that a template reads."""
LONGEST_NAME = 64
"""Characters of a field's name that may mean one of the above."""
ENCODED = (
    "YXBpVmVyc2lvb",
    "a2luZD",
    "LS0tC",
    "eyJhcGlWZXJzaW9u",
    "eyJraW5k",
    "ewogICJ",
    "IyAt",
    "bWV0YWRhdG",
)
"""How base64 begins of what begins with apiVersion, kind, ---, a brace and one of these, or metadata."""
MOST_SAID = 64
"""Different things of one text that are reported: each is one too many."""


def decoded(text: str) -> str:
    """What base64 stands for, where that is text; nothing for anything else."""
    try:
        return b64decode("".join(text.split())).decode()
    except ValueError:
        return ""


@cache
def cluster_wide_kinds() -> frozenset[str]:
    """The kinds of Kubernetes' own that no namespace holds."""
    return frozenset(
        resource.served.kind.kind for resource in Kinds.builtin() if not resource.served.namespaced
    )


@cache
def cluster_wide_resources() -> frozenset[str]:
    """The same, as roles name them."""
    return frozenset(
        resource.served.resource.resource for resource in Kinds.builtin() if not resource.served.namespaced
    )


@dataclass(slots=True)
class _Seen:
    """What the walk through an object has come by that bears on the rest of it."""

    kind: str = ""
    """The object's."""
    runs_image: bool = False
    """Whether it says what a pod runs, whose files are its own."""
    files: list[tuple[Place, str]] = field(default_factory=list)
    """Texts with the path of a key file in their midst, by where they are."""
    orders: list[tuple[Place, str]] = field(default_factory=list)
    """What texts have done where they are run, likewise."""


def add_errands(body: Mapping[str, Any], finds: Finds, kind: str = "") -> None:
    """Report what an object of a kind has done; each value is looked at once, in linear time."""
    if STEERS_NODES.fullmatch(kind[:LONGEST_NAME]) or is_kind_for_all(kind):
        finds.add("scan", "kind", kind[:LONGEST_NAME], kind=RIGHT)
    seen = _Seen(kind)
    levels = [_walk(body, Place(None, "", 0), finds, seen)]  # one iterator a level, as in `forms`
    while levels:
        inner = next(levels[-1], None)
        if inner is None:
            levels.pop()
        else:
            levels.append(_walk(*inner, finds, seen))
    if not seen.runs_image:
        for place, path in seen.files:
            finds.add("scan", place.path(), path[:LONGEST_SHOWN], kind=FILE)
        for place, order in seen.orders:
            finds.add("scan", place.path(), order[:LONGEST_SHOWN], kind=RIGHT)


def _walk(value: Any, place: Place, finds: Finds, seen: _Seen) -> Iterator[tuple[Any, Place]]:
    """The containers in a container; what its own values say is reported on the way."""
    if type(value) is dict:
        _add_mapping(value, place, finds, seen)
    items = value.items() if type(value) is dict else ((f"[{at}]", item) for at, item in enumerate(value))
    for key, item in items:
        if key in SILENT and is_silent(key, item):
            seen.runs_image = seen.runs_image or key in CONTAINERS
            _add_binds(item, place, key, finds)
            continue
        inner = place.below(f".{key}" if type(value) is dict else key)
        if type(item) in (dict, list):
            _add_node(item, inner, finds)
            yield item, inner
        elif type(item) is str:
            _add_text(item, inner, finds, seen)
        elif item is True and (HOST_FLAG.fullmatch(key) or is_flag_for_all(key)):
            finds.add("scan", inner.path(), key, kind=RIGHT)


def _add_mapping(value: Mapping[str, Any], place: Place, finds: Finds, seen: _Seen) -> None:
    """What the fields of a mapping say together."""
    _add_object(value, place, finds)
    _add_rule(value, place, finds)
    if not STEERING.isdisjoint(value):
        _add_machine(value, place, finds, seen)
    if _field(place).lower() in WHOSE:
        _add_whose(value, place, finds)
    if not OBJECTS.isdisjoint(value):
        _add_space(value, place, finds)
    if not FOR_ALL_FIELDS.isdisjoint(value):
        _add_for_all(value, place, finds)


def _field(place: Place) -> str:
    """The name of the field that a value is, or is an item of; nothing when it is too long to mean one."""
    for _ in range(MOST_NESTED):
        if not place.step.startswith("[") or place.around is None:
            break
        place = place.around
    return place.step[1:] if len(place.step) <= LONGEST_NAME else ""


# --- objects


def _add_object(value: Mapping[str, Any], place: Place, finds: Finds) -> None:
    """A mapping that is an object, or names one by its kind."""
    kind, version = value.get("kind"), value.get("apiVersion", "")
    if type(kind) is not str or type(version) is not str:
        return
    metadata = value.get("metadata")
    if version and type(metadata) is dict:
        _add_made(_group(version), kind, metadata.get("name"), place, finds)
        return
    group, name = value.get("group", value.get("apiGroup", _group(version))), value.get("name")
    if type(group) is str and CHANGED.search(f".{_field(place)}") and _is_power(group, kind):
        finds.add("scan", place.path(), kind, group if group != ROLES else "", RIGHT)
    if type(name) is not str or group not in BUILT_IN_GROUPS or kind not in cluster_wide_kinds():
        return
    if kind == "Namespace":
        finds.add("scan", f"{place.path()}.name", name, kind=kind, namespace=name)
    elif kind not in CLASSES or CHANGED.search(f".{_field(place)}"):
        finds.add("scan", f"{place.path()}.name", f"{kind} {name}", kind=RIGHT)


def _is_power(group: str, kind: str) -> bool:
    """Whether to change an object of a kind is to have rights that the tenant has not."""
    return group == ROLES or (
        group not in BUILT_IN_GROUPS and custom_kind(group, kind).judgement == "powerful"
    )


def _group(version: str) -> str:
    return version.rpartition("/")[0]


def _add_made(group: str, kind: str, name: object, place: Place, finds: Finds) -> None:
    """An object that is to be made, when the tenant itself could not."""
    if group in BUILT_IN_GROUPS:
        if kind in cluster_wide_kinds() and (kind, name) != ("Namespace", finds.namespace):
            finds.add("scan", place.path(), kind, kind=RIGHT)
    elif custom_kind(group, kind).judgement == "powerful":
        finds.add("scan", place.path(), kind, group, RIGHT)


def _add_made_of_text(text: str, place: Place, finds: Finds) -> None:
    made = {(match[1] or match[4], match[2] or match[3]) for match in MADE.finditer(text)}
    for version, kind in sorted(made)[:MOST_SAID]:
        _add_made(_group(version), kind, None, place, finds)
    put = {match[1] for match in PUT.finditer(text)} if made else set()
    for namespace in sorted(put)[:MOST_SAID]:
        finds.add("scan", place.path(), namespace, kind="Namespace", namespace=namespace)


# --- rights


def _add_rule(value: Mapping[str, Any], place: Place, finds: Finds) -> None:
    """A rule of a role, wherever it stands, that holds more than work in a namespace."""
    verbs, resources = value.get("verbs"), value.get("resources", value.get("nonResourceURLs"))
    if type(verbs) is not list or type(resources) is not list:
        return
    asked = {verb for verb in verbs if type(verb) is str}
    named = [resource for resource in resources if type(resource) is str]
    power = next(_powers(asked, named), None)
    if power is None and "nonResourceURLs" in value:
        power = "nonResourceURLs"
    if power is not None:
        finds.add("scan", place.path(), power, kind=RIGHT)


def _powers(verbs: set[str], resources: list[str]) -> Iterator[str]:
    yield from sorted(verb for verb in verbs if verb.partition(":")[0].partition("-")[0] in POWERS)
    for resource in resources:
        base, slash, _ = resource.partition("/")
        if (verbs - READING and base == ANYWHERE) or (
            base in cluster_wide_resources() and (slash or verbs - READING)
        ):
            yield resource


def _gives_power(text: str, place: Place) -> bool:
    if text in (ADMINISTRATOR, ACCOUNT_TOKEN) or _passes_for(text, place):
        return True
    if OF_THE_CONTROL_PLANE.fullmatch(text) is None:
        return False
    around = place.around
    named = around if place.step == NAME and around is not None else place
    return ROLE_OR_PERSON.search(f".{_field(named)}") is not None


def _passes_for(text: str, place: Place) -> bool:
    if not text or text.startswith(ACCOUNT):
        return False
    around = _field(place.around) if place.around is not None else ""
    return IMPERSONATED.fullmatch(_field(place)) is not None or IMPERSONATED.fullmatch(around) is not None


# --- values


def _add_node(value: Any, place: Place, finds: Finds) -> None:
    if type(value) is dict and value and NODE_FIELD.fullmatch(_field(place)):
        finds.add("scan", place.path(), _field(place), kind=RIGHT)


def _add_machine(value: Mapping[str, Any], place: Place, finds: Finds, seen: _Seen) -> None:
    """What a mapping has done to a node, or asks of the one that something is to run on."""
    seen.runs_image = seen.runs_image or type(value.get(IMAGE)) in (str, dict)
    if value.get("privileged") is True and not RUN.isdisjoint(value):
        finds.add("scan", place.below(".privileged").path(), "privileged", kind=RIGHT)
    host = value.get("host")
    if type(host) is str and host.startswith("/") and not host.startswith("//"):
        finds.add("scan", place.below(".host").path(), host[:LONGEST_SHOWN], kind=RIGHT)
    for key in NODES:
        named = value.get(key)
        first = named[0] if type(named) is list and named else named
        if type(first) is str and first and (first in ALL or _is_done_to_nodes(value)):
            finds.add("scan", place.below(f".{key}").path(), first[:LONGEST_SHOWN], kind=RIGHT)


def _is_done_to_nodes(value: Mapping[str, Any]) -> bool:
    lists = (islice(item, MOST_SAID) for item in value.values() if type(item) is list)
    said = chain(value, value.values(), *lists)
    return any(type(text) is str and DONE_TO_NODES.search(text[:LONGEST_NAME]) for text in said)


def _add_for_all(value: Mapping[str, Any], place: Place, finds: Finds) -> None:
    """A mapping that is about every node, or answers for the API server."""
    if answers_for_the_server(value):
        finds.add(
            "scan", place.path(), "clientConfig" if "clientConfig" in value else value["group"], kind=RIGHT
        )
    elif scope := on_all_nodes(value):
        finds.add("scan", place.below(f".{scope}").path(), value[scope][:LONGEST_SHOWN], kind=RIGHT)


def _add_space(value: Mapping[str, Any], place: Place, finds: Finds) -> None:
    """A namespace by another word, beside an object in it."""
    for key in SPACES:
        name = value.get(key)
        if type(name) is str and name:
            finds.add(
                "scan", place.below(f".{key}").path(), f"{name[:LONGEST_SHOWN]}/{ANYWHERE}", kind=QUALIFIED
            )


def _add_whose(value: Mapping[str, Any], place: Place, finds: Finds) -> None:
    """A tenant that is referred to by its name, which may be that of a namespace of it."""
    name = value.get("name")
    if type(name) is str and name:
        path = place.below(NAME).path()
        finds.add("scan", path, f"{name[:LONGEST_SHOWN]}/{ANYWHERE}", kind=QUALIFIED)


def _add_binds(value: Any, place: Place, key: str, finds: Finds) -> None:
    """Directories of the node among the volumes of a container."""
    for bind in value if type(value) is list else ():
        if type(bind) is str and BIND.fullmatch(bind[:LONGEST_PATH]):
            finds.add("scan", place.below(f".{key}").path(), bind[:LONGEST_SHOWN], kind=RIGHT)
            return


def _asks_for_node(text: str, place: Place) -> bool:
    """Whether a value of a container gives it a part of the node, or rights over it."""
    if text == HOST:
        return any(SHARED.fullmatch(called) for called in _last_fields(place))
    if text.removeprefix("CAP_") not in CAPABILITIES:
        return False
    return any(map(CAPABILITY_FIELD.fullmatch, _last_fields(place)))


def _last_fields(place: Place) -> Iterator[str]:
    """The field that a value is in; that and the one around it where alone it says little."""
    field = _field(place)
    while place.step.startswith("[") and place.around is not None:
        place = place.around
    yield field
    if field in SAYING_LITTLE and place.around is not None:
        yield f"{_field(place.around)}.{field}" if field == ADD else _field(place.around)


def _add_text(text: str, place: Place, finds: Finds, seen: _Seen) -> None:
    if text.startswith(ENCODED):
        text = decoded(text) or text
    called = _field(place)
    if (
        (text and NODE_FIELD.fullmatch(called))
        or _gives_power(text, place)
        or _asks_for_node(text, place)
        or is_for_all(seen.kind, called, text)
    ):
        finds.add("scan", place.path(), text[:LONGEST_SHOWN], kind=RIGHT)
    elif _spans_the_cluster(called, text):
        finds.add("scan", place.path(), text[:LONGEST_SHOWN], kind="Namespace", namespace=ANYWHERE)
    if "host" in text or "privileged" in text:
        _add_asked(text, place, finds)
    if "apiVersion" in text:
        _add_made_of_text(text, place, finds)
    if "-n" in text or "namespace" in text or "{{" in text or " ns " in text:
        _add_picked(text, place, finds)
    if "/" in text:
        _add_file(text, called, place, finds, seen)
    if (" " in text or "(" in text or "{" in text) and (order := order_in(text)):
        seen.orders.append((place, order))


def _add_asked(text: str, place: Place, finds: Finds) -> None:
    asked = asked_in_text(text)
    if asked:
        finds.add("scan", place.path(), asked, kind=RIGHT)


def _add_picked(text: str, place: Place, finds: Finds) -> None:
    picked = {next(filter(None, match.groups())) for match in PICKED.finditer(text)}
    for namespace in sorted(picked)[:MOST_SAID]:
        finds.add("scan", place.path(), f"{namespace}/{ANYWHERE}", kind=QUALIFIED)


def _add_file(text: str, called: str, place: Place, finds: Finds, seen: _Seen) -> None:
    """A key file that a template reads, or that a script tells of."""
    if "{{" in text and any(is_key_file(match[1]) for match in READ_IN.finditer(text)):
        finds.add("scan", place.path(), text[:LONGEST_SHOWN], kind=FILE)
        return
    path = key_file_in(text)
    if path and not CONFIGURED.fullmatch(called):
        seen.files.append((place, path))


def _spans_the_cluster(field: str, text: str) -> bool:
    """Whether a text means every namespace, or one that nobody can tell yet."""
    if text in EACH and TENANTS.fullmatch(field):
        return True
    if SCOPE_FIELD.fullmatch(field):
        return WHOLE_CLUSTER.fullmatch(text) is not None
    if (
        ("-A" in text or "--all-" in text)
        and EVERYWHERE.search(text)
        and (TOOL.search(text) or TOOL.search(field))
    ):
        return True
    templated = NAMESPACE_KEY.search(field) is not None and FILLED_IN.search(text) is not None
    return templated and OWN_NAMESPACE.fullmatch(text.strip()) is None
