"""Sheets to begin with: every example of the documents, and each shipped policy with a case of its suite."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatekeeper_py.authoring.examples import examples
from gatekeeper_py.authoring.playground.sheet import Sheet
from gatekeeper_py.authoring.suite import Case, Suite, read_suite
from gatekeeper_py.authoring.tenancies import named_tenancy
from gatekeeper_py.manifests.dumping import dump_all
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, files, read_all_text
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.loading.load import KUSTOMIZATIONS, is_test
from gatekeeper_py.policy.loading.shape import GROUP
from gatekeeper_py.tenancy.reading import is_tenancy_document, is_waiver

__all__ = ["BLOCK", "Sample", "documented", "samples", "sheet_of", "shipped"]

BLOCK = re.compile(r"^```(cel|yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PATCH = "JSONPatch"


@dataclass(frozen=True, slots=True)
class Sample:
    """A sheet with a name."""

    group: str
    name: str
    sheet: Sheet


def samples(docs: Path | None, policies: Path | None) -> list[Sample]:
    """All of them; of what an installation lacks, none."""
    found = list(documented(sorted(docs.glob("*.md")))) if docs is not None else []
    return [*found, *(shipped(policies) if policies is not None else ())]


# --- examples of the documents ----------------------------------------------------------------------------


def documented(pages: Iterable[Path]) -> Iterator[Sample]:
    """The examples of pages that are expressions, or documents that the playground has a pane for."""
    for page in pages:
        text = page.read_text(encoding="utf-8")
        title = HEADING.search(text)
        counted: dict[str, int] = {}
        for block in BLOCK.finditer(text):
            sheet = sheet_of(block[1], block[2])
            if sheet is not None:
                heading = [*HEADING.finditer(text, 0, block.start())][-1][1]
                counted[heading] = counted.get(heading, 0) + 1
                number = f" ({counted[heading]})" if counted[heading] > 1 else ""
                yield Sample(title[1] if title else page.stem, f"{heading}{number}", sheet)


def sheet_of(language: str, text: str) -> Sheet | None:
    """The sheet of a block of a page; None of one that is nothing to try."""
    return _of_expression(text.strip()) if language == "cel" else _of_documents(text)


POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: {kind}AdmissionPolicy
metadata:
  name: example
spec:
{more}  matchConstraints:
    resourceRules:
      - apiGroups: ["*"]
        apiVersions: ["*"]
        operations: [CREATE, UPDATE]
        resources: ["*"]
  matchConditions:
    - {{name: of-a-tenant, expression: tenant != null}}
{rule}
---
apiVersion: admissionregistration.k8s.io/v1
kind: {kind}AdmissionPolicyBinding
metadata:
  name: example
spec:
  policyName: example
"""
VALIDATION = """\
  validations:
    - expression: >-
        {text}
      message: the expression is false"""
MUTATION = """\
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: >-
          {text}"""
ACTIONS = "  validationActions: [Deny]\n"

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: foo}
spec:
  runtimeClassName: kata
  containers:
    - {name: web, image: registry.example.com/web, resources: {requests: {cpu: 100m}}}
"""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: foo}
spec:
  rules:
    - host: foo.example.com
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
"""
KUSTOMIZATION = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: web, namespace: foo}
spec: {targetNamespace: foo, path: ., prune: true}
"""
CONSUMER = """\
apiVersion: configuration.konghq.com/v1
kind: KongConsumer
metadata: {name: web, namespace: foo}
username: web
"""
NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata: {name: foo, labels: {team: foo}}
"""
ABOUT = (
    ("object.spec.rules", INGRESS),
    ("targetNamespace", KUSTOMIZATION),
    ("object.username", CONSUMER),
    ("ofNamespaceObject", NAMESPACE),
)
"""Manifests for expressions that are about no pod, by a word of theirs."""
CLUSTER = """\
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: kata}
handler: kata-qemu
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: foo}
"""
CHANGED = "oldObject"
OWNERS = frozenset({"Tenant", "TenancySettings"})
"""Kinds of which a page shows all that it needs; others are shown with the tenants of suites."""


def _of_expression(text: str) -> Sheet:
    """A policy about everything that says this, with an object it can be asked of."""
    manifest = next((each for word, each in ABOUT if word in text), POD)
    mutates = PATCH in text
    rule = (MUTATION if mutates else VALIDATION).format(text=re.sub(r"\n\s*", "\n        ", text))
    kind, more = ("Mutating", "  reinvocationPolicy: Never\n") if mutates else ("Validating", "")
    policy = POLICY.format(kind=kind, more=more, rule=rule) + ("" if mutates else ACTIONS)
    is_change = CHANGED in text
    return Sheet(
        policy=policy,
        manifest=manifest,
        tenants=_example(),
        cluster=f"{CLUSTER}---\n{manifest}" if is_change else CLUSTER,
        operation="UPDATE" if is_change else "",
    )


def _example() -> str:
    """The tenants foo and bar, as suites have them."""
    return dump_all(manifest.object for manifest in named_tenancy("example", Path()))


def _of_documents(text: str) -> Sheet | None:
    """Documents in the panes that they belong in; None of what are no documents of ours."""
    try:
        manifests = read_all_text(text).demanded()
    except ManifestError:
        return None
    policies = [each for each in manifests if each.kind.group == GROUP]
    tenants = [each for each in manifests if is_tenancy_document(each)]
    others = [each for each in manifests if each not in policies and each not in tenants]
    if not manifests:
        return None
    if not policies and not tenants:
        return Sheet(manifest=text)
    if all(map(is_waiver, manifests)):
        return Sheet(_waived(manifests[0]), POD, f"{_example()}---\n{text}")
    if len(tenants) == len(manifests):
        owned = any(each.kind.kind in OWNERS for each in tenants)
        whose = text if owned else f"{_example()}---\n{text}"
        return Sheet(policy=_of_expression("tenant.claimed").policy, manifest=POD, tenants=whose)
    return Sheet(
        policy=_dumped(policies), manifest=_dumped(others) or POD, tenants=_dumped(tenants) or _example()
    )


def _waived(waiver: Manifest) -> str:
    """A policy of the name that a waiver names first."""
    written = read_all_text(_of_expression("!tenant.claimed").policy).demanded()
    name, *_ = waiver.object["spec"]["policies"]
    made = [{**each.object, "metadata": {"name": name}} for each in written]
    return dump_all(
        {**each, "spec": {**each["spec"], "policyName": name}} if "policyName" in each["spec"] else each
        for each in made
    )


def _dumped(manifests: Iterable[Manifest]) -> str:
    return dump_all(manifest.object for manifest in manifests)


# --- shipped policies -------------------------------------------------------------------------------------


def shipped(folder: Path) -> Iterator[Sample]:
    """Each policy with the first case that is refused or, where it refuses nothing, the first it changes."""
    for path in sorted(folder.rglob("*.yaml")):
        if not is_test(path) and path.name not in KUSTOMIZATIONS:
            yield from _of_policy(path)


def _of_policy(path: Path) -> Iterator[Sample]:
    test = path.with_name(f"{path.stem}_test{path.suffix}")
    if not test.exists():
        return
    suite, found = read_suite(test), examples(path)
    case = found.refused or found.admitted
    if case is not None:
        yield Sample(path.parent.name, path.stem, _of_case(suite, case))


def _of_case(suite: Suite, case: Case) -> Sheet:
    stored = [case.old] if case.old is not None else []
    return Sheet(
        policy=_texts(suite.policies),
        manifest=dump_all([case.object]),
        tenants=dump_all(manifest.object for manifest in suite.tenants),
        cluster=dump_all(_with(stored, suite.cluster)),
        operation=case.operation or "",
        subresource=case.subresource,
        user=case.user,
        groups=", ".join(case.groups),
        namespace=case.namespace,
    )


def _texts(paths: Iterable[Path]) -> str:
    """The files of policies as one."""
    texts = [
        file.read_text(encoding="utf-8").strip("\n")
        for path in paths
        for file in files(path)
        if not is_test(file)
    ]
    return "\n---\n".join(texts) + "\n"


def _with(stored: Sequence[Object], cluster: Iterable[Object]) -> list[Object]:
    """What exists, with what the case says is stored in the place of what is called the same."""
    named = [_identity(value) for value in stored]
    return [*(value for value in cluster if _identity(value) not in named), *stored]


def _identity(value: Object) -> tuple[object, ...]:
    metadata = value.get("metadata") or {}
    return value.get("apiVersion"), value.get("kind"), metadata.get("namespace"), metadata.get("name")
