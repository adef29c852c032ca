"""Which API groups another server answers for."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.audit.aggregation import aggregated
from gatekeeper_py.objects.resource import Object


def api_service(**spec: Any) -> Object:
    return {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "spec": spec}


ROUTES = {"group": "route.openshift.io", "version": "v1"}


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (
            api_service(**ROUTES, service={"name": "api", "namespace": "openshift"}),
            [("route.openshift.io", "v1")],
        ),
        (api_service(**ROUTES), []),
        ({"kind": "APIService", "spec": None}, []),
        ({"kind": "Service", "spec": {"service": {"name": "api"}}}, []),
    ],
)
def test_an_api_service_that_names_a_service_is_aggregated(
    found: Object, told: list[tuple[str, str]]
) -> None:
    assert list(aggregated([found])) == told
