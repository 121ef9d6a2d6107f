"""Streams on a real PostgreSQL: woken by what concerns them, and by nothing else."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager

import psycopg
import pytest
from sqlalchemy import text

from desk.edges import stream
from desk.edges.hub import Hub
from desk.flow import customer
from desk.store import events
from desk.store.db import CHANNEL
from tests.integration.test_flow import begin


@pytest.fixture
async def hub(desk):
    made = Hub(desk.db.url)
    made.start()
    await until(lambda: made.connected)
    yield made
    await made.stop()


async def until(condition, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def all_heard(desk, hub) -> None:
    """Wait until the hub has passed on every wake-up sent so far: they come one after another."""
    last = json.dumps({"what": "log", "conversation": "c_last", "seq": 1})
    async with hub.listen("c_last") as wakes:
        async with desk.db.begin() as tx:
            await tx.execute(text("select pg_notify(:to, :last)"), {"to": CHANNEL, "last": last})
        await asyncio.wait_for(wakes.get(), 60)


@pytest.fixture
def _only_when_woken(monkeypatch) -> None:
    """Streams do not look by themselves, however long the test takes."""
    monkeypatch.setattr(stream, "POLL_AWAKE_S", 3600.0)
    monkeypatch.setattr(stream, "PING_S", 3600.0)


class Stream:
    """Reads an event stream and keeps what came, by name."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict]] = []

    def names(self) -> Counter[str]:
        return Counter(name for name, _ in self.got)

    async def read(self, lines) -> None:
        async for chunk in lines:
            fields = dict(
                line.split(": ", 1) for line in chunk.strip().splitlines() if line[0] != ":"
            )
            if "data" in fields:
                self.got.append((fields.get("event", "log"), json.loads(fields["data"])))


@asynccontextmanager
async def opened(lines):
    found = Stream()
    task = asyncio.create_task(found.read(lines))
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await lines.aclose()


@pytest.fixture
def looks(monkeypatch, _only_when_woken) -> Counter[tuple[str, str]]:
    """How often the log and the place in the queue were read, for each conversation."""
    counted: Counter[tuple[str, str]] = Counter()
    read, place = stream.read, stream._place

    async def counting_read(desk, conversation_id, *args, **named):
        counted["log", conversation_id] += 1
        return await read(desk, conversation_id, *args, **named)

    async def counting_place(desk, conversation_id):
        counted["place", conversation_id] += 1
        return await place(desk, conversation_id)

    monkeypatch.setattr(stream, "read", counting_read)
    monkeypatch.setattr(stream, "_place", counting_place)
    return counted


async def test_a_change_of_the_queue_wakes_only_those_who_wait_in_it(desk, hub, looks):
    (with_bot, bots), (in_queue, queued), (third, moving) = [await begin(desk) for _ in range(3)]
    await customer.ask_for_person(desk, in_queue, queued)
    await all_heard(desk, hub)
    async with (
        opened(stream.conversation_lines(desk, hub, bots, 0)) as a,
        opened(stream.conversation_lines(desk, hub, queued, 0)) as b,
    ):
        await until(lambda: looks["place", bots] == 1 and b.names()["queue"] == 1)
        before = looks.copy()
        await customer.ask_for_person(desk, third, moving)
        await until(lambda: looks["place", queued] > before["place", queued])
        await asyncio.sleep(0.3)
        assert looks["place", bots] == before["place", bots]
        assert looks["log", bots] == before["log", bots]
        assert looks["log", queued] == before["log", queued]
        await customer.ask_for_person(desk, with_bot, bots)  # now this one waits too
        await until(lambda: a.names()["queue"] == 1)


async def test_the_log_is_not_read_for_a_typing_sign(desk, hub, looks):
    who, conversation = await begin(desk)
    await all_heard(desk, hub)
    async with opened(stream.conversation_lines(desk, hub, conversation, 0)) as found:
        await until(lambda: found.names()["log"] == 1)
        before = looks.copy()
        await customer.typing(desk, who, conversation)
        await until(lambda: found.names()["typing"] == 1)
        await customer.say(desk, who, conversation, "你好", "k1")
        await until(lambda: found.names()["log"] == 2)
        assert looks["log", conversation] == before["log", conversation] + 1


async def test_a_log_of_several_pages_comes_in_one_go(desk, hub, monkeypatch, _only_when_woken):
    who, conversation = await begin(desk)
    for i in range(4):
        await customer.say(desk, who, conversation, f"第{i}句", f"k{i}")
    await all_heard(desk, hub)
    monkeypatch.setattr(events, "PAGE", 2)
    async with opened(stream.conversation_lines(desk, hub, conversation, 0)) as found:
        await until(lambda: found.names()["log"] == 5)
    assert [event["seq"] for _, event in found.got] == [1, 2, 3, 4, 5]


async def test_an_agents_page_is_told_to_read_everything_after_wake_ups_were_lost(desk, hub):
    _who, _ = await begin(desk)

    async def seen():
        pass

    async with opened(stream.agent_lines(desk, hub, seen)) as found:
        await until(lambda: found.names()["queue"] == 1)
        with psycopg.connect(desk.db.url, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %'"
            )
        await until(lambda: found.names()["resync"] >= 1)
        assert hub.connected


async def test_the_waiting_are_not_counted_for_each_event(desk, hub, monkeypatch, _only_when_woken):
    counts = 0
    count = stream.conversations.waiting_count

    async def counting(tx):
        nonlocal counts
        counts += 1
        return await count(tx)

    monkeypatch.setattr(stream.conversations, "waiting_count", counting)
    who, conversation = await begin(desk)
    await all_heard(desk, hub)

    async def seen():
        pass

    async with opened(stream.agent_lines(desk, hub, seen)) as found:
        await until(lambda: found.names()["queue"] == 1)
        for i in range(5):
            await customer.say(desk, who, conversation, f"第{i}句", f"k{i}")
        await until(lambda: found.names()["conversation"] >= 5)
        assert counts == 1
        await customer.ask_for_person(desk, who, conversation)
        await until(lambda: found.names()["queue"] == 2)


async def test_a_long_poll_sees_what_comes_and_ends_in_time(desk, hub):
    who, conversation = await begin(desk)
    polling = asyncio.create_task(stream.long_poll(desk, hub, conversation, 1, 30))
    await asyncio.sleep(0.2)
    await customer.typing(desk, who, conversation)
    await customer.say(desk, who, conversation, "你好", "k1")
    (event,) = await asyncio.wait_for(polling, stream.POLL_AWAKE_S - 3)  # not by its own look
    assert event["text"] == "你好"
    assert await asyncio.wait_for(stream.long_poll(desk, hub, conversation, 2, 0.3), 10) == []


async def test_a_stream_finds_what_happened_while_no_wake_up_came(desk, monkeypatch):
    monkeypatch.setattr(stream, "POLL_S", 0.1)
    deaf = Hub(desk.db.url)
    who, conversation = await begin(desk)
    async with opened(stream.conversation_lines(desk, deaf, conversation, 0)) as found:
        await until(lambda: found.names()["log"] == 1)
        await customer.say(desk, who, conversation, "你好", "k1")
        await until(lambda: found.names()["log"] == 2)


async def test_a_reader_too_slow_for_its_wake_ups_looks_at_everything(desk):
    hub = Hub(desk.db.url)
    async with hub.listen("c_1") as wakes:
        for seq in range(150):
            hub._publish({"what": "log", "conversation": "c_1", "seq": seq})
        woken = [wakes.get_nowait()["what"] for _ in range(wakes.qsize())]
    assert "resync" in woken
    assert len(woken) <= 100
