"""The codes of findings. A code keeps its meaning for ever; docs/lint.md explains each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["CODES", "Code", "Severity"]

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Code:
    """What findings of one code have in common."""

    name: str
    severity: Severity = "error"
    """`error`: a policy does not do what it says. `warning`: it may not."""
    suppressible: bool = True


CODES: Mapping[str, Code] = {
    "GK001": Code("does-not-load", suppressible=False),
    "GK002": Code("suite-does-not-run", suppressible=False),
    "GK003": Code("unknown-code", "warning", suppressible=False),
    "GK101": Code("no-binding"),
    "GK102": Code("binding-apart"),
    "GK103": Code("unserved-name"),
    "GK104": Code("unsent-operation"),
    "GK105": Code("never-asked", "warning"),
    "GK106": Code("selects-nothing"),
    "GK107": Code("selects-no-less", "warning"),
    "GK108": Code("params-without-kind"),
    "GK109": Code("no-such-params", "warning"),
    "GK201": Code("unknown-field"),
    "GK202": Code("absent-field"),
    "GK203": Code("unknown-field-written"),
    "GK204": Code("fails-on-valid"),
    "GK205": Code("other-type"),
    "GK206": Code("amounts-as-text"),
    "GK207": Code("no-such-value"),
    "GK208": Code("incomplete-patch"),
    "GK209": Code("not-a-policys-to-write"),
    "GK210": Code("immutable-field-written"),
    "GK211": Code("no-such-mark"),
    "GK212": Code("value-that-does-not-fit"),
    "GK213": Code("never-done"),
    "GK214": Code("no-such-name"),
    "GK301": Code("unknown-kind-looked-up"),
    "GK302": Code("unreadable-kind-looked-up"),
    "GK303": Code("no-such-authority"),
    "GK401": Code("no-tenant-guard", "warning"),
    "GK402": Code("not-portable"),
    "GK501": Code("no-message", "warning"),
    "GK502": Code("constant-condition", "warning"),
    "GK503": Code("refuses-nothing"),
    "GK504": Code("never-reached"),
    "GK505": Code("same-whatever-is-compared"),
    "GK506": Code("unread-variable", "warning"),
    "GK507": Code("said-twice", "warning"),
    "GK508": Code("message-without-value"),
    "GK509": Code("message-told-as-it-stands"),
    "GK601": Code("no-suite", "warning"),
    "GK602": Code("unused-object", "warning"),
    "GK603": Code("object-without-such-field"),
    "GK604": Code("case-of-nobody", "warning"),
    "GK605": Code("object-without-name"),
    "GK606": Code("case-that-shows-nothing", "warning"),
    "GK701": Code("shared-with-nobody", "warning"),
    "GK702": Code("grant-of-nothing"),
    "GK703": Code("grant-to-all", "warning"),
    "GK704": Code("unknown-kind-granted"),
    "GK705": Code("waiver-that-is-over", "warning"),
    "GK706": Code("waives-nothing", "warning"),
    "GK707": Code("silences-nothing", "warning"),
    "GK801": Code("open-prefix", "warning"),
    "GK802": Code("forgeable-exemption", "warning"),
    "GK803": Code("fails-open", "warning"),
    "GK804": Code("containers-left-out", "warning"),
    "GK805": Code("ephemeral-containers-unasked", "warning"),
}
