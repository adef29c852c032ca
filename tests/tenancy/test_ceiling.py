"""What all pods of a tenant may ask for together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel import EvaluationError
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.projection import IDENTITY, union
from gatekeeper_py.objects.requests import Resources, requests_of
from gatekeeper_py.policy.admission.request import Promise
from gatekeeper_py.policy.admission.submission import Submission, make_request
from gatekeeper_py.tenancy.ceiling import READ, Excess, excess
from gatekeeper_py.tenancy.context import Context
from gatekeeper_py.tenancy.tenant import Ceiling, Claim, Tenancy, Tenant

Json = dict[str, Any]
FOO = Tenant("foo", claim=Claim(("foo",), ("foo-*",)), ceiling=Ceiling(3, "2", "2Gi"))


def pod(name: str, cpu: str = "500m", memory: str = "256Mi", namespace: str = "foo", **status: Any) -> Json:
    requests = {"cpu": cpu, "memory": memory}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "a", "image": "a", "resources": {"requests": requests}}]},
        "status": status,
    }


def namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def asked(
    new: Json,
    *there: Json,
    promised: Sequence[Promise] | None = (),
    tenant: Tenant = FOO,
    judged: Json | None = None,
) -> Excess | None:
    cluster = Snapshot.of([Manifest(each) for each in (namespace("foo"), namespace("foo-b"), *there)])
    request = make_request(Manifest(new), cluster, Submission("CREATE"))
    request = replace(request, promised=None if promised is None else tuple(promised))
    return excess(Context(Tenancy((tenant,)), cluster, request), tenant, judged or new)


def promise(name: str, cpu: str = "1", namespace: str = "foo") -> Promise:
    return Promise(namespace, name, Resources(Fraction(cpu), Fraction(0)))


ENDED = pod("done", cpu="8", phase="Failed")


def test_pods_of_all_namespaces_count_together() -> None:
    there = (pod("one", "1"), pod("two", "1", namespace="foo-b"), pod("other", "8", namespace="bar"))
    assert asked(pod("new", "1m"), *there) == Excess("cpu", "1m", "2", "2")
    assert asked(pod("new", "1m"), *there[::2]) is None


def test_their_number_counts() -> None:
    there = [pod(str(number), "0", "0") for number in range(3)]
    assert asked(pod("new", "0", "0"), *there) == Excess("pods", "1", "3", "3")
    assert asked(pod("new", "0", "0"), *there[1:]) is None


def test_what_has_ended_takes_nothing() -> None:
    assert asked(pod("new"), ENDED, pod("gone", "8", phase="Succeeded")) is None


def test_what_is_promised_counts_until_it_is_seen_and_then_once() -> None:
    assert asked(pod("new", "1500m"), ENDED, promised=[promise("soon")]) == Excess("cpu", "1500m", "1", "2")
    assert asked(pod("new", "1"), pod("soon", "1"), promised=[promise("soon")]) is None
    assert asked(pod("new", "1"), ENDED, promised=[promise("soon", namespace="bar")]) is None


def test_a_promise_of_the_pod_itself_is_no_other_pod() -> None:
    assert asked(pod("new", "2"), ENDED, promised=[promise("new", "2")]) is None


def test_of_a_pod_that_grows_the_larger_counts() -> None:
    there = pod("grows", "500m")
    assert asked(pod("new", "600m"), there, promised=[promise("grows", "3/2")]) == Excess(
        "cpu", "600m", "1500m", "2"
    )


@pytest.mark.parametrize(("there", "promised"), [((), ()), ((ENDED,), None)], ids=["no pods", "no account"])
def test_who_knows_no_pods_cannot_tell(there: Sequence[Json], promised: Sequence[Promise] | None) -> None:
    with pytest.raises(EvaluationError, match="nobody can tell what is left of the tenant's ceiling"):
        asked(pod("new"), *there, promised=promised)


def test_without_a_ceiling_nobody_has_to_know() -> None:
    assert asked(pod("new", "64"), tenant=Tenant("foo", claim=Claim(("foo",)))) is None


def test_what_cannot_be_read_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="what pod 'new' asks for cannot be read"):
        asked(pod("new"), ENDED, judged=pod("new", "much"))


@given(st.lists(st.integers(0, 900), max_size=6), st.integers(0, 2500))
def test_a_pod_is_refused_just_when_the_sum_passes_the_bound(others: list[int], own: int) -> None:
    tenant = Tenant("foo", claim=Claim(("foo",)), ceiling=Ceiling(cpu="2"))
    there = [pod(str(number), f"{milli}m") for number, milli in enumerate(others)]
    refused = asked(pod("new", f"{own}m"), ENDED, *there, tenant=tenant) is not None
    assert refused == (own > 0 and sum(others) + own > 2000)


def test_what_is_kept_of_a_pod_asks_for_as_much_as_the_whole() -> None:
    resized = {"requests": {"cpu": "3"}}
    whole = pod("web", phase="Running", containerStatuses=[{"name": "a", "resources": resized, "image": "a"}])
    whole["spec"]["overhead"] = {"cpu": "100m"}
    whole["spec"]["initContainers"] = [
        {"name": "b", "restartPolicy": "Always", "image": "b", "resources": {"requests": {"cpu": "1"}}}
    ]
    kept = union((IDENTITY, READ)).keep(whole)
    assert requests_of(kept) == requests_of(whole)
    assert "image" not in kept["spec"]["containers"][0]
