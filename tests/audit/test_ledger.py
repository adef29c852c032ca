"""An entry an object, and what of it is not known is told once."""

from __future__ import annotations

from gatekeeper_py.audit.backlog import Key
from gatekeeper_py.audit.ledger import Entry, Ledger
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.objects.resource import GroupVersionKind
from tests.audit.support import CLEAN, UNREAD, WEB

SERVICE = GroupVersionKind("", "v1", "Service")


def key(item: Audited, name: str = "") -> Key:
    return Key(item.target.kind, item.target.home, name or item.target.name)


def test_what_is_put_down_again_is_no_news() -> None:
    ledger = Ledger()
    news = [ledger.record(key(WEB), Entry(WEB)) for _ in range(2)]
    assert (news, ledger.version, len(ledger)) == ([True, False], 1, 1)
    assert ledger.drop(key(WEB)) is WEB
    assert (ledger.version, len(ledger), ledger.drop(key(WEB))) == (2, 0, None)


def test_what_could_not_be_judged_counts_as_such() -> None:
    ledger = Ledger()
    ledger.record(key(WEB), Entry(WEB))
    ledger.record(key(CLEAN), Entry(CLEAN, lacks=SERVICE))
    ledger.record(key(CLEAN, "other"), Entry(None, (UNREAD,)))
    assert ledger.kinds() == {WEB.target.kind: 1}
    assert ledger.unjudged() == {CLEAN.target.kind: 2}
    assert ledger.audited() == (WEB, CLEAN)
    assert list(ledger.lacking()) == [key(CLEAN), key(CLEAN, "other")]


def test_a_problem_of_many_is_told_once() -> None:
    ledger = Ledger()
    for name in ("a", "b"):
        ledger.record(key(CLEAN, name), Entry(CLEAN, (UNREAD,), SERVICE))
    assert [str(each) for each in ledger.problems()] == [
        str(UNREAD),
        "v1 Service: 2 objects could not be judged as the cluster is now, for they hang on it",
    ]
