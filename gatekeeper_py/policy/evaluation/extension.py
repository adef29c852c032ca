"""How a package above adds functions and variables to the language of policies, `tenant` for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gatekeeper_py.cel import Library, Type
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.policy.admission.decision import Enforcement, Waived
from gatekeeper_py.policy.admission.request import AdmissionRequest

__all__ = ["UNDISPUTED", "Extension", "Ruling", "Violation"]


def _nothing(_request: AdmissionRequest, _cluster: ClusterView) -> Mapping[str, object]:
    return {}


def _never(_request: AdmissionRequest, _cluster: ClusterView) -> str:
    return ""


def _nobody(_namespace: str, _cluster: ClusterView) -> str:
    return ""


def _untrusted(_request: AdmissionRequest, _cluster: ClusterView) -> bool:
    return False


def _none(_request: AdmissionRequest, _cluster: ClusterView) -> frozenset[str]:
    return frozenset()


def _wholly(_request: AdmissionRequest, _cluster: ClusterView) -> Enforcement:
    return "enforce"


@dataclass(frozen=True, slots=True)
class Violation:
    """A request that a policy is about to refuse."""

    policy: str
    request: AdmissionRequest
    """As the policy sees it."""
    cluster: ClusterView
    names: Callable[[], Mapping[str, object]]
    """The names that expressions may use, as match conditions do, and their values."""
    deadline: float | None


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a violation is admitted nevertheless."""

    waived: Waived | None = None
    remarks: tuple[str, ...] = ()
    """Why what seems to admit it does not."""


UNDISPUTED = Ruling()
"""Of a violation of which nobody says anything."""


@dataclass(frozen=True, slots=True)
class Extension:
    """Functions and variables that every expression may use besides those of Kubernetes.

    `activation` gives the variables' values for one request; it is called at most once a request and must be
    cheap: what costs is better a function. Functions that need the cluster are contextual overloads and read
    what `activation` left there under a name no expression can spell.
    """

    libraries: tuple[Library, ...] = ()
    variables: Mapping[str, Type] = field(default_factory=dict)
    activation: Callable[[AdmissionRequest, ClusterView], Mapping[str, object]] = _nothing
    refusal: Callable[[AdmissionRequest, ClusterView], str] = _never
    """Why a request is refused before any policy is asked; empty when it is not."""
    objection: Callable[[AdmissionRequest, ClusterView], str] = _never
    """Why a request is refused that all policies admit; empty when it is not."""
    owner: Callable[[str, ClusterView], str] = _nobody
    """Under whose name the requests of a namespace are queued and counted; empty when nobody's."""
    trusts: Callable[[AdmissionRequest, ClusterView], bool] = _untrusted
    """Whether a request may be decided by what was last known of the cluster when that is old."""
    silenced: Callable[[AdmissionRequest, ClusterView], frozenset[str]] = _none
    """The policies whose warnings nobody is told of for a request. Asked only when there is a warning."""
    waive: Callable[[Violation], Ruling] | None = None
    """What admits violations until some day; None where nothing does."""
    everywhere: Enforcement | None = "enforce"
    """How far every request is held to the policies; None where it depends on whose it is."""
    enforcement: Callable[[AdmissionRequest, ClusterView], Enforcement] = _wholly
    """How far one request is, where it depends."""
