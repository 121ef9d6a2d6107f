"""What a carrier is answered: 成功 only for what is stored; "come again" when memory is full."""

from __future__ import annotations

import json
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest

from desk.edges.group_commit import GroupCommit
from desk.edges.http_hooks import kuaidi100_order, kuaidi100_track
from desk.rules.signatures import kuaidi100_sign

PARAM = '{"kuaidinum":"YT1","data":{"status":10,"courierName":"李师傅+1=2"}}'


def posted(intake: GroupCommit, param: str = PARAM, sign: str | None = None) -> SimpleNamespace:
    """A request as Sanic hands it over."""
    fields = {"param": param, "sign": kuaidi100_sign(param, "s") if sign is None else sign}
    ctx = SimpleNamespace(kuaidi100_salt="s", intake=intake)
    return SimpleNamespace(
        app=SimpleNamespace(ctx=ctx),
        content_type="application/x-www-form-urlencoded; charset=UTF-8",
        body=urlencode(fields).encode(),
        ip="127.0.0.1",
        remote_addr="",
    )


@pytest.fixture(name="stored")
def _stored() -> list:
    return []


def intake(stored: list, **limits: int) -> GroupCommit:
    async def store(batch):
        stored.extend(batch)
        return [True] * len(batch)

    return GroupCommit(store, lambda one: len(one.body), **limits)


async def test_a_stored_callback_is_answered_word_for_word_as_kuaidi100_wants_it(stored):
    answer = await kuaidi100_order(posted(intake(stored)))
    assert answer.status == 200
    assert json.loads(answer.body) == {"result": True, "returnCode": "200", "message": "成功"}
    (one,) = stored
    assert (one.source, one.body, one.waybill) == ("kuaidi100.order", PARAM, "YT1")


async def test_when_memory_is_full_the_carrier_is_told_to_come_again(stored):
    answer = await kuaidi100_track(posted(intake(stored, limit=0)))
    assert answer.status == 503
    assert json.loads(answer.body)["result"] is False
    assert stored == []


@pytest.mark.parametrize(("param", "sign", "status"), [(PARAM, "x", 401), ("[1]", None, 400)])
async def test_what_is_not_signed_or_no_object_is_not_stored(stored, param, sign, status):
    answer = await kuaidi100_order(posted(intake(stored), param, sign))
    assert answer.status == status
    assert stored == []


async def test_a_sender_is_never_told_of_success_when_storing_failed():
    async def store(batch):
        raise ConnectionError("the database is away")

    with pytest.raises(ConnectionError):  # which the error handler answers with 503
        await kuaidi100_order(posted(GroupCommit(store, lambda one: 1)))
