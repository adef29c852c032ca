"""How the CA and the serving certificate of an installed engine follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper_py.pki.authority import make_authority, make_serving, signed_by
from gatekeeper_py.pki.rotation import Issued, Terms, advance, decode, encode

NAMES = ("gatekeeper.gatekeeper-system.svc", "127.0.0.1")
START = datetime(2026, 1, 1, tzinfo=UTC)
TERMS = Terms()
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def settled(now: datetime = START, terms: Terms = TERMS) -> Issued:
    """What there is when everything that can be done at once is done."""
    issued = Issued()
    while (following := advance(issued, NAMES, now, terms)) is not issued:
        issued = following
    return issued


def test_from_nothing_an_authority_and_then_a_serving_certificate_are_made() -> None:
    first = advance(Issued(), NAMES, START, TERMS)
    assert (len(first.authorities), first.serving) == (1, None)
    second = advance(first, NAMES, START, TERMS)
    assert second.serving is not None
    assert signed_by(second.serving.certificate, second.authorities[0])
    assert advance(second, NAMES, START, TERMS) is second


@pytest.mark.parametrize(("later", "renewed"), [(44 * DAY, False), (46 * DAY, True)])
def test_a_serving_certificate_is_renewed_at_half_its_time(later: timedelta, renewed: bool) -> None:
    issued = settled()
    following = advance(issued, NAMES, START + later, TERMS)
    assert (following.serving != issued.serving) == renewed
    assert following.authorities == issued.authorities


def test_a_new_authority_is_trusted_before_it_signs_and_an_old_one_after() -> None:
    now = START + (3650 - 364) * DAY
    issued = advance(settled(), NAMES, now - 2 * DAY, TERMS)
    announced = advance(issued, NAMES, now, TERMS)
    assert len(announced.authorities) == 2
    assert announced.authorities[:1] == issued.authorities
    assert announced.serving == issued.serving
    waiting = advance(announced, NAMES, now + 59 * MINUTE, TERMS)
    assert waiting is announced
    switched = advance(announced, NAMES, now + 60 * MINUTE, TERMS)
    assert switched.authorities == announced.authorities
    assert switched.serving is not None
    assert signed_by(switched.serving.certificate, switched.authorities[-1])
    assert advance(switched, NAMES, now + 119 * MINUTE, TERMS) is switched
    ended = advance(switched, NAMES, now + 120 * MINUTE, TERMS)
    assert ended.authorities == switched.authorities[-1:]


def test_without_the_authoritys_key_a_new_authority_follows_while_the_old_one_is_trusted() -> None:
    issued = settled()
    data = {key: value for key, value in encode(issued).items() if key != "ca.key"}
    following = advance(decode(data), NAMES, START + DAY, TERMS)
    assert following.authorities[0] == issued.authorities[0]
    assert len(following.authorities) == 2
    assert following.serving is not None
    assert following.serving.certificate == issued.serving.certificate  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "broken",
    [
        {"tls.crt": b""},
        {"tls.key": b"no key"},
        {"tls.crt": make_serving(make_authority(START), NAMES, START).certificate_pem},
    ],
    ids=["no certificate", "no key", "another's certificate"],
)
def test_an_unusable_serving_certificate_is_made_again_at_once(broken: dict[str, bytes]) -> None:
    issued = settled()
    following = advance(decode({**encode(issued), **broken}), NAMES, START, TERMS)
    assert following.authorities == issued.authorities
    assert following.serving is not None
    assert signed_by(following.serving.certificate, issued.authorities[0])


def test_an_expired_certificate_and_one_that_lacks_a_name_are_made_again_at_once() -> None:
    issued = settled()
    for names, now in ((NAMES, START + 91 * DAY), ((*NAMES, "10.0.0.7"), START)):
        following = advance(issued, names, now, TERMS)
        assert following.serving != issued.serving


def test_a_secret_gives_back_what_was_put_into_it() -> None:
    issued = settled()
    assert encode(decode(encode(issued))) == encode(issued)
    assert decode({}) == Issued()
    assert decode({"ca.crt": b"nonsense", "ca.key": b"nonsense"}) == Issued()


def test_an_authority_whose_key_is_anothers_does_not_sign() -> None:
    issued, other = settled(), settled()
    mixed = decode({**encode(issued), "ca.key": encode(other)["ca.key"]})
    assert mixed.signer is None


SHORT = Terms(
    serving=timedelta(minutes=20),
    renew_serving=timedelta(minutes=10),
    authority=timedelta(minutes=90),
    renew_authority=timedelta(minutes=30),
    overlap=timedelta(minutes=2),
)


def history(pauses: list[int]) -> Iterator[tuple[datetime, Issued]]:
    """What there is at each look of the engine, so many seconds apart."""
    issued, now = settled(terms=SHORT), START
    yield now, issued
    for pause in pauses:
        now += timedelta(seconds=pause)
        issued = advance(issued, NAMES, now, SHORT)
        yield now, issued


def trusted(shown: Issued, by: Issued, now: datetime) -> bool:
    assert shown.serving is not None
    certificate = shown.serving.certificate
    in_time = certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
    return in_time and any(signed_by(certificate, authority) for authority in by.authorities)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 110), min_size=20, max_size=120))
def test_callers_and_replicas_that_are_a_look_behind_each_other_agree(pauses: list[int]) -> None:
    for (_, before), (now, after) in pairwise(history(pauses)):
        assert trusted(after, by=after, now=now)
        assert trusted(after, by=before, now=now)
        assert trusted(before, by=after, now=now)


def test_terms_let_every_certificate_expire_before_its_authority_and_be_renewed_before_the_warning() -> None:
    assert TERMS.serving < TERMS.renew_authority
    assert TERMS.renew_serving > timedelta(days=30)
    assert timedelta(0) < TERMS.overlap < TERMS.renew_serving
