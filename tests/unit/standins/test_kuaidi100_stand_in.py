"""The stand-in for Kuaidi100 keeps the platform's habits, and misbehaves when told to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from standins.kuaidi100.faults import Fault, Faults
from standins.kuaidi100.parcels import Line, Parcel
from standins.kuaidi100.platform import Platform
from standins.kuaidi100.pushes import Pushes
from standins.kuaidi100.server import serving
from standins.kuaidi100.signing import Account, md5

TAKEN = {"result": True, "returnCode": "200", "message": "成功"}


class Receiver:
    """Notes what it gets; answers the first ones with an error."""

    def __init__(self, refuses: int = 0) -> None:
        self.got: list[tuple[dict[str, Any], str | None]] = []
        self.refuses = refuses

    async def take(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.got.append((json.loads(str(form["param"])), form.get("sign")))  # type: ignore[arg-type]
        if len(self.got) <= self.refuses:
            return web.Response(status=500)
        return web.json_response(TAKEN)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/", self.take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
        await runner.cleanup()


async def pushed(receiver: Receiver, *faults: str, count: int = 1) -> list[Any]:
    """Push 1 .. count with these faults for the first ones; what arrived, in order."""
    pushes = Pushes(repeat_s=0.05)
    for fault in faults:
        pushes.script(fault)
    async with receiver.serving() as url:
        for number in range(1, count + 1):
            pushes.send(url, {"number": number}, "salt")
        await pushes.settle()
    await pushes.close()
    return [param["number"] for param, _ in receiver.got]


async def test_a_push_is_signed_over_the_text_that_is_sent():
    receiver = Receiver()
    assert await pushed(receiver) == [1]
    assert receiver.got[0][1] == md5('{"number": 1}salt')


async def test_a_push_that_is_not_taken_is_repeated_twice_and_given_up():
    assert await pushed(Receiver(refuses=1)) == [1, 1]
    assert await pushed(Receiver(refuses=9)) == [1, 1, 1]


async def test_pushes_are_lost_doubled_and_out_of_order_when_told_so():
    assert await pushed(Receiver(), "lose", count=2) == [2]
    assert sorted(await pushed(Receiver(), "duplicate")) == [1, 1]
    assert await pushed(Receiver(), "reorder", count=2) == [2, 1]


def test_a_fault_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="expected one of slow"):
        Faults().add("/poll", Fault("nonsense"))


@pytest.mark.parametrize(
    ("code", "state"), [("103", "1"), ("1002", "0"), ("5", "5"), ("304", "3"), ("14", "14")]
)
def test_a_code_belongs_to_its_main_state(code, state):
    assert Line("2026-11-11 09:00:00", code).state == state
    assert Parcel("YT1", lines=[Line("2026-11-11 09:00:00", code)]).track()["state"] == state


async def test_more_calls_than_allowed_are_refused_and_written_down():
    platform = Platform(Account("key", "customer", "secret"), calls_per_5_s=3)
    param = '{"com":"yuantong","num":"YT1"}'
    async with serving(platform) as address, aiohttp.ClientSession() as http:
        codes = []
        for _ in range(5):
            form = {"customer": "customer", "param": param, "sign": md5(param + "keycustomer")}
            async with http.post(f"{address}/poll/query.do", data=form) as answer:
                codes.append((await answer.json())["returnCode"])
    assert codes == ["500", "504", "504", "504", "504"], "the number, then the account"
    assert platform.violations[0].startswith("YT1 asked again")
    assert platform.violations[-1] == "5 calls in 5 s"
