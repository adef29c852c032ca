"""What the single values of a custom resource name that no rule has read: places inside the cluster, files in
which tokens and keys lie, and identities of the operator's own.

A controller calls, reads and logs in from where it runs. What is harmless in a pod of the namespace, its
environment and its arguments, is passed over.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gatekeeper_py.tenancy.forms import DESTINATION, INSIDE, QUALIFIED, Finds
from gatekeeper_py.tenancy.hosts import dialled_hosts, hosts_in, whole_hosts
from gatekeeper_py.tenancy.places import Place, Surroundings, place_of

__all__ = ["AUDIENCE", "FILE", "IDENTITY", "add_leaves"]

AUDIENCE = "Audience"
"""The kind of what a token of a ServiceAccount is to be for, which an operator asks for."""

FILE = "File"
"""The kind of a file in which a controller's own tokens and keys lie."""
IDENTITY = "Identity"
"""The kind of an identity, or another thing of a cloud account, by its id; or of the operator's own."""

SILENT = frozenset(
    (
        "affinity",
        "annotations",
        "containers",
        "description",
        "env",
        "ephemeralContainers",
        "initContainers",
        "labels",
        "matchExpressions",
        "matchLabels",
        "nodeSelector",
        "securityContext",
        "sidecars",
        "tolerations",
        "topologySpreadConstraints",
        "volumeMounts",
        "volumes",
    )
)
"""Fields of pods, which are judged when they come, and of what is for people and for comparison."""

SECRET_FILE = re.compile(
    r"(?:/host|/hostfs|/rootfs|/node|/proc/[0-9a-z]+/root)?(?:"
    r"/(?:var/)?run/secrets(?:/|$)|/etc/kubernetes(?:/|$)|/proc(?:/|$)|/sys(?:/|$)"
    r"|/var/lib/(?:kubelet|etcd|rancher|kubernetes)(?:/|$)|/etc/(?:shadow|passwd|rancher|cni)(?:/|$)"
    r"|/(?:root|home/[^/]+)/\.(?:aws|azure|config|docker|kube|ssh)(?:/|$)"
    r"|/(?:var/)?run/(?:docker|containerd|crio|cri-dockerd)(?:/|\.sock|$)"
    r"|/dev/(?:k?mem|port|kvm|mapper|disk|dm-|sd[a-z]|vd[a-z]|xvd[a-z]|nvme|loop)|/pipe/(?:docker|containerd))"
)
PATH = re.compile(r"(?:file|unix|local|npipe):(?://)?(/.*)|@?((?:\.{1,2}/)*/?[^\s:]*/\S*)", re.IGNORECASE)
HOME = re.compile(r"@?(?:~|\$HOME|\$\{HOME\}|%h)(?=/)", re.IGNORECASE)
"""How a path begins in the home of whoever reads it."""
LONGEST_PATH = 4096
"""Characters of a file's path, as Linux has it, and of a field's."""
PROGRAM = frozenset(("args", "command"))
"""Fields that, when lists of text, start a program in a pod."""

PRINCIPAL = re.compile(r"system:serviceaccount:([^:\s]+):([^:\s]+)")
"""How the API server calls a ServiceAccount as a user."""
ACTING = re.compile(r"account|impersonat|runas|[.](?:as|user)$", re.IGNORECASE)
"""How fields are called that say as whom something is done."""
QUALIFIER = re.compile(
    r"(?:secret|config-?map|ref|credentials?|gateway|issuer|store)(?:s|name|names)?$|/k8s_secret_",
    re.IGNORECASE,
)
"""How fields are called that name an object."""
QUALIFIED_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}/[a-z0-9][a-z0-9.-]{0,252}(?:[/#:][^\s]*)?")
"""The name of an object behind that of its namespace."""
STORED = re.compile(
    r"(?:ref\+)?(?:k8s|kubernetes|kubernetes-gateway|secret|configmap)://(?:v[0-9]\w*/\w+/)?([^/\s]+/[^\s]+)"
)
"""A URL of an object of the cluster."""
ACCOUNT_THING = re.compile(
    r"arn:[a-z-]+:(?:iam|sts)::[0-9]*:(?:role|user|assumed-role)/\S+|arn:[a-z-]+:elasticloadbalancing:\S+"
    r"|(?:sg|subnet|eni|tgw)-[0-9a-f]{8,17}|(?:projects/[^/\s]+/serviceaccounts/)?[a-z0-9-]+@[a-z0-9.-]+\.iam\.gserviceaccount\.com"
    r"|acs:ram::[0-9]*:(?:role|user)/\S+"
    r"|/subscriptions/[0-9a-f-]{36}/resourcegroups/[^/\s]+/providers/microsoft\.managedidentity/\S+",
    re.IGNORECASE,
)
"""A role, a group, a subnet or a load balancer of a cloud account by its id."""
OWN_IDENTITY_FLAGS = frozenset(
    (
        "ambientcredentials",
        "fromenvironment",
        "gkeenvironment",
        "inheritfromazuread",
        "inheritfromiamrole",
        "instanceprofile",
        "instanceprofilecredentials",
        "managedidentity",
        "useambientcredentials",
        "useapplicationdefaultcredentials",
        "usedefaultcredentials",
        "usedefaultcredentialschain",
        "useenvironmentcredentials",
        "useiamrole",
        "useinstancemetadata",
        "useinstanceprofile",
        "useinstanceprofilecredentials",
        "usemanagedidentity",
        "usenodeidentity",
        "usevmmanagedidentity",
    )
)
"""Fields that, when true, have a program log in as where it runs; in small letters, without marks between."""
OWN_IDENTITIES = frozenset(
    (
        "ambient",
        "ambientcredentials",
        "applicationdefault",
        "applicationdefaultcredentials",
        "defaultazurecredential",
        "ec2instancemetadata",
        "iaminstanceprofile",
        "imds",
        "injectedidentity",
        "instancemetadata",
        "instanceprincipal",
        "instanceprofile",
        "managedidentity",
        "systemassignedmanagedidentity",
        "userassignedmanagedidentity",
    )
)
"""Values that say so, spelled as above."""
LOGIN = frozenset(("auth", "authentication", "credentials"))
"""Fields that, when empty, leave it to the operator to log in as itself."""
LOGGED_INTO = frozenset(
    (
        "account",
        "bucket",
        "bucketname",
        "endpoint",
        "projectid",
        "region",
        "registry",
        "server",
        "service",
        "subscriptionid",
        "tenantid",
        "url",
        "vaulturl",
    )
)
"""What stands beside them then."""
SEPARATOR_MARKS = str.maketrans("", "", "-_. ")
AUDIENCES = frozenset(("audience", "audiences", "tokenAudience", "tokenAudiences"))
"""Fields that say for whom a token is, where a ServiceAccount is named beside them or around."""
ACCOUNT = "serviceaccount"
"""What the names of fields hold that name one."""
EXCHANGED = ".workloadIdentityFederation"
"""Whose tokens go to Google's exchange alone, where the platform says what a ServiceAccount may have."""
LONGEST_WORD = 64
"""Characters of a field's name or a value that may be one of the words above."""
MANY_HOSTS = 1_000
"""After so many finds a host that was found before is not found again: reports have thousands of links."""
LONGEST_SHOWN = 100
"""Characters of a value that a reference repeats."""


class _Part(NamedTuple):
    """Where a value lies; its path is written only for what names something."""

    around: _Part | None
    step: str
    audience: bool = False
    """Whether it says for whom a token of a ServiceAccount is."""

    def path(self) -> str:
        """The path in words, its beginning left out where it is longer than anybody reads: keys and depth are
        the author's, and all paths together could be a thousand times longer than the object."""
        text = ""
        part: _Part | None = self
        while part is not None and len(text) <= LONGEST_PATH:
            text, part = part.step[-LONGEST_PATH:] + text, part.around
        return text.removeprefix(".") if len(text) <= LONGEST_PATH else f"...{text[-LONGEST_PATH:]}"


def add_leaves(body: Mapping[str, Any], finds: Finds, around: Surroundings) -> None:
    """Report what the values of an object name; each is looked at once, in time linear in its length."""
    near: set[str] = set()
    for part, value in _leaves(body):
        if type(value) is str:
            _add_text(value, part, finds, around, near)
        _add_identity(value, part, finds)


def _leaves(body: Mapping[str, Any]) -> Iterator[tuple[_Part, Any]]:
    """Every value that is no container, and every login that is empty."""
    levels: list[Iterator[tuple[_Part, Any]]] = [_parts(body, None)]
    while levels:
        found = next(levels[-1], None)
        if found is None:
            levels.pop()
        elif found[1] and type(found[1]) in (dict, list):
            levels.append(_parts(found[1], found[0]))
        else:
            yield found


def _parts(value: Any, around: _Part | None) -> Iterator[tuple[_Part, Any]]:
    if type(value) is list:
        for index, item in enumerate(value):
            yield _Part(around, f"[{index}]", around is not None and around.audience), item
        return
    for key, item in value.items():
        if key in SILENT or _is_program(key, item) or (item == {} and not _is_login(key, value)):
            continue
        yield _Part(around, f".{key}", key in AUDIENCES and _is_of_account(value, around)), item


def _is_of_account(value: Mapping[str, Any], around: _Part | None) -> bool:
    """Whether a field stands beside, or directly within, what names a ServiceAccount."""
    named = value if around is None else [*value, around.step]
    is_exchanged = around is not None and EXCHANGED in f".{around.path()}"
    return not is_exchanged and any(ACCOUNT in _word(key) for key in named)


def _is_program(key: str, value: Any) -> bool:
    return key in PROGRAM and type(value) is list and all(type(item) is str for item in value[:1])


def _is_login(key: str, around: Mapping[str, Any]) -> bool:
    return _word(key) in LOGIN and not LOGGED_INTO.isdisjoint(map(_word, around))


# --- texts


def _add_text(text: str, part: _Part, finds: Finds, around: Surroundings, near: set[str]) -> None:
    if part.audience:
        finds.add("scan", part.path(), text[:LONGEST_PATH], kind=AUDIENCE)
        return
    if "." in text or ":" in text or text == "localhost":
        hosts = list(whole_hosts(text))
        for place in (place_of(host, around) for host in hosts):
            if place.name not in near or len(near) + len(finds.references) < MANY_HOSTS:
                _add_place(place, text, part, finds)
            if place.inner == "near":
                near.add(place.name)
        if not hosts or "host=" in text:
            _add_told(text, part, finds, around)
    if ("/" in text or ":" in text) and len(text) <= LONGEST_PATH:
        _add_names(text, part, finds)
        if _is_secret_file(text):
            finds.add("scan", part.path(), text[:LONGEST_SHOWN], kind=FILE)


def _add_names(text: str, part: _Part, finds: Finds) -> None:
    """A ServiceAccount as a user, and an object behind the name of its namespace."""
    account = PRINCIPAL.fullmatch(text)
    if account is not None and ACTING.search(part.step):
        finds.add("scan", part.path(), account[2], "", "ServiceAccount", account[1])
    stored = STORED.match(text)
    if stored is not None:
        finds.add("scan", part.path(), stored[1][:LONGEST_SHOWN], kind=QUALIFIED)
    elif QUALIFIER.search(part.step) and QUALIFIED_NAME.fullmatch(text):
        finds.add("scan", part.path(), text[:LONGEST_SHOWN], kind=QUALIFIED)


def _add_place(place: Place, text: str, part: _Part, finds: Finds) -> None:
    if place.inner == "service":
        finds.add("scan", part.path(), place.name, "", "Service", place.namespace)
    elif place.inner == "near":
        finds.add("scan", part.path(), place.name, kind=DESTINATION)
    elif place.inner == "inside":
        finds.add("scan", part.path(), text[:LONGEST_SHOWN], kind=INSIDE)


def _add_told(text: str, part: _Part, finds: Finds, around: Surroundings) -> None:
    """URLs among other words: a Service, or where a machine is told who it is. `localhost` in a file of
    configuration, or in a question about what was measured, is the reader's own."""
    for host in hosts_in(text):
        place = place_of(host, around)
        if place.inner == "service" or (place.inner == "inside" and not _is_itself(place.name)):
            _add_place(place, text, part, finds)
    for host in dialled_hosts(text[:LONGEST_PATH]):
        place = place_of(host, around)
        if not _is_itself(place.name):
            _add_place(place, text, part, finds)


def _is_itself(name: str) -> bool:
    return name.endswith("localhost") or name.startswith("127.") or name in ("0.0.0.0", "::", "::1")


def _is_secret_file(text: str) -> bool:
    stripped = text.strip()
    home = HOME.match(stripped)
    match = PATH.fullmatch(stripped if home is None else f"/root{stripped[home.end() :]}")
    if match is None:
        return False
    path = posixpath.normpath("/" + (match[1] or match[2]).lstrip("./"))
    return SECRET_FILE.match(path) is not None


# --- identities


def _add_identity(value: Any, part: _Part, finds: Finds) -> None:
    if type(value) is str and ACCOUNT_THING.fullmatch(value):
        finds.add("scan", part.path(), value[:LONGEST_SHOWN], kind=IDENTITY)
    elif _is_own_identity(value, part.step):
        finds.add("scan", part.path(), "", kind=IDENTITY)


def _is_own_identity(value: Any, step: str) -> bool:
    """Whether a value has the operator log in as itself."""
    if value == {}:
        return True  # only an empty login comes here
    if value is True or value == "true":
        return _word(step) in OWN_IDENTITY_FLAGS
    return type(value) is str and (
        _word(value) in OWN_IDENTITIES or (value == "operator" and _word(step) == "identityowner")
    )


def _word(text: str) -> str:
    return text.translate(SEPARATOR_MARKS).lower() if len(text) <= LONGEST_WORD else ""
