"""Turns of the bot go first; what gives way to them is not kept waiting for ever."""

from __future__ import annotations

import asyncio
import time

import pytest

from desk.edges.group_commit import GroupCommit
from desk.flow.chats_first import ChatsFirst


async def test_with_no_turn_under_way_nobody_waits():
    began = time.monotonic()
    await ChatsFirst().give_way(60)
    assert time.monotonic() - began < 30


async def test_others_wait_until_the_last_of_several_turns_is_over():
    chats = ChatsFirst()
    with chats.turn():
        with chats.turn():
            waiting = asyncio.create_task(chats.give_way(60))
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        assert not waiting.done()
    await waiting


async def test_a_turn_that_takes_long_is_waited_for_no_longer_than_said():
    chats = ChatsFirst()
    with chats.turn():
        await chats.give_way(0.01)
        await chats.give_way(0)


async def test_a_turn_that_fails_is_over():
    chats = ChatsFirst()
    with pytest.raises(ValueError), chats.turn():
        raise ValueError
    await chats.give_way(60)


async def test_callbacks_that_gave_way_to_a_turn_are_stored_together_after_it():
    chats, batches = ChatsFirst(), []

    async def store(batch):
        batches.append(list(batch))
        return list(batch)

    async def before(waiting):
        await chats.give_way(60)

    commit: GroupCommit[str, str] = GroupCommit(store, len, before=before)
    with chats.turn():
        tasks = [asyncio.create_task(commit.put(one)) for one in "abc"]
        await asyncio.sleep(0.01)
        assert batches == []
    assert await asyncio.gather(*tasks) == ["a", "b", "c"]
    assert batches == [["a", "b", "c"]]
