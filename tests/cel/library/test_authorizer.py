"""The authorizer asks whoever answers, with exactly what the expression narrowed down."""

from __future__ import annotations

import pytest

from gatekeeper_py.cel import Budget, CompileError, CostExceeded, EvaluationError
from gatekeeper_py.cel.environment import kubernetes_environment
from gatekeeper_py.cel.library.authorizer import (
    AUTHORIZER_TYPE,
    RESOURCE_CHECK_TYPE,
    AccessDecision,
    AccessReview,
    AuthorizerValue,
    GroupCheck,
    ResourceCheck,
    Subject,
)

ALICE = Subject("alice", ("dev",))
ENVIRONMENT = kubernetes_environment().extend(
    variables={"authorizer": AUTHORIZER_TYPE, "authorizer.requestResource": RESOURCE_CHECK_TYPE}
)


class Recorder:
    """Allows alice everything, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[AccessReview] = []

    def authorize(self, review: AccessReview) -> AccessDecision:
        self.asked.append(review)
        if review.verb == "explode":
            return AccessDecision(False, error="no connection")
        return AccessDecision(review.subject.name == "alice", f"{review.subject.name} it is")


def run(text: str) -> tuple[object, list[AccessReview]]:
    recorder = Recorder()
    asking = AuthorizerValue(recorder, ALICE)
    activation = {
        "authorizer": asking,
        "authorizer.requestResource": ResourceCheck(GroupCheck(asking, "apps"), "deployments", name="web"),
    }
    return ENVIRONMENT.compile(text).evaluate(activation, Budget(10**7)), recorder.asked


@pytest.mark.parametrize(
    ("text", "review"),
    [
        ("authorizer.path('/healthz').check('get').allowed()", AccessReview(ALICE, "get", path="/healthz")),
        (
            "authorizer.group('').resource('pods').namespace('a').name('b').subresource('log').check('get').allowed()",
            AccessReview(ALICE, "get", resource="pods", namespace="a", name="b", subresource="log"),
        ),
        (
            "authorizer.group('apps').resource('deployments').fieldSelector('a=b').labelSelector('c')"
            ".check('list').allowed()",
            AccessReview(
                ALICE, "list", group="apps", resource="deployments", field_selector="a=b", label_selector="c"
            ),
        ),
        (
            "authorizer.requestResource.check('custom').allowed()",
            AccessReview(ALICE, "custom", group="apps", resource="deployments", name="web"),
        ),
    ],
)
def test_the_check_is_what_was_narrowed_down(text: str, review: AccessReview) -> None:
    assert run(text) == (True, [review])


def test_a_service_account_is_asked_about_in_the_place_of_the_user() -> None:
    allowed, asked = run(
        "authorizer.serviceAccount('ns', 'robot').group('').resource('pods').check('get').allowed()"
    )
    assert allowed is False
    groups = ("system:serviceaccounts", "system:serviceaccounts:ns")
    assert asked[0].subject == Subject("system:serviceaccount:ns:robot", groups)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("authorizer.path('/').check('get').reason()", "alice it is"),
        ("authorizer.path('/').check('get').errored()", False),
        ("authorizer.path('/').check('get').error()", ""),
        ("authorizer.path('/').check('explode').errored()", True),
        ("authorizer.path('/').check('explode').error()", "no connection"),
        ("authorizer.path('/').check('explode').allowed()", False),
    ],
)
def test_decisions_tell_why(text: str, value: object) -> None:
    assert run(text)[0] == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("authorizer.path(' ')", "path must not be empty"),
        ("authorizer.group('apps').resource('')", "resource must not be empty"),
        ("authorizer.serviceAccount('a.b', 'c')", "Invalid service account namespace"),
        ("authorizer.serviceAccount('a', 'C')", "Invalid service account name"),
    ],
)
def test_empty_and_bad_names_are_errors(text: str, message: str) -> None:
    with pytest.raises(EvaluationError, match=f"^{message}$"):
        run(text)


def test_an_expression_can_afford_two_checks() -> None:
    one = "authorizer.path('/').check('get').allowed()"
    assert run(f"{one} && {one}")[0] is True
    with pytest.raises(CostExceeded):
        run(f"{one} && {one} && {one}")


def test_checks_have_no_fields() -> None:
    with pytest.raises(CompileError, match=r"kubernetes\.authorization\.Authorizer"):
        ENVIRONMENT.compile("authorizer.subject")
