"""Prints the CustomResourceDefinitions of tenancy, for `webhooks/crds.yaml`."""

from __future__ import annotations

import yaml

from gatekeeper_py.tenancy.fields import definitions

__all__ = ["render"]

HEAD = """\
# Tenant, TenancySettings, Waiver and ControlPlane as custom resources: clusters may keep their tenants there.
# Made from gatekeeper_py/tenancy/fields.py: python -m gatekeeper_py.tenancy.definitions > webhooks/crds.yaml
"""


class _Dumper(yaml.SafeDumper):
    """Writes shared parts in full: an alias in a manifest is hard to read."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - of PyYAML
        """Never alias."""
        return True


def render() -> str:
    """The definitions as YAML documents."""
    documents = yaml.dump_all(definitions(), Dumper=_Dumper, sort_keys=False, width=120)
    return f"{HEAD}{documents}"


if __name__ == "__main__":
    print(render(), end="")
