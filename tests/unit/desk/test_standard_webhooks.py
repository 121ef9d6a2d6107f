"""Signed webhooks, in both directions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from desk.rules.standard_webhooks import headers, make_secret, matches, signature

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_signature_is_the_one_that_the_published_libraries_make() -> None:
    # the example of the specification's reference libraries
    body = b'{"test": 2432232314}'
    made = signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, SECRET)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", [SECRET, make_secret(bytes(range(32))), "words of any kind"])
def test_what_is_signed_matches_with_its_secret_and_with_no_other(secret: str) -> None:
    sent = headers("d1", NOW, b"{}", secret)
    assert matches(sent, b"{}", secret, NOW)
    assert not matches(sent, b"{ }", secret, NOW)
    assert not matches(sent, b"{}", "another", NOW)
    assert not matches({**sent, "webhook-id": "d2"}, b"{}", secret, NOW)


def test_one_of_several_signatures_is_enough_while_a_secret_is_changed() -> None:
    sent = headers("d1", NOW, b"{}", SECRET)
    both = {**sent, "webhook-signature": f"v1,AAAA {sent['webhook-signature']} v1a,BBBB"}
    assert matches(both, b"{}", SECRET, NOW)


@pytest.mark.parametrize(("minutes", "good"), [(-6, False), (-4, True), (4, True), (6, False)])
def test_an_old_signature_is_a_replay(minutes: int, good: bool) -> None:
    sent = headers("d1", NOW, b"{}", SECRET)
    assert matches(sent, b"{}", SECRET, NOW + timedelta(minutes=minutes)) is good


@pytest.mark.parametrize("stamp", ["", "now", "-5", "١٢٣", "1e9", "9" * 400])
def test_a_timestamp_that_is_no_number_matches_nothing(stamp: str) -> None:
    sent = {**headers("d1", NOW, b"{}", SECRET), "webhook-timestamp": stamp}
    assert not matches(sent, b"{}", SECRET, NOW)


def test_a_secret_that_only_looks_like_one_is_named() -> None:
    with pytest.raises(ValueError, match="expected base64 after whsec_"):
        signature("d1", 0, b"", "whsec_***")
