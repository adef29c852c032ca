"""The forms in which a field names something, each a function that reads the field and reports what it names.

Fields of custom resources hold whatever a tenant wrote, so every form looks at the type before it reads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from gatekeeper_py.objects.remembered import remembered
from gatekeeper_py.objects.selector import Selector, SelectorError
from gatekeeper_py.tenancy.hosts import called_hosts
from gatekeeper_py.tenancy.machines import ASKING, asked_of_machine
from gatekeeper_py.tenancy.places import CLUSTER, Surroundings, place_of

__all__ = [
    "ANYWHERE",
    "DESTINATION",
    "FORMS",
    "INSIDE",
    "JOINED",
    "MAX_REFERENCES",
    "NAMESPACE_KEY",
    "NAME_LABEL",
    "OWNED",
    "PODS",
    "QUALIFIED",
    "RIGHT",
    "SITE",
    "Emit",
    "Finds",
    "Place",
    "Unreadable",
    "beside",
    "beside_namespace",
    "object_name",
    "only_values",
]

ANYWHERE = "*"
"""The namespace of a reference that may reach any namespace."""
INSIDE = "Inside"
"""The kind of an address inside the cluster, the node or its cloud that is no Service."""
DESTINATION = "Destination"
"""The kind of a host of two or three labels that a controller calls: `db.bar` may be a Service of `bar`."""
OWNED = "Owned"
"""The kind of a name on a server that all share, which may begin with whose it is: `bar-invoices`."""
PODS = "pods"
"""How a harmless kind refers to what pods of its namespace call, and no controller."""
NAME_LABEL = "kubernetes.io/metadata.name"
"""The label by which the API server itself names every Namespace."""
HOSTNAME = "Hostname"
"""The kind of a backend that is a host of Istio's: its name is an address, and its namespace nothing."""
JOINED = "Joined"
"""The kind of a name that begins with its namespace: `foo-bar-auth` is of `foo`, or of `foo-bar`."""
QUALIFIED = "Qualified"
"""The kind of a name that may stand behind that of its namespace: `bar/db`."""
RIGHT = "Right"
"""The kind of what only somebody with rights over the cluster may make, change or give."""
SITE = "Site"
"""The kind of a host name by which something is served; tenants say whose it is."""
TRAEFIK_PROVIDER = "@kubernetescrd"
"""How Traefik's names end that begin with a namespace."""
CLUSTER_KINDS = frozenset(
    ("Namespace", "Node", "PersistentVolume", "StorageClass", "GatewayClass", "IngressClass")
)
NAMESPACE_TEXT = re.compile(r"[a-z0-9*]([-a-z0-9*]{0,61}[a-z0-9*])?")
PRINCIPAL = re.compile(r"(?:^|/)ns/([^/]+)(?:/sa/(.*))?")
SERVICE_ACCOUNT_USER = "system:serviceaccount:"
SERVICE_ACCOUNT_GROUP = "system:serviceaccounts"
CALLED = re.compile(r"\s*([a-z][a-z0-9+]*://\S+|[-a-zA-Z0-9.]+:[0-9]+)\s*")
"""What is surely called, a URL or a host with a port, among words that may be anything."""
OUTER_TRIGGERS = ("aws-cloudwatch", "azure-eventhub", "azure-servicebus", "temporal")
"""What KEDA scales by that has namespaces of its own: of metrics, of queues, of workflows."""


MAX_REFERENCES = 10_000
"""An object that names more is not judged. Room for every object of Kubernetes' own: an Endpoints of a
thousand addresses, a RoleBinding of some thousand subjects. A text of 3 MB could name 700,000."""
MAX_PATH = 4096
"""Characters of a field's path below which an object may name something; the keys are the author's."""


class Unreadable(Exception):
    """What an object names cannot be told within reason: too much, or too deep in it."""


class Finds(NamedTuple):
    """What a walk has found, and what it needs to know to find it."""

    namespace: str
    """The object's own namespace."""
    references: list[dict[str, Any]]
    around: Surroundings = CLUSTER
    """What is inside the cluster."""
    kinds: frozenset[str] | None = None
    """The kinds of what is reported; None for all."""

    def add(
        self,
        how: str,
        path: str,
        name: str,
        group: str = "",
        kind: str = "",
        namespace: str = "",
        selector: Any = None,
    ) -> None:
        """Report a reference; raises `Unreadable` when there are too many."""
        if self.kinds is not None and kind not in self.kinds:
            return
        if len(self.references) >= MAX_REFERENCES:
            raise Unreadable(f"the object names more than {MAX_REFERENCES} others: split it")
        self.references.append(
            {
                "kind": kind,
                "group": group,
                "namespace": namespace,
                "name": name,
                "path": path,
                "how": how,
                "selector": selector,
            }
        )


Emit: TypeAlias = Callable[[Any, Any, str, Finds], None]
"""Reads a field's value, the mapping around it and its path; reports to the finds."""


def _text(value: Any) -> str:
    return value if type(value) is str else ""


PART = re.compile(r"[^,]+")
WORD = re.compile(r"[^\s,;|]+")


def _parts(text: str) -> Iterator[str]:
    """What a text lists between commas, each once: who says it again names nothing more."""
    return _each_once(match[0].strip() for match in PART.finditer(text))


def _each_once(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name and name not in seen:
            if len(seen) >= MAX_REFERENCES:
                raise Unreadable(f"a text of the object lists more than {MAX_REFERENCES} names: split it")
            seen.add(name)
            yield name


def _own_kind(around: Any, group: str, kind: str) -> tuple[str, str]:
    """The kind a mapping names beside the name, or the usual one."""
    if type(around) is not dict:
        return group, kind
    named = _text(around.get("kind"))
    if not named:
        return group, "" if kind == "*" else kind
    api_version = _text(around.get("apiVersion"))
    if "/" in api_version:
        return api_version.partition("/")[0], named
    stated = around.get("group", around.get("apiGroup"))
    return (stated if type(stated) is str else group), named


def object_name(group: str, kind: str, *, cluster: bool) -> Emit:
    """The name of an object in the own namespace, or of a cluster-wide one."""

    def emit(value: Any, around: Any, path: str, finds: Finds) -> None:
        if type(value) is not str or not value:
            return
        found_group, found_kind = _own_kind(around, group, kind) if not cluster else (group, kind.strip("*"))
        wide = cluster or found_kind.startswith("Cluster") or found_kind in CLUSTER_KINDS
        finds.add("name", path, value, found_group, found_kind, "" if wide else finds.namespace)

    return emit


def beside(group: str, kind: str, field: str) -> Emit:
    """The name of an object whose namespace stands beside it; in the own namespace when none does."""
    in_traefik = _middlewares(group, kind)

    def emit(value: Any, around: Any, path: str, finds: Finds) -> None:
        if type(value) is not str or type(around) is not dict:
            return
        if value.endswith(TRAEFIK_PROVIDER):
            in_traefik(value, around, path, finds)
            return
        found_group, found_kind = _own_kind(around, group, kind)
        namespace = _text(around.get(field))
        if found_kind == HOSTNAME:
            _call(value, path, finds)
        elif not namespace and (found_kind.startswith("Cluster") or found_kind in CLUSTER_KINDS):
            finds.add("name", path, value, found_group, found_kind)
        else:
            finds.add("name", path, value, found_group, found_kind, namespace or finds.namespace)

    return emit


def beside_namespace(name_field: str) -> Emit:
    """A namespace that stands alone, where a name should stand beside it."""

    def emit(value: Any, around: Any, path: str, finds: Finds) -> None:
        if (
            type(value) is str
            and value
            and not (type(around) is dict and type(around.get(name_field)) is str)
        ):
            finds.add("namespace", path, value, kind="Namespace", namespace=value)

    return emit


def _namespace(group: str, _kind: str) -> Emit:
    def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
        if type(value) is str and value not in ("", ".", "~"):
            finds.add("namespace", path, value, group, "Namespace", value)
        elif type(value) is list:
            for index, item in enumerate(value):
                emit(item, value, f"{path}[{index}]", finds)

    return emit


def _dotted(group: str, kind: str) -> Emit:
    def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
        named = {f"{path}.{key}": key for key in value} if type(value) is dict else {path: _text(value)}
        for place, text in named.items():
            namespace, dot, name = text.partition(".")
            if dot and namespace:
                finds.add("namespace", place, name, group, kind.strip("*"), namespace)

    return emit


def _namespaces(_group: str, _kind: str) -> Emit:
    def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
        for text in _parts(_text(value)):
            # A name with anything of a regular expression in it may stand for any namespace.
            plain = NAMESPACE_TEXT.fullmatch(text) is not None
            finds.add("namespace", path, text, kind="Namespace", namespace=text if plain else ANYWHERE)

    return emit


def _named(group: str, kind: str) -> Emit:
    def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
        text = _text(value)
        if text.lstrip().startswith(("[", "{")):
            _named_json(text, path, finds, group, kind)
            return
        for part in _parts(text):
            namespace, slash, name = part.partition("/")
            if not slash:
                if namespace and kind != "Host":
                    finds.add("text", path, namespace.partition("@")[0], group, kind, finds.namespace)
            elif namespace not in (".", "~"):
                finds.add("text", path, name.partition("@")[0], group, kind, namespace or finds.namespace)

    return emit


def _named_json(text: str, path: str, finds: Finds, group: str, kind: str) -> None:
    """Multus' long form: a JSON list of {name, namespace}. What cannot be read may name anything."""
    try:
        entries = json.loads(text, object_pairs_hook=_folded)
    except (ValueError, RecursionError):
        finds.add("text", path, text[:100], group, kind, ANYWHERE)
        return
    for entry in entries if isinstance(entries, list) else [entries]:
        if isinstance(entry, dict):
            name = next(map(_text, entry.get("name", ())), "")
            for namespace in entry.get("namespace", [""]):
                finds.add("text", path, name, group, kind, _text(namespace) or finds.namespace)


def _folded(pairs: list[tuple[str, Any]]) -> dict[str, list[Any]]:
    """All values of each key: Go takes a key in any case for a field, and the last of several."""
    values: dict[str, list[Any]] = {}
    for key, value in pairs:
        values.setdefault(key.casefold(), []).append(value)
    return values


def _middlewares(_group: str, _kind: str) -> Emit:
    def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
        for part in _parts(_text(value)):
            name, _, provider = part.partition("@")
            if name and provider == "kubernetescrd":
                # Where the namespace ends and the name begins is told by those that exist (`Context`).
                own = name.startswith(f"{finds.namespace}-")
                namespace = finds.namespace if own else name.partition("-")[0]
                finds.add("text", path, name, "traefik.io", JOINED, namespace)

    return emit


def _subject(_group: str, _kind: str) -> Emit:
    def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
        if type(value) is not dict:
            return
        kind, name = _text(value.get("kind")), _text(value.get("name"))
        if kind == "ServiceAccount":
            namespace = _text(value.get("namespace")) or finds.namespace
            finds.add("name", f"{path}.name", name, "", kind, namespace)
        elif kind == "User" and name.startswith(SERVICE_ACCOUNT_USER):
            namespace, _, account = name.removeprefix(SERVICE_ACCOUNT_USER).partition(":")
            finds.add("text", f"{path}.name", account, "", "ServiceAccount", namespace or ANYWHERE)
        elif (
            kind == "Group" and name.partition(":s")[0] == "system" and name.startswith(SERVICE_ACCOUNT_GROUP)
        ):
            namespace = name.removeprefix(SERVICE_ACCOUNT_GROUP).removeprefix(":")
            finds.add("text", f"{path}.name", ANYWHERE, "", "ServiceAccount", namespace or ANYWHERE)
        else:
            finds.add("name", f"{path}.name", name, "rbac.authorization.k8s.io", kind)

    return emit


def _principal(_group: str, _kind: str) -> Emit:
    def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
        text = _text(value)
        match = PRINCIPAL.search(text)
        if match is not None:
            finds.add("text", path, match[2] or ANYWHERE, "", "ServiceAccount", match[1])
        elif "*" in text:
            finds.add("text", path, text, "", "ServiceAccount", ANYWHERE)

    return emit


def _entities(_group: str, _kind: str) -> Emit:
    def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
        if type(value) is str:
            reaches_tenants = value in (
                "all",
                "cluster",
                "host",
                "remote-node",
                "kube-apiserver",
                "unmanaged",
            )
            finds.add("text", path, value, kind="Entity", namespace=ANYWHERE if reaches_tenants else "")

    return emit


def _parameters(_group: str, _kind: str) -> Emit:
    def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
        if type(value) is dict and value.get("name") == "namespace" and type(value.get("value")) is str:
            finds.add(
                "namespace", f"{path}.value", value["value"], kind="Namespace", namespace=value["value"]
            )

    return emit


def _host(text: str) -> str:
    """The host of a URL, or of what stands for one: `db.bar.svc:8080/metrics`."""
    try:
        return urlsplit(text if "://" in text else f"//{text}").hostname or text
    except ValueError:
        return text


def _address(_group: str, _kind: str) -> Emit:
    def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
        if type(value) is str and value:
            place = place_of(_host(value), finds.around)
            if place.inner == "service":
                finds.add("address", path, place.name, "", "Service", place.namespace)
            else:
                finds.add("address", path, value, kind="Address")
        elif type(value) is list:
            for index, item in enumerate(value):
                emit(item, value, f"{path}[{index}]", finds)

    return emit


def _called(_group: str, _kind: str) -> Emit:
    """What a controller calls, whatever else the text may mean: a bare name is a host, too."""

    def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
        for text in value if type(value) is list else [value]:
            if type(text) is str and text:
                _call(text, path, finds)

    return emit


def _call(text: str, path: str, finds: Finds) -> None:
    for host in called_hosts(text):
        place = place_of(host, finds.around)
        if place.inner == "service":
            finds.add("address", path, place.name, "", "Service", place.namespace)
        elif place.inner == "near":
            finds.add("address", path, place.name, kind=DESTINATION)
        else:
            finds.add("address", path, text[:100], kind=INSIDE if place.inner == "inside" else "Address")


def _plain(how: str) -> Callable[[str, str], Emit]:
    def form(group: str, kind: str) -> Emit:
        def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
            if type(value) is str and value:
                finds.add(how, path, value, group, kind.strip("*"))

        return emit

    return form


def _trigger(_group: str, _kind: str) -> Emit:
    called = _called("", "")

    def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
        if type(value) is not dict:
            return
        metadata = value.get("metadata")
        for key, item in metadata.items() if type(metadata) is dict else ():
            for part in filter(CALLED.fullmatch, _parts(_text(item))):
                called(part, metadata, f"{path}.metadata.{key}", finds)
        if value.get("type") in OUTER_TRIGGERS:
            finds.add("ignore", f"{path}.metadata", "")

    return emit


def _passed_over(how: str) -> Callable[[str, str], Emit]:
    def form(_group: str, _kind: str) -> Emit:
        def emit(_value: Any, _around: Any, path: str, finds: Finds) -> None:
            finds.add(how, path, "")

        return emit

    return form


# --- selectors of namespaces


def _selector(group: str, _kind: str) -> Emit:
    def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
        if type(value) is list:
            for index, item in enumerate(value):
                emit(item, value, f"{path}[{index}]", finds)
        elif type(value) is dict:
            _select(value, path, finds, group)
        elif type(value) is str and value:
            finds.add("selector", path, value, group, "Namespace", ANYWHERE)

    return emit


def _scrape(group: str, kind: str) -> Emit:
    select = _selector(group, kind)

    def emit(value: Any, around: Any, path: str, finds: Finds) -> None:
        if type(value) is dict and (value.get("any") is True or value.get("matchNames")):
            select(value, around, path, finds)
        else:
            finds.add("ignore", path, "")

    return emit


def _select(value: Mapping[str, Any], path: str, finds: Finds, group: str) -> None:
    """A selector of namespaces, in the forms of Kubernetes, Prometheus and the Gateway API."""
    if "from" in value and type(value["from"]) is str:
        if value["from"] == "All":
            finds.add("selector", f"{path}.from", "All", group, "Namespace", ANYWHERE)
        elif value["from"] == "Selector" and type(value.get("selector")) is dict:
            _select(value["selector"], f"{path}.selector", finds, group)
        return
    names = value.get("matchNames", value.get("names"))
    if type(names) is list:
        for index, name in enumerate(names):
            if type(name) is str:
                finds.add("selector", f"{path}.matchNames[{index}]", name, group, "Namespace", name)
        if value.get("any") is not True:
            return
    _select_by_labels(value, path, finds, group)


def _select_by_labels(value: Mapping[str, Any], path: str, finds: Finds, group: str) -> None:
    try:
        names = only_values(Selector.of(value), NAME_LABEL)
    except (SelectorError, AttributeError, TypeError):
        names = None
    if names is None:
        finds.add("selector", path, "", group, "Namespace", ANYWHERE, selector=dict(value))
    for name in sorted(names or ()):
        finds.add("selector", path, name, group, "Namespace", name, selector=dict(value))


def only_values(selector: Selector, key: str) -> frozenset[str] | None:
    """The only values a selected object can have for a label; None when it may have any or none."""
    found: frozenset[str] | None = None
    for requirement in selector.requirements:
        if requirement.key == key and requirement.operator == "In":
            found = requirement.values if found is None else found & requirement.values
    return found


# --- free maps


NAMESPACE_KEY = re.compile(
    r"namespaced?(s|[-_]?names?|[-_]?lists?|[-_]?maps?|[-_]?mappings?|[-_]?regex(es)?|[-_]?refs?|[-_]?patterns?"
    r"|s?(?-i:(For|From|In|Of|To)[A-Z])\w*)?$",
    re.IGNORECASE,
)
NAMESPACE_SELECTOR_KEY = re.compile(r"namespace(label)?selectors?$", re.IGNORECASE)
SHORT_KEY = re.compile(
    r"^ns$|[-_]ns$|[a-z]N[sS]$|^(?:app|dest|dst|pod|release|source|src|target)ns$|^(?:in|into|tenant|within)$"
    r"|^(?:export|copy|expose|mirror|propagate|publish|replicate|share|sync|visible)d?(?:To|With)$"
    r"|^(?:dest|destination|dst|from|source|src|target|to)(?:Project|Space|Tenant)$"
)
"""A namespace in short. As the letters mean other things, too, only one that exists is one."""
ALL = frozenset(("*", "all", "any"))
IN_SHORT = re.compile(r"ns(?:\[[0-9]+\])*$", re.IGNORECASE)
"""What fields say of all namespaces, and how those are called that hold namespaces and nothing else."""
EVERYWHERE_KEY = re.compile(
    r"^(?:cluster[-_]?(?:scoped?|wide(?:[-_]?access)?)|everywhere|all[-_]?(?:projects|tenants))$",
    re.IGNORECASE,
)
VAULT = re.compile(r"vault$", re.IGNORECASE)
"""How fields are called that hold settings of Vault, which has namespaces of its own."""
PATTERN_KEY = re.compile(r"(regex(es)?|patterns?)$", re.IGNORECASE)
MAPPING_KEY = re.compile(r"(maps?|mappings?)$", re.IGNORECASE)
ACCOUNT_KEY = re.compile(r"serviceaccount(name|ref)?$", re.IGNORECASE)
CILIUM_LABELS = ".k8s.namespace.labels."
"""Stands in Cilium's labels of endpoints before the labels of their namespaces."""
TELLING_KEY = re.compile(
    rf"{NAMESPACE_KEY.pattern}|{NAMESPACE_SELECTOR_KEY.pattern}|{ACCOUNT_KEY.pattern}"
    rf"|(?-i:{SHORT_KEY.pattern})|{EVERYWHERE_KEY.pattern}|^(params|pods)$|{re.escape(CILIUM_LABELS)}",
    re.IGNORECASE,
)
"""Keys of which a scan has to know the path: nearly all others it passes without writing one."""
LONGEST_NAME = 64
"""Characters of a key whose meaning is kept: of most keys it is asked again and again."""
CONTAINERS = frozenset((dict, list))
CHOICES = frozenset(("any", "from", "matchExpressions", "matchLabels", "matchNames", "names"))
"""Fields of the selectors `_select` reads: custom resources have them under `namespaces`, too."""
CHOOSING = re.compile(r"allow(?:ed)?|in|includ\w+|items|list|match|only|select(?:ed)?|values", re.IGNORECASE)
"""How lists of namespaces are called, among others, that are meant."""
SILENT_KEYS = frozenset(("labels", "annotations"))
"""Maps of text for people and queries: a namespace there is no reference."""


class Place(NamedTuple):
    """Where a container lies. Its path is written only for what names something: the author chooses keys and
    depth, and all paths together could be a thousand times longer than the object."""

    around: Place | None
    step: str
    length: int

    def below(self, step: str) -> Place:
        """A place in the container at this one."""
        return Place(self, step, self.length + len(step))

    def path(self) -> str:
        """The path in words; raises `Unreadable` when nobody could read it."""
        if self.length > MAX_PATH:
            raise Unreadable(f"the object names something at a path of more than {MAX_PATH} characters")
        steps = []
        place: Place | None = self
        while place is not None:
            steps.append(place.step)
            place = place.around
        return "".join(reversed(steps)).removeprefix(".")


def _scan(group: str, kind: str) -> Emit:
    select = _selector(group, kind)

    def emit(value: Any, _around: Any, path: str, finds: Finds) -> None:
        if type(value) not in CONTAINERS:
            return
        # One iterator a level, no list of what is left to visit: that would be longer than the object.
        levels = [_containers(value, Place(None, path, len(path)), finds, select)]
        while levels:
            inner = next(levels[-1], None)
            if inner is None:
                levels.pop()
            else:
                levels.append(_containers(*inner, finds, select))

    return emit


def _containers(value: Any, place: Place, finds: Finds, select: Emit) -> Iterator[tuple[Any, Place]]:
    """The containers in a container; what a mapping itself names is reported on the way."""
    if type(value) is list:
        for index, item in enumerate(value):
            if item and type(item) in CONTAINERS:
                yield item, place.below(f"[{index}]")
        return
    _scan_requirement(value, place, finds)
    if not ASKING.isdisjoint(value):
        _scan_pod(value, place, finds)
    for key, item in value.items():
        if _tells(key) and not _is_of_vault(key, value, place):
            path = place.below(f".{key}").path()
            _scan_field(key, item, path, finds)
            if NAMESPACE_SELECTOR_KEY.search(key):
                select(item, value, path, finds)
                continue
        if item and type(item) in CONTAINERS and key not in SILENT_KEYS:
            yield item, place.below(f".{key}")


@remembered(LONGEST_NAME)
def _tells(key: str) -> bool:
    return TELLING_KEY.search(key) is not None


def _scan_pod(value: Mapping[str, Any], place: Place, finds: Finds) -> None:
    """What a pod in the object asks of its node."""
    for key in sorted(ASKING.intersection(value)):
        asked = asked_of_machine(key, value[key], value, place.step)
        if asked:
            finds.add("scan", place.below(f".{key}").path(), asked[:MAX_PATH], kind=RIGHT)


def _is_of_vault(key: str, beside: Mapping[str, Any], place: Place) -> bool:
    """Whether a namespace is one of Vault's: among its settings, with no name of an object beside it."""
    return key == "namespace" and "name" not in beside and VAULT.search(place.step) is not None


def _scan_field(key: str, value: Any, path: str, finds: Finds) -> None:
    if NAMESPACE_KEY.search(key):
        _scanned_namespace(value, path, finds)
        if type(value) is dict and MAPPING_KEY.search(key):
            _scanned_namespace([*value, *value.values()], path, finds)
        elif value and PATTERN_KEY.search(key):
            finds.add("scan", path, str(value)[:100], kind="Namespace", namespace=ANYWHERE)
    elif CILIUM_LABELS in key and not key.endswith(f"{CILIUM_LABELS}{NAME_LABEL}"):
        finds.add("scan", path, key, kind="Namespace", namespace=ANYWHERE)
    elif CILIUM_LABELS in key:
        _scanned_namespace(value, path, finds)
    else:
        for pattern, scan in SCANS:
            if pattern.search(key):
                scan(value, path, finds)
                return


def _scan_short(value: Any, path: str, finds: Finds) -> None:
    if type(value) is list:
        for index, item in enumerate(value):
            _scan_short(item if type(item) is str else None, f"{path}[{index}]", finds)
    elif type(value) is str and value in ALL and IN_SHORT.search(path):
        finds.add("scan", path, value, kind="Namespace", namespace=ANYWHERE)
    elif type(value) is str:
        finds.add("scan", path, f"{value[:MAX_PATH]}/{ANYWHERE}", kind=QUALIFIED)


def _scan_everywhere(value: Any, path: str, finds: Finds) -> None:
    if value is True:
        finds.add("scan", path, "true", kind="Namespace", namespace=ANYWHERE)


def _scan_account(value: Any, path: str, finds: Finds) -> None:
    name = value.get("name") if type(value) is dict else value
    if type(name) is str and name:
        finds.add("scan", path, name, "", "ServiceAccount", finds.namespace)


def _scan_parameters(value: Any, path: str, finds: Finds) -> None:
    for index, item in enumerate(value if type(value) is list else ()):
        _scan_parameter(item, None, f"{path}[{index}]", finds)


def _scan_pods(value: Any, path: str, finds: Finds) -> None:
    """Names of pods by their namespaces, as Chaos Mesh picks what it breaks."""
    for namespace, names in value.items() if type(value) is dict else ():
        if type(names) is list:
            _scanned_namespace(namespace, f"{path}.{namespace}", finds)


SCANS: tuple[tuple[re.Pattern[str], Callable[[Any, str, Finds], None]], ...] = (
    (re.compile("^params$"), _scan_parameters),
    (re.compile("^pods$"), _scan_pods),
    (SHORT_KEY, _scan_short),
    (EVERYWHERE_KEY, _scan_everywhere),
    (ACCOUNT_KEY, _scan_account),
)
"""How fields are called that name namespaces otherwise, the first that fits."""


def _scan_requirement(value: Mapping[str, Any], place: Place, finds: Finds) -> None:
    """A demand on the label in which Cilium keeps the namespace of an endpoint."""
    key, operator = _text(value.get("key")), value.get("operator")
    if type(operator) is not str or not (NAMESPACE_KEY.search(key) or CILIUM_LABELS in key):
        return
    named = CILIUM_LABELS not in key or key.endswith(f"{CILIUM_LABELS}{NAME_LABEL}")
    if operator == "In" and named:
        _scanned_namespace(value.get("values"), place.below(".values").path(), finds)
    else:
        finds.add("scan", place.path(), key, kind="Namespace", namespace=ANYWHERE)


def _scanned_namespace(value: Any, path: str, finds: Finds) -> None:
    if type(value) is str:
        for namespace in _each_once(match[0].partition("/")[0] for match in WORD.finditer(value)):
            if NAMESPACE_TEXT.fullmatch(namespace):
                finds.add("scan", path, namespace, kind="Namespace", namespace=namespace)
    elif type(value) is list:
        for index, item in enumerate(value):
            _scanned_namespace(item, f"{path}[{index}]", finds)
    elif type(value) is dict:
        _scanned_namespace(value.get("name"), f"{path}.name", finds)
        if not CHOICES.isdisjoint(value):
            _select(value, path, finds, "")
        elif path.endswith("s"):
            _scan_by_namespace(value, path, finds)
    elif value is True and path.rpartition(".")[2].lower().startswith(("all", "any", "watchall")):
        finds.add("scan", path, "true", kind="Namespace", namespace=ANYWHERE)


def _scan_by_namespace(value: Mapping[str, Any], path: str, finds: Finds) -> None:
    """A map by namespaces, or lists of such that are chosen (`include`)."""
    for key, item in value.items():
        if type(item) is list and CHOOSING.fullmatch(key):
            _scanned_namespace(item, f"{path}.{key}", finds)
        elif key != "name":
            finds.add("scan", f"{path}.{key}"[:MAX_PATH], f"{key[:MAX_PATH]}/{ANYWHERE}", kind=QUALIFIED)


_scan_parameter = _parameters("", "")


FORMS: Mapping[str, Callable[[str, str], Emit]] = {
    "address": _address,
    "called": _called,
    "compared": _passed_over("compared"),
    "dotted": _dotted,
    "entities": _entities,
    "external": _plain("external"),
    "host": _plain("host"),
    "ignore": _passed_over("ignore"),
    "middlewares": _middlewares,
    "named": _named,
    "namespace": _namespace,
    "namespaces": _namespaces,
    "parameters": _parameters,
    "principal": _principal,
    "scan": _scan,
    "scrape": _scrape,
    "selector": _selector,
    "subject": _subject,
    "trigger": _trigger,
}
