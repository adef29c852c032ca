"""Whether a field has an operator log in as itself: as the machine, or in the cloud account, that it runs in.

Some words always say so (`useInstanceProfile: true`). Others say so only where nobody is named: `type: IRSA`
beside a ServiceAccount of the namespace is that account's own identity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["is_empty_login", "is_own_login", "is_somebody", "may_say_login", "word"]

OWN_FLAGS = frozenset(
    (
        "ambientcredentials",
        "azureusemanagedidentity",
        "clustercredentials",
        "fromenvironment",
        "gcpuseserviceaccount",
        "gkeenvironment",
        "inheritfromazuread",
        "inheritfromiamrole",
        "instanceprofile",
        "instanceprofilecredentials",
        "managedidentity",
        "useambientcredentials",
        "useapplicationdefault",
        "useapplicationdefaultcredentials",
        "useclustercredentials",
        "useclusteridentity",
        "usecontrolleridentity",
        "usecontrollerserviceaccount",
        "usedefaultcredentials",
        "usedefaultcredentialschain",
        "useenvironmentcredentials",
        "useiamrole",
        "useinstancemetadata",
        "useinstanceprofile",
        "useinstanceprofilecredentials",
        "usemanagedidentity",
        "usenodeidentity",
        "usenoderole",
        "useoperatorcredentials",
        "useoperatoridentity",
        "usevmmanagedidentity",
    )
)
"""Fields that, when true, have a program log in as where it runs; in small letters, without marks between."""
OWN_VALUES = frozenset(
    (
        "ambient",
        "ambientcredentials",
        "applicationdefault",
        "applicationdefaultcredentials",
        "defaultawscredentialsproviderchain",
        "defaultazurecredential",
        "defaultcredentialschain",
        "ec2instancemetadata",
        "gcenode",
        "iaminstanceprofile",
        "imds",
        "injectedidentity",
        "instancemetadata",
        "instanceprincipal",
        "instanceprofile",
        "managedidentity",
        "systemassignedmanagedidentity",
        "userassignedmanagedidentity",
    )
)
"""Values that say so, spelled as above."""
DOUBTFUL_FLAGS = frozenset(
    (
        "applicationdefault",
        "defaultcredentials",
        "iam",
        "irsa",
        "podidentity",
        "useiam",
        "useirsa",
        "usepodidentity",
        "useworkloadidentity",
        "workloadidentity",
    )
)
"""Fields that, when true, or true within (`iam: {enabled: true}`), say so where nobody is named."""
DOUBTFUL_VALUES = frozenset(
    (
        "aws",
        "awseks",
        "awsiam",
        "azureworkload",
        "defaultcredentials",
        "environment",
        "environmentvariables",
        "iam",
        "iamrole",
        "iamroles",
        "inherit",
        "inherited",
        "irsa",
        "msi",
        "podidentity",
        "rolebased",
        "systemassigned",
        "tokencco",
        "workloadidentity",
    )
)
"""Values that say so where nobody is named, of fields about logging in."""
OWN_WORD = re.compile(
    r"(?:from|inherit|use|with)?(?:the)?(?:ambient|controller|host|inherited|instance|machine|manager|node|operator|platform|provider)s?"
    r"(?:account|cred(?:ential)?s?|identity|iam(?:role)?|login|principal|profile|role|serviceaccount|token)"
)
"""Words of both sorts that are put together anew by each author, for whoever an operator is."""
OPERATORS = frozenset(("controller", "operator"))
ACTING = frozenset(("actas", "as", "identity", "identityowner", "runas"))
"""Values that say so of fields for whom somebody acts as."""
TELLING = OWN_VALUES | DOUBTFUL_VALUES | OPERATORS | {"true"}
"""All values that may say so; nearly no value is one of them."""
ABOUT_LOGIN = re.compile(r"auth|cred|identity|login", re.IGNORECASE)
"""How fields are called that say how to log in."""
REFERENCE = re.compile(r"(?:ref(?:erence)?|secret|serviceaccount)s?$", re.IGNORECASE)
"""How fields are called that hold a reference to an object by its name."""
SOMEBODY = re.compile(
    r"secret|serviceaccount|access_?key|token(?!cco)|password|client_?id|identity_?id|role_?arn|principal|keyfile",
    re.IGNORECASE,
)
"""How fields are called that name somebody."""
LOGIN = frozenset(("auth", "authentication", "credentials"))
"""Fields that, when empty, leave it to the operator to log in as itself."""
LOGGED_INTO = frozenset(
    (
        "account",
        "bucket",
        "bucketname",
        "endpoint",
        "project",
        "projectid",
        "projectref",
        "region",
        "registry",
        "resourceid",
        "server",
        "service",
        "subscriptionid",
        "tenantid",
        "url",
        "vaulturl",
    )
)
"""What stands beside them then."""
SWITCHES = frozenset(("enabled", "enable", "use"))
"""Fields that, when true, switch on what they stand in."""
MARKS = str.maketrans("", "", "-_. ")
LONGEST_WORD = 64
"""Characters of a field's name or a value that may be one of the words above."""


def word(text: str) -> str:
    """A name or a value in small letters, without marks; nothing when it is too long to be a word."""
    return text.translate(MARKS).lower() if len(text) <= LONGEST_WORD else ""


def is_empty_login(field: str, beside: Mapping[str, Any]) -> bool:
    """Whether a field that holds nothing leaves the login to the operator, by what stands beside it."""
    return word(field) in LOGIN and not LOGGED_INTO.isdisjoint(map(word, beside))


def may_say_login(value: Any) -> bool:
    """Whether a value is one of which `is_own_login` must be asked."""
    if type(value) is not str:
        return value is True
    said = word(value)
    return said in TELLING or OWN_WORD.fullmatch(said) is not None


def is_own_login(field: str, value: Any, around: str, near: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a single value has the operator log in as itself.

    `around` is the name of the field that the value's mapping stands in, `near` are that mapping and the ones
    around it.
    """
    if value is True or value == "true":
        return _is_own_flag(word(field), word(around), near)
    if type(value) is not str:
        return False
    said = word(value)
    if said in OWN_VALUES or (said in OPERATORS and word(field) in ACTING):
        return True
    if field == "name" and REFERENCE.search(around):
        return False  # what somebody called an object
    doubtful = said in DOUBTFUL_VALUES or OWN_WORD.fullmatch(said) is not None
    is_about_login = doubtful and ABOUT_LOGIN.search(f"{around} {field}") is not None
    return is_about_login and not _names_somebody(near)


def _is_own_flag(field: str, around: str, near: Iterable[Mapping[str, Any]]) -> bool:
    if field in OWN_FLAGS:
        return True
    switched = around if field in SWITCHES else field
    doubtful = switched in DOUBTFUL_FLAGS or OWN_WORD.fullmatch(switched) is not None
    return doubtful and not _names_somebody(near)


def _names_somebody(near: Iterable[Mapping[str, Any]]) -> bool:
    return any(value and is_somebody(key) for fields in near for key, value in fields.items())


def is_somebody(field: str) -> bool:
    """Whether a field is called after what names somebody."""
    return len(field) <= LONGEST_WORD and SOMEBODY.search(field) is not None
