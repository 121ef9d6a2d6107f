"""Group commit: in order, together, bounded, and answered only when stored."""

from __future__ import annotations

import asyncio

import pytest

from desk.edges.group_commit import Full, GroupCommit


class Store:
    """Stores slowly, and remembers the batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go = asyncio.Event()

    async def __call__(self, batch):
        await self.go.wait()
        self.batches.append(list(batch))
        return [ValueError(one) if one == "bad" else f"{one} stored" for one in batch]


async def gathered(commit: GroupCommit, items: list[str]) -> list[asyncio.Task]:
    tasks = [asyncio.create_task(commit.put(item)) for item in items]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_what_comes_while_a_batch_is_stored_is_the_next_batch():
    store = Store()
    commit = GroupCommit(store, len)
    tasks = await gathered(commit, ["a"]) + await gathered(commit, ["b", "c"])
    assert not any(task.done() for task in tasks)
    store.go.set()
    assert await asyncio.gather(*tasks) == ["a stored", "b stored", "c stored"]
    assert store.batches == [["a"], ["b", "c"]]
    assert commit.taken == 3


async def test_a_batch_has_its_limits_in_number_and_bytes():
    store = Store()
    commit = GroupCommit(store, len, most=2, most_bytes=5)
    tasks = await gathered(commit, ["1", "2", "3", "4444", "5"])
    store.go.set()
    await asyncio.gather(*tasks)
    assert store.batches == [["1", "2"], ["3", "4444"], ["5"]]


@pytest.mark.parametrize("limits", [{"limit": 2}, {"limit_bytes": 2}])
async def test_more_than_fits_into_memory_is_refused_until_there_is_room(limits):
    store = Store()
    commit = GroupCommit(store, len, **limits)
    tasks = await gathered(commit, ["a", "b"])
    with pytest.raises(Full):
        await commit.put("c")
    store.go.set()
    await asyncio.gather(*tasks)
    assert await commit.put("c") == "c stored"


async def test_one_that_fails_fails_alone():
    store = Store()
    store.go.set()
    commit = GroupCommit(store, len)
    first, bad, last = await asyncio.gather(
        *(commit.put(item) for item in ("a", "bad", "b")), return_exceptions=True
    )
    assert (first, str(bad), last) == ("a stored", "bad", "b stored")


async def test_a_store_that_fails_fails_for_all_and_works_again_later():
    broken = [True]

    async def store(batch):
        if broken.pop():
            raise ConnectionError
        return batch

    commit = GroupCommit(store, len)
    found = await asyncio.gather(commit.put("a"), commit.put("b"), return_exceptions=True)
    assert [type(one) for one in found] == [ConnectionError, ConnectionError]
    broken.append(False)
    assert await commit.put("c") == "c"


async def test_a_sender_that_hangs_up_costs_nobody_their_place():
    store = Store()
    commit = GroupCommit(store, len)
    gone, stays = await gathered(commit, ["a", "b"])
    gone.cancel()
    store.go.set()
    assert await stays == "b stored"
    assert store.batches == [["a", "b"]]


async def test_senders_that_hang_up_make_no_room_for_others_before_theirs_is_stored():
    store = Store()
    commit = GroupCommit(store, len, most=2, limit=4)
    tasks = await gathered(commit, ["a", "b", "c", "d"])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    with pytest.raises(Full):
        await asyncio.wait_for(commit.put("e"), 1)
    store.go.set()
    for _ in range(100):  # until all of them is stored
        await asyncio.sleep(0)
    assert await commit.put("e") == "e stored"
    assert store.batches == [["a", "b"], ["c", "d"], ["e"]]
