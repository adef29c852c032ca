"""`gatekeeper schemas`: the JSON Schema of policies, tenants and suites, for editors."""

from __future__ import annotations

import click

from gatekeeper_py.authoring.editor.jsonschemas import render

__all__ = ["command"]


@click.command("schemas")
def command() -> None:
    """Print the JSON Schema of policies, bindings, tenants and suites, for editors.

    docs/editors.md says how to point an editor at it.
    """
    click.echo(render(), nl=False)
