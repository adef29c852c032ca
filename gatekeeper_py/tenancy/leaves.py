"""What the single values of a custom resource name that no rule has read: places inside the cluster, files in
which tokens and keys lie, and identities of the operator's own.

A controller calls, reads and logs in from where it runs. What is harmless in a pod of the namespace, its
environment and its arguments, is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from gatekeeper_py.tenancy.forms import ANYWHERE, DESTINATION, INSIDE, OWNED, QUALIFIED, SITE, Finds
from gatekeeper_py.tenancy.hosts import MOST_HOSTS, dialled_hosts, hosts_in, named_hosts, whole_hosts
from gatekeeper_py.tenancy.keyfiles import is_key_file
from gatekeeper_py.tenancy.logins import is_empty_login, is_own_login, is_somebody, may_say_login, word
from gatekeeper_py.tenancy.places import Place, Surroundings, place_of

__all__ = [
    "AUDIENCE",
    "FILE",
    "IDENTITY",
    "LONGEST_SHOWN",
    "MOST_NESTED",
    "SILENT",
    "add_leaves",
    "add_own_name",
    "is_silent",
]

AUDIENCE = "Audience"
"""The kind of what a token of a ServiceAccount is to be for, which an operator asks for."""

FILE = "File"
"""The kind of a file in which a controller's own tokens and keys lie."""
IDENTITY = "Identity"
"""The kind of an identity, or another thing of a cloud account, by its id; or of the operator's own."""

PROSE = (
    *("comment", "documentation", "help", "instructions", "notes", "prompt", "readme", "summary"),
    "systemPrompt",
)
"""Fields whose texts are for people, or for what reads as people do."""
SILENT = frozenset(
    (
        *PROSE,
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

VOLUMES = "volumes"
LONGEST_PATH = 4096
"""Characters of a path, of a file or a field, and of a text that may be one."""
PROGRAM = frozenset(("args", "cmd", "command", "entrypoint", "exec"))
"""Fields that, when lists of text, start a program in a pod."""
COMPARED = re.compile(
    r"(?:(?:client|http|ip|remote|source)[-_]?)?(?:allow|block|deny|trust|(?:black|white)(?=[-_]?list))(?:ed)?"
    r"(?:[-_]?(?:address(?:es)?|cidrs?|domains?|host(?:name)?s?|ips?|lists?|networks?|origins?|prox(?:y|ies)|ranges?"
    r"|referr?ers?|sources?))*"
    r"|cors.*|.*origins?|(?:ip|source)[-_]?(?:filters?|ranges?|sans?|addresses)|no[-_]?proxy|sni(?:[-_]?host)?s?"
    r"|common[-_]?name|(?:alt|dns|subject[-_]?alt(?:ernative)?)[-_]?names?|(?:post[-_]?logout[-_]?)?redirect[-_]?ur[il]s?"
    r"|(?:bind|listen).*|sans?|.+/networks/(?:host(?:_regexp)?|ip)",
    re.IGNORECASE,
)
"""Fields whose addresses are held against whoever comes, written into a certificate or listened at; nobody
calls them."""
NAMED_IN_CERTIFICATE = frozenset(("addresses", "hosts", "ipAddresses", "ips", "names"))
CERTIFICATE = frozenset(
    (
        *(
            "altNames",
            "certificate",
            "commonName",
            "csr",
            "dnsNames",
            "issuer",
            "issuerRef",
            "keyAlgorithm",
            "keySize",
        ),
        *("keyUsage", "privateKey", "renewBefore", "subject", "uriSANs", "usages", "validity"),
    )
)
"""Fields that are written into a certificate where one of those that only certificates have is beside."""
CALLING = re.compile(
    r".*(?:backend|callback|collector|deliver\w*|destination|endpoint|forward\w*|jwks|prox(?:y|ies)|server|service|sink"
    r"|target|upstream|ur[il]|webhook)s?(?:[-_]?ur[il]s?)?|to",
    re.IGNORECASE,
)
"""Fields that are called although what they stand in is compared: a listener forwards, and asks who comes."""
CONFIGURED = re.compile(
    r".*(?:config(?:uration)?|properties|settings)|(?:additional|extra)[-_]?(?:args|flags|options)",
    re.IGNORECASE,
)
"""Fields that configure a program: of one that runs in a pod of the namespace `localhost` is its own."""
ADDRESSED = re.compile(
    r"[.](?:.*[-_])?(?:addr(?:ess)?(?:es)?|backends?|bootstrap|brokers?|dest(?:ination)?s?|endpoints?|host(?:name)?s?"
    r"|prox(?:y|ies)|servers?|services?|targets?|upstreams?|ur[il]s?)$"
    r"|[a-z](?:Addr(?:ess)?(?:es)?|Backends?|Brokers?|Dest(?:ination)?s?|Endpoints?|Host(?:name)?s?|Prox(?:y|ies)|Servers?"
    r"|Services?|Targets?|Upstreams?|Ur[il]s?|UR[IL]s?)$"
    r"|[._-](?:collectors?|contact[-_]?[pP]oints?|forward[-_]?[tT]o|gateways?|leader|master|members?|mirrors?|nodes?|origins?"
    r"|peers?|primar(?:y|ies)|registr(?:y|ies)|remotes?|replicas?|seeds?|sentinels?|sinks?|sources?|to)$"
    r"|[a-z](?:Collectors?|Gateways?|Leader|Master|Members?|Mirrors?|Nodes?|Origins?|Peers?|Primary|Registry|Remotes?|Seeds?"
    r"|Sentinels?|Sinks?|Sources?)$",
)
"""How fields are called that hold where something is: `db.bar` there is a host, without scheme and port."""

VALUE = ".value"
SERVED = re.compile(
    r"(?:common|dns|domain|record|server)[-_]?names?|cn|fqdns?|(?:dns[-_]?|subject[-_]?)?(?:alt(?:ernative)?[-_]?names?|sans?)"
    r"|(alias(?:es)?|dns|domains?|host(?:[-_]?name)?s?|names?|records?|sites?|v(?:irtual[-_]?)?hosts?|zones?)",
    re.IGNORECASE,
)
"""Fields that hold names by which something is served; those of the group may be called as well."""
SERVING = re.compile(
    r"alt(?:ernative)?names|cert|csr|domain|expos|external|frontend|gateway|http$|ingress|listener|match|public|record|route|rules|[.]sans?$"
    r"|site|subject|tls|vanity|virtual|zone",
    re.IGNORECASE,
)
"""Fields below which a host is one that is served."""
SITE_NAME = re.compile(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+\.?", re.IGNORECASE)

ZONES = frozenset((".dnsZone", ".domain", ".domainName", ".hostedZone", ".zone", ".zoneName"))
RECORDS = ("host", "hostname", "name", "record", "recordName", "subdomain")
RECORD = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.IGNORECASE)
"""Fields that hold a zone of DNS, and those beside it for what is to be in it."""
HOST_RULE = re.compile(r"\bhost(?:header|sni)?\(\s*[`'\"]([^`'\"\s]+)", re.IGNORECASE)
"""A name that is served, in a rule as Traefik has them."""

ON_SERVER = re.compile(
    r"(?:buckets?|clusters?|collections?|consumer-?groups?|databases?|datasets?|db|exchanges?|ind(?:ex|ices)|instances?|keyspaces?|queues?|releases?|schemas?|streams?|tables?|topics?"
    r"|v-?hosts?)(?:[-_]?(?:names?|patterns?|prefix(?:es)?))?$|[.]prefix(?:es)?$",
    re.IGNORECASE,
)
"""Fields that hold what a server keeps for many, by its name."""
SEPARATOR = re.compile(r"[^a-z0-9]")
STORAGE = re.compile(
    r"(?:abfss?|az(?:blob|ure)?|b2|cosn?|gcs|gs|hdfs|minio|nfs|oss|s3[an]?|swift|wasbs?)://(.+)",
    re.IGNORECASE,
)
"""A place in storage by its URL."""
EXPORTING = frozenset(("export", "nfsServer", "server", "share"))
"""Fields beside the path of a directory that another machine exports."""
WHOLE = re.compile(r"[.](?:buckets?|v-?hosts?)(?:names?)?", re.IGNORECASE)
"""Of these, such as are called after who has them: a database may be called like anything."""
OWNED_NAME = re.compile(r"[a-z0-9]+(?:[-._:/][a-z0-9_*>#-]+)*[-._:/*>#]*", re.IGNORECASE)

SYSTEM = "system:"
"""How users and groups of the control plane begin."""
PRINCIPAL = re.compile(r"system:serviceaccount:([^:\s]+):([^:\s]+)")
"""How the API server calls a ServiceAccount as a user."""
ACTING = re.compile(r"account|impersonat|runas|[.](?:as|user)$", re.IGNORECASE)
"""How fields are called that say as whom something is done."""
QUALIFIER = re.compile(
    r"(?:app|cert(?:ificate)?|claim|cluster|config-?map|credential|database|deployment|gateway|instance|issuer"
    r"|key-?(?:pair|store)|middleware|pod|pvc|queue|ref|release|secret|service|service-?account|snapshot|source|store|target|trust-?store|volume|workload)(?:s|name|names)?$|copy(?:from|of)?$|/k8s_secret_",
    re.IGNORECASE,
)
"""How fields are called that name an object."""
QUALIFIED_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}/[a-z0-9][a-z0-9.-]{0,252}(?:[/#:][^\s]*)?")
"""The name of an object behind that of its namespace."""
AT_NAMESPACE = re.compile(r"(?:[a-z]+/)?([a-z0-9][a-z0-9.-]{0,252})@([a-z0-9-]{1,63})")
OF_NAMESPACE = re.compile(r"([a-z0-9-]{1,63}):([a-z][a-z0-9.-]{0,252})")
"""The same, the other way round or with a colon: one only where nothing else is written so."""
SECRET_FIELD = re.compile(
    r"(?:account|claim|config-?map|credential|pvc|secret|source)(?:s|names?|refs?)?$|copy(?:from|of)?$",
    re.IGNORECASE,
)
"""How fields are called that name what has no ports and no tags."""
STORED = re.compile(
    r"(?:ref\+)?(?:k8s|kubernetes|kubernetes-gateway|secret|configmap|pod|pvc|persistentvolumeclaim|volumesnapshot)://"
    r"(?:v[0-9]\w*/\w+/)?([^/\s]+/[^\s]+)"
    r"|(?:(?:k8s|kubernetes):)?(?:v[0-9]\w*/)?(?:configmap|cronjob|daemonset|deployment|job|persistentvolumeclaim|pod|pvc"
    r"|replicaset|secret|serviceaccount|service|statefulset)s?/([a-z0-9-]+/[a-z0-9.-]+)(?:#\S*)?$"
    r"|/?(?:apis?/\S*)?namespaces?/([a-z0-9-]+(?:/\S*)?)$",
    re.IGNORECASE,
)
"""An object of the cluster by a URL, by kind, namespace and name, or by its path in the API."""
ACCOUNT_THING = re.compile(
    r"arn:[a-z-]+:(?:iam|sts)::[0-9]*:(?:role|user|assumed-role)/\S+|arn:[a-z-]+:elasticloadbalancing:\S+"
    r"|(?:sg|subnet|eni|tgw)-[0-9a-f]{8,17}"
    r"|(?:acl|eipalloc|fs|fsap|i|igw|nat|pcx|rtb|snap|vgw|vol|vpc|vpce)-(?:[0-9a-f]{8}|[0-9a-f]{17})"
    r"|ocid1\.(?:instance|loadbalancer|networksecuritygroup|subnet|vcn|vnic)\.\S+"
    r"|projects/[^/\s]+/(?:global|regions/[^/\s]+|zones/[^/\s]+)/(?:addresses|backendServices|forwardingRules|instanceGroups"
    r"|networkEndpointGroups|networks|subnetworks|targetPools)/\S+"
    r"|(?:projects/[^/\s]+/serviceaccounts/)?[a-z0-9-]+@[a-z0-9.-]+\.iam\.gserviceaccount\.com"
    r"|acs:ram::[0-9]*:(?:role|user)/\S+"
    r"|/subscriptions/[0-9a-f-]{36}/resourcegroups/[^/\s]+/providers/microsoft\.(?:managedidentity|network)/\S+",
    re.IGNORECASE,
)
"""A role, a group, a machine, a volume, a network or a load balancer of a cloud account by its id."""
CLOUD_THING = re.compile(
    r"arn:[a-z-]+:[a-z0-9-]+:\S+|ocid1\.\S+|/subscriptions/[0-9a-f-]{36}/\S+|acs:[a-z]+:\S+"
    r"|projects/[^/\s]+/(?:databases|instances|locations|secrets|serviceaccounts|subscriptions|topics)/\S+",
    re.IGNORECASE,
)
"""Anything of a cloud account by its full name, which is the operator's to reach where nobody is named."""
HANDLE = re.compile(r"(?:group)?(?:snapshot|volume(?:snapshot)?)handles?", re.IGNORECASE)
"""Fields that hold what a driver of storage calls its things (csi.proto), whoever's they are."""
STATED = re.compile(r"[.]resources?", re.IGNORECASE)
STATEMENT = frozenset(("Action", "Actions", "Effect", "action", "actions", "effect", "permissions"))
"""What a statement of IAM has, and the field of what it gives rights to."""
WRITTEN = re.compile(r"destination|output|target|template|write", re.IGNORECASE)
"""How fields are called that hold what is written, so that a Secret there is nobody's login."""
ELSEWHERE = re.compile(r"alert|git|hook|image|mail|notif|pull|regist|slack|smtp|tls", re.IGNORECASE)
"""How fields are called that hold a login into something else than a cloud account."""
ABOUT_LOGIN = re.compile(
    r"access|account|auth|aws|azure|client|cloud|conf|conn|cred|gcp|google|identity|key|login|param|password|principal"
    r"|provider|ref$|role|secret|session|token|user|vault",
    re.IGNORECASE,
)
"""How fields are called that are about logging in, so that what is beside them is what is logged into."""
LEFT_OUT = re.compile(r"[.](?:exclu\w+|ignore\w*|skip\w*)$", re.IGNORECASE)
"""Fields that hold what is not read."""
AUDIENCES = frozenset(("audience", "audiences", "tokenAudience", "tokenAudiences"))
"""Fields that say for whom a token is, where a ServiceAccount is named beside them or around."""
ACCOUNT = "serviceaccount"
"""What the names of fields hold that name one."""
EXCHANGED = ".workloadIdentityFederation"
"""Whose tokens go to Google's exchange alone, where the platform says what a ServiceAccount may have."""
LONGEST_NAME = 64
"""Characters of a field's name that may mean one of the above."""
MOST_NESTED = 8
"""Lists in lists, and fields around one, that are looked through for what a value is about."""
REMEMBERED = 4096
"""Names of fields whose meaning is kept: tenants may send any."""
MANY_HOSTS = 1_000
"""After so many finds a host that was found before is not found again: reports have thousands of links."""
LONGEST_SHOWN = 100
"""Characters of a value that a reference repeats."""


class _Use(Enum):
    """What becomes of the addresses of a value."""

    CALLED = 1
    COMPARED = 2
    CONFIGURED = 3
    AUDIENCE = 4
    """None is one: it says for whom a token of a ServiceAccount is."""


class _Part(NamedTuple):
    """Where a value lies; its path is written only for what names something."""

    around: _Part | None
    step: str
    fields: Mapping[str, Any]
    """What it stands among."""
    use: _Use = _Use.CALLED

    @property
    def field(self) -> _Part:
        """The field that it is, or is an item of."""
        part = self
        for _ in range(MOST_NESTED):
            if not part.step.startswith("[") or part.around is None:
                break
            part = part.around
        return part

    def path(self) -> str:
        """The path in words, its beginning left out where it is longer than anybody reads: keys and depth are
        the author's, and all paths together could be a thousand times longer than the object."""
        text = ""
        part: _Part | None = self
        while part is not None and len(text) <= LONGEST_PATH:
            text, part = part.step[-LONGEST_PATH:] + text, part.around
        return text.removeprefix(".") if len(text) <= LONGEST_PATH else f"...{text[-LONGEST_PATH:]}"


def add_leaves(
    body: Mapping[str, Any],
    finds: Finds,
    around: Surroundings,
    *,
    unread: bool = False,
    own_programs: bool = False,
) -> None:
    """Report what the values of an object name; each is looked at once, in time linear in its length.

    `unread` says that nobody has read the kind, so that it may serve by a name; `own_programs` that what it
    configures runs in pods of the namespace.
    """
    near: set[str] = set()
    for part, value in _leaves(body):
        if part.use is _Use.CONFIGURED and not own_programs:
            part = part._replace(use=_Use.CALLED)
        if type(value) is str:
            _add_text(value, part, finds, around, near)
            if unread and "." in value:
                _add_sites(value, part, finds)
            if unread and value:
                _add_owned(value, part, finds)
        _add_identity(value, part, finds)
    if unread:
        _add_cloud_things(body, finds)


def add_own_name(body: Mapping[str, Any], finds: Finds) -> None:
    """Report the name of an object that may itself be what is served, as that of a DomainMapping is."""
    metadata = body.get("metadata")
    name = metadata.get("name") if type(metadata) is dict else None
    if type(name) is str and "." in name and SITE_NAME.fullmatch(name):
        finds.add("scan", "metadata.name", name, kind=SITE)


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
            yield _item(around, index), item
        return
    for key, item in value.items():
        if (key in SILENT and is_silent(key, item)) or _is_program(key, item):
            continue
        if item == {} and not is_empty_login(key, value):
            continue
        yield _Part(around, f".{key}", value, _use(key, value, around)), item
        if "." in key or "://" in key:  # a map by hosts, in which what is called is the name
            yield _Part(around, f".{key}", value, _Use.CALLED if around is None else around.use), key


def is_silent(key: str, value: Any) -> bool:
    """Whether one of these fields is passed over; volumes of pods have names, others are something else."""
    if key in PROSE:
        return type(value) is str
    first = value[0] if key == VOLUMES and type(value) is list and value else None
    return type(first) is not dict or "name" in first


def _item(around: _Part | None, index: int) -> _Part:
    return (
        _Part(around, f"[{index}]", {})
        if around is None
        else _Part(around, f"[{index}]", around.fields, around.use)
    )


def _use(key: str, value: Mapping[str, Any], around: _Part | None) -> _Use:
    if key in AUDIENCES and _is_of_account(value, around):
        return _Use.AUDIENCE
    own = _use_of(key) if len(key) <= LONGEST_NAME else _Use.CALLED
    inherited = _Use.CALLED if around is None else around.use
    if own is _Use.COMPARED or (key in NAMED_IN_CERTIFICATE and not CERTIFICATE.isdisjoint(value)):
        return _Use.COMPARED
    if inherited is _Use.COMPARED:
        return own if len(key) <= LONGEST_NAME and CALLING.fullmatch(key) else inherited
    return own if inherited is not _Use.CONFIGURED else inherited


@lru_cache(REMEMBERED)
def _use_of(key: str) -> _Use:
    if COMPARED.fullmatch(key):
        return _Use.COMPARED
    return _Use.CONFIGURED if CONFIGURED.fullmatch(key) else _Use.CALLED


def _is_of_account(value: Mapping[str, Any], around: _Part | None) -> bool:
    """Whether a field stands beside, or directly within, what names a ServiceAccount."""
    named = value if around is None else [*value, around.step]
    is_exchanged = around is not None and EXCHANGED in f".{around.path()}"
    return not is_exchanged and any(ACCOUNT in word(key) for key in named)


def _is_program(key: str, value: Any) -> bool:
    return key in PROGRAM and type(value) is list and all(type(item) is str for item in value[:1])


# --- texts


def _add_text(text: str, part: _Part, finds: Finds, around: Surroundings, near: set[str]) -> None:
    if part.use is _Use.AUDIENCE:
        finds.add("scan", part.path(), text[:LONGEST_PATH], kind=AUDIENCE)
        return
    if part.use is not _Use.COMPARED and ("." in text or ":" in text or text == "localhost"):
        _add_hosts(text, part, finds, around, near)
    if ("/" in text or ":" in text or "@" in text) and len(text) <= LONGEST_PATH:
        _add_names(text, part, finds)
        if is_key_file(text) and not LEFT_OUT.search(part.field.step):
            finds.add("scan", part.path(), text[:LONGEST_SHOWN], kind=FILE)


def _says_where(field: _Part) -> bool:
    """Whether a field is called after a place, or is the value of one that is (`host: {value: db.bar}`)."""
    named = field.around if field.step == VALUE and field.around is not None else field
    return len(named.step) <= LONGEST_NAME and ADDRESSED.search(named.step) is not None


def _is_served(part: _Part) -> bool:
    """Whether a value is a name that something is served by."""
    field = part.field
    match = SERVED.fullmatch(field.step[1:]) if len(field.step) <= LONGEST_NAME else None
    if match is None or not match[1]:
        return match is not None
    above = list(_steps_above(field))
    return len(above) < 2 or any(map(SERVING.search, above))  # of the object itself, or of what serves


def _add_sites(text: str, part: _Part, finds: Finds) -> None:
    """The names by which something is served."""
    if SITE_NAME.fullmatch(text):
        if _is_served(part):
            finds.add("scan", part.path(), text, kind=SITE)
            _add_served_service(text, part, finds)
        _add_record(text, part, finds)
        return
    for match in islice(HOST_RULE.finditer(text), MOST_HOSTS):
        finds.add("scan", part.path(), match[1][:LONGEST_SHOWN], kind=SITE)


def _add_served_service(text: str, part: _Part, finds: Finds) -> None:
    """A name of a Service that a certificate is to have: whoever holds one passes for the Service."""
    place = place_of(text)
    if part.use is _Use.COMPARED and place.inner == "service":
        finds.add("scan", part.path(), place.name, "", "Service", place.namespace)


@lru_cache(REMEMBERED)
def _is_kept(step: str) -> bool:
    return ON_SERVER.search(step) is not None


def _is_on_server(step: str) -> bool:
    return len(step) <= LONGEST_NAME and _is_kept(step)


def _add_owned(text: str, part: _Part, finds: Finds) -> None:
    """A bucket, a topic or another thing on a server that all share, by a name that may say whose it is."""
    if "://" in text or text.startswith("/"):
        _add_stored(text, part, finds)
    elif len(text) <= LONGEST_SHOWN and _is_on_server(part.field.step) and OWNED_NAME.fullmatch(text):
        whole = WHOLE.fullmatch(part.field.step) is not None
        finds.add("scan", part.path(), f"{text}/{ANYWHERE}" if whole else text, kind=OWNED)


def _add_stored(text: str, part: _Part, finds: Finds) -> None:
    """A place in storage that all share, where a part of its path may say whose it is."""
    match = STORAGE.match(text[:LONGEST_PATH])
    exported = part.step == ".path" and not EXPORTING.isdisjoint(part.fields)
    if match is None and not exported:
        return
    steps = [step for step in (match[1] if match else text[:LONGEST_PATH]).split("/") if step][:MOST_NESTED]
    if not any(SEPARATOR.split(step, 1)[0] == finds.namespace or step == finds.namespace for step in steps):
        for step in dict.fromkeys(steps):
            finds.add("scan", part.path(), f"{step[:LONGEST_SHOWN]}/{ANYWHERE}", kind=OWNED)


def _add_record(zone: str, part: _Part, finds: Finds) -> None:
    """The name of a record that stands beside its zone."""
    if part.step not in ZONES:
        return
    for key in RECORDS:
        name = part.fields.get(key)
        if type(name) is str and name and RECORD.fullmatch(name) and not name.endswith(zone):
            finds.add("scan", f"{part.path().removesuffix(part.step[1:])}{key}", f"{name}.{zone}", kind=SITE)


def _steps_above(part: _Part) -> Iterator[str]:
    for _ in range(MOST_NESTED):
        if part.around is None:
            return
        part = part.around
        yield part.step


def _add_hosts(text: str, part: _Part, finds: Finds, around: Surroundings, near: set[str]) -> None:
    hosts = list(whole_hosts(text))
    if not hosts and _says_where(part.field):
        hosts = list(named_hosts(text))
    for place in (place_of(host, around) for host in hosts):
        if part.use is _Use.CONFIGURED and _is_itself(place.name):
            continue
        if place.name not in near or len(near) + len(finds.references) < MANY_HOSTS:
            _add_place(place, text, part, finds)
        if place.inner == "near":
            near.add(place.name)
    if not hosts or "host=" in text:
        _add_told(text, part, finds, around)


def _add_names(text: str, part: _Part, finds: Finds) -> None:
    """As whom somebody acts, and an object behind the name of its namespace."""
    account = PRINCIPAL.fullmatch(text)
    if account is None and text.startswith(SYSTEM) and _says_who_acts(part):
        finds.add("scan", part.path(), text[:LONGEST_SHOWN], kind="User", namespace=ANYWHERE)
    elif account is not None and _says_who_acts(part):
        finds.add("scan", part.path(), account[2], "", "ServiceAccount", account[1])
    stored = STORED.match(text)
    if stored is not None:
        name = stored[1] or stored[2] or f"{stored[3]}/"
        finds.add("scan", part.path(), name[:LONGEST_SHOWN], kind=QUALIFIED)
    elif QUALIFIED_NAME.fullmatch(text) and _names_object(part.field, QUALIFIER):
        finds.add("scan", part.path(), text[:LONGEST_SHOWN], kind=QUALIFIED)
    elif _names_object(part.field, SECRET_FIELD):
        behind, before = AT_NAMESPACE.fullmatch(text), OF_NAMESPACE.fullmatch(text)
        if behind is not None or before is not None:
            name = f"{behind[2]}/{behind[1]}" if behind else text.replace(":", "/", 1)
            finds.add("scan", part.path(), name[:LONGEST_SHOWN], kind=QUALIFIED)


def _says_who_acts(part: _Part) -> bool:
    field = part.field
    around = field.around.step if field.around is not None else ""
    return bool(ACTING.search(field.step) or ACTING.search(around))


def _names_object(field: _Part, called: re.Pattern[str]) -> bool:
    """Whether a field is called after what it names, or is the name in one that is."""
    if called.search(field.step):
        return True
    return field.step == ".name" and field.around is not None and bool(called.search(field.around.step))


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


# --- identities


def _add_cloud_things(body: Mapping[str, Any], finds: Finds) -> None:
    """What an operator would reach in a cloud account as itself, where nobody is named for it."""
    things = [
        (part, value) for part, value in _leaves(body) if type(value) is str and _is_cloud_thing(value, part)
    ]
    if not things:
        return
    holders = {id(_holder(part).fields) for part, value in _leaves(body) if _names_login(part, value)}
    for part, value in things:
        if _is_granted(part) or holders.isdisjoint(map(id, _fields_around(part))):
            finds.add("scan", part.path(), value[:LONGEST_SHOWN], kind=IDENTITY)


def _holder(part: _Part) -> _Part:
    """The outermost field that a login is told by: `auth.aws` of `auth.aws.secretRef.name`."""
    found = part
    for _ in range(MOST_NESTED):
        if part.around is None:
            break
        part = part.around
        if not (part.step.startswith("[") or ABOUT_LOGIN.search(part.step)):
            break
        found = part
    return found


def _fields_around(part: _Part) -> Iterator[Mapping[str, Any]]:
    """Every mapping that a value is in, the closest first."""
    while True:
        yield part.fields
        if part.around is None:
            return
        part = part.around


def _is_granted(part: _Part) -> bool:
    """Whether a thing is one that a statement gives rights to: who logs in says nothing of whose it is."""
    return STATED.fullmatch(part.field.step) is not None and not STATEMENT.isdisjoint(part.field.fields)


def _is_cloud_thing(text: str, part: _Part) -> bool:
    if ACCOUNT_THING.fullmatch(text):
        return False  # found already, whoever is named
    is_handle = len(part.field.step) <= LONGEST_NAME and HANDLE.fullmatch(part.field.step[1:])
    return bool(text and is_handle) or CLOUD_THING.fullmatch(text) is not None


def _names_login(part: _Part, value: Any) -> bool:
    """Whether a value names who logs in, or a Secret or an account by which somebody does."""
    if type(value) is not str or not value or CLOUD_THING.fullmatch(value):
        return False
    steps = [part.step, *_steps_above(part)]
    return any(map(is_somebody, steps)) and not any(
        WRITTEN.search(step) or ELSEWHERE.search(step) for step in steps
    )


def _add_identity(value: Any, part: _Part, finds: Finds) -> None:
    if type(value) is str and ACCOUNT_THING.fullmatch(value):
        finds.add("scan", part.path(), value[:LONGEST_SHOWN], kind=IDENTITY)
    elif value == {} or _is_own_login(value, part):  # an empty mapping comes here only where it is a login
        finds.add("scan", part.path(), "", kind=IDENTITY)


def _is_own_login(value: Any, part: _Part) -> bool:
    if not may_say_login(value):
        return False
    field = part.field
    around = field.around.field if field.around is not None else None
    near = [field.fields] if around is None else [field.fields, around.fields]
    return is_own_login(field.step[1:], value, around.step[1:] if around is not None else "", near)
