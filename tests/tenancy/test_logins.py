"""Which fields have an operator log in as itself."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.tenancy.logins import is_empty_login, is_own_login, may_say_login, word


@pytest.mark.parametrize(
    ("field", "value", "around"),
    [
        ("useInstanceProfile", True, "aws"),
        ("use_operator_identity", "true", "spec"),
        ("gcp_use_service_account", True, "auth"),
        ("source", "InjectedIdentity", "credentials"),
        ("credentialsProvider", "DefaultAWSCredentialsProviderChain", "spec"),
        ("identity", "operator", "spec"),
        ("irsa", True, "spec"),
        ("enabled", True, "workloadIdentity"),
        ("type", "iam", "auth"),
        ("credentialType", "role-based", "storage"),
        ("type", "SystemAssigned", "identity"),
        ("credentialsSource", "environment", "spec"),
        ("provider", "aws", "podIdentity"),
        ("authMode", "MSI", "spec"),
        ("credentials", "inherit", "spec"),
        ("runAs", "controller", "spec"),
        ("mode", "ControllerIdentity", "auth"),
        ("credentialsFrom", "operator-service-account", "spec"),
        ("useManagerCredentials", True, "spec"),
        ("enabled", True, "nodeIdentity"),
    ],
)
def test_a_login_is_the_operators_own(field: str, value: Any, around: str) -> None:
    assert is_own_login(field, value, around, [{field: value}])
    assert may_say_login(value)


@pytest.mark.parametrize("value", [False, None, 3, "", "Secret", "https://iam/", "iam" * 30])
def test_most_values_need_not_be_asked_about(value: Any) -> None:
    assert not may_say_login(value)


@pytest.mark.parametrize(
    ("field", "value", "around"),
    [
        ("useInstanceProfile", False, "aws"),
        ("source", "Secret", "credentials"),
        ("owner", "operator", "spec"),
        ("enabled", True, "ingress"),
        ("type", "iam", "team"),
        ("kind", "MachineIdentity", "spec"),
        ("provider", "aws", "storage"),
        ("replicas", 3, "auth"),
    ],
)
def test_another_field_is_none(field: str, value: Any, around: str) -> None:
    assert not is_own_login(field, value, around, [{field: value}])


@pytest.mark.parametrize("named", ["serviceAccountName", "secretRef", "roleARN", "access_key_id", "clientId"])
def test_where_somebody_is_named_it_is_his(named: str) -> None:
    assert not is_own_login("type", "IRSA", "auth", [{"type": "IRSA"}, {named: "a"}])
    assert is_own_login("type", "IRSA", "auth", [{"type": "IRSA"}, {named: ""}])
    assert is_own_login("source", "InstanceProfile", "auth", [{named: "a"}])


def test_an_empty_login_leaves_it_to_the_operator_where_something_is_entered() -> None:
    assert is_empty_login("auth", {"auth": {}, "region": "eu"})
    assert is_empty_login("credentials", {"credentials": {}, "projectRef": {"external": "x"}})
    assert not is_empty_login("auth", {"auth": {}})
    assert not is_empty_login("emptyDir", {"emptyDir": {}, "region": "eu"})


def test_a_long_text_is_no_word() -> None:
    assert word("Instance-Profile") == "instanceprofile"
    assert word("a" * 65) == ""


@pytest.mark.parametrize("around", ["credentialsRef", "authSecret", "identityReference"])
def test_the_name_of_an_object_is_no_way_to_log_in(around: str) -> None:
    assert not is_own_login("name", "aws", around, [{"name": "aws"}])
    assert is_own_login("name", "aws", "authMethod", [{"name": "aws"}])
