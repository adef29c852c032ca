"""For whom a GitOps controller writes: by the marks that it puts on whatever it deploys.

A mark names the namespace of the object that asked for it: an Application, a Kustomization, a HelmRelease.
Whoever wrote the manifest may have put others there, so each counts: what one tenant's mark is on is that
tenant's. Argo CD puts none on a CustomResourceDefinition (reposerver/repository/repository.go): nothing that
such an object says of itself tells whose wish it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.selector import labels_of
from gatekeeper_py.tenancy.tenant import GROUP

__all__ = ["HOME", "NAMESPACES", "RELEASE", "TRACKING", "bears_marks", "marked_namespaces"]

HOME = ""
"""The namespace that a mark of Argo CD means where it names none: its own."""
TRACKING = "argocd.argoproj.io/tracking-id"
"""`NAMESPACE_NAME:GROUP/KIND:...`, and of Applications beside Argo CD without a namespace (argo-cd,
util/argo/resource_tracking.go)."""
NAMESPACES = (
    "kustomize.toolkit.fluxcd.io/namespace",
    "helm.toolkit.fluxcd.io/namespace",
    "resourceset.fluxcd.controlplane.io/namespace",
)
"""Labels by which Flux's controllers tell what they have made."""
RELEASE = "meta.helm.sh/release-namespace"
"""Where Helm keeps a release (helm, pkg/action/validate.go): it tells who asked where nothing else does."""


def marked_namespaces(value: Object, exists: Callable[[str], bool]) -> frozenset[str]:
    """The namespaces of whatever had an object deployed, by its marks; none where it bears none."""
    labels, annotations = labels_of(value), _annotations(value)
    found = {str(labels[key]) for key in NAMESPACES if key in labels}
    # Where Argo CD tracks by a label, its key is a setting (application.instanceLabelKey): it may be any.
    instances = {_before_name(str(text)) for text in labels.values()}
    found.update(namespace for namespace in instances if namespace and exists(namespace))
    if isinstance(tracked := annotations.get(TRACKING), str):
        found.add(_before_name(tracked) or HOME)
    if not found and isinstance(released := annotations.get(RELEASE), str):
        found.add(released)
    return frozenset(found)


def bears_marks(kind: GroupVersionKind) -> bool:
    """Whether marks may tell that the platform wants an object of a kind; of our own, documents do."""
    return kind[::2] != ("apiextensions.k8s.io", "CustomResourceDefinition") and kind.group != GROUP


def _annotations(value: Object) -> Mapping[str, Any]:
    found = (value.get("metadata") or {}).get("annotations")
    return found if isinstance(found, dict) else {}


def _before_name(text: str) -> str:
    """`foo` of `foo_app:apps/Deployment:foo/web`; no name of a namespace or an Application has a `_`."""
    namespace, separator, _ = text.partition(":")[0].partition("_")
    return namespace if separator else ""
