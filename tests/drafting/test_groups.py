"""Which namespaces one tenant would own."""

from __future__ import annotations

from gatekeeper_py.drafting.groups import groups
from tests.drafting.support import namespace

HNC = "tree.hnc.x-k8s.io/depth"


def test_namespaces_that_tools_hold_together_are_one_tenants() -> None:
    found = groups(
        [
            namespace("oil-dev", **{"capsule.clastix.io/tenant": "oil"}),
            namespace("oil-prod", **{"capsule.clastix.io/tenant": "oil"}),
            namespace("shop", **{"field.cattle.io/projectId": "p-abcde"}),
            namespace("acme", **{f"acme.{HNC}": "0"}),
            namespace("acme-web", **{f"acme.{HNC}": "2", f"acme-team.{HNC}": "1", f"acme-web.{HNC}": "0"}),
            namespace("alone"),
        ]
    )
    assert [(group.name, group.claim, group.namespaces) for group in found] == [
        (
            "acme",
            {"selector": {"matchExpressions": [{"key": f"acme.{HNC}", "operator": "Exists"}]}},
            ["acme", "acme-web"],
        ),
        ("alone", {"names": ["alone"]}, ["alone"]),
        ("oil", {"capsuleTenant": "oil"}, ["oil-dev", "oil-prod"]),
        ("p-abcde", {"rancherProject": "p-abcde"}, ["shop"]),
    ]


def test_names_of_tenants_are_free_short_and_without_dots() -> None:
    long = "n" * 63
    dotted = namespace("a", **{"capsule.clastix.io/tenant": "oil.example"})
    both = namespace("b", **{"capsule.clastix.io/tenant": "web"})
    found = groups([namespace("platform"), namespace("web"), both, dotted, namespace(long)])
    names = {group.namespaces[0]: group.name for group in found}
    assert (names["platform"], names["a"]) == ("platform-2", "oil-example")
    assert sorted([names["web"], names["b"]]) == ["web", "web-2"]
    assert (len(names[long]), names[long][:44]) == (53, "n" * 44)
