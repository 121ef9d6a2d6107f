"""Tokens of merchants' sites and of the desk itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from desk.edges.tokens import (
    BadToken,
    make_customer_token,
    make_session,
    read_customer_token,
    read_session,
)

SECRET = "a-secret-of-at-least-thirty-two-bytes"


def token(**claims: object) -> str:
    base = {"sub": "u1", "exp": datetime.now(UTC) + timedelta(minutes=5)}
    return jwt.encode({**base, **claims}, SECRET, algorithm="HS256")


def test_a_merchant_token_names_the_customer_and_perhaps_the_orders():
    assert read_customer_token(token(orders=["o1"]), SECRET, "")["orders"] == ["o1"]
    assert read_customer_token(make_customer_token("u9", SECRET), SECRET, "")["sub"] == "u9"


def test_a_token_signed_with_the_merchants_private_key_is_accepted_by_its_public_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims = {"sub": "u1", "exp": datetime.now(UTC) + timedelta(minutes=5)}
    signed = jwt.encode(claims, key, algorithm="RS256")
    assert read_customer_token(signed, "", public.decode())["sub"] == "u1"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "not.a.token",
        token(exp=datetime.now(UTC) - timedelta(hours=1)),
        token(orders="o1"),
        jwt.encode({"sub": "u1", "exp": 4102444800}, "x" * 40, algorithm="HS256"),
        jwt.encode({"sub": "u1"}, SECRET, algorithm="HS256"),
        jwt.encode({"sub": "u1", "exp": 4102444800}, None, algorithm="none"),
    ],
)
def test_a_missing_expired_foreign_unsigned_or_endless_token_is_refused(bad):
    with pytest.raises(BadToken):
        read_customer_token(bad, SECRET, "")


def test_a_customers_session_is_no_agents_session():
    session = make_session("u1", "customer", SECRET, 1)
    assert read_session(session, SECRET, "customer")["sub"] == "u1"
    with pytest.raises(BadToken):
        read_session(session, SECRET, "agent")
