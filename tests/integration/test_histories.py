"""Written histories of facts: the right thing happens, whatever order the news comes in.

Each is a situation a careful agent would recognise (tests/histories/). The bodies are Kuaidi100's,
the database, jobs and timers are the real ones; only the clock is set by hand.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from desk.edges.tasks import register
from desk.flow.desk import Desk
from desk.settings import ROOT
from desk.store import content, jobs
from desk.store.db import Database
from tests.integration.history_bodies import body_of
from tests.integration.history_end import misses
from tests.integration.history_files import (
    CALLBACKS,
    BadHistory,
    History,
    Known,
    kind_of,
    read,
    read_all,
)
from tests.integration.history_world import Clock, World, at, on_clock
from tests.integration.test_evidence import silent_outside

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = content.load(ROOT)
KNOWN = Known(CONTENT.categories.by_id, CONTENT.facts)
HISTORIES = read_all(KNOWN)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(database_url: str) -> AsyncIterator[tuple[Desk, Clock]]:
    """One desk for all histories: opening one for each would take longer than they do."""
    # nothing here dies half-way, so no commit has to wait for the disk
    url = f"{database_url}{'&' if '?' in database_url else '?'}options=-csynchronous_commit%3Doff"
    app = jobs.make_app(url)
    await app.open_async()
    clock = Clock()
    desk = on_clock(Desk(Database(url), jobs.Jobs(app), CONTENT), clock)
    register(app, desk, silent_outside())
    yield desk, clock
    await desk.db.close()
    await app.close_async()


#: How each history ended, for comparing its variations with.
ENDED: dict[str, dict[str, Any]] = {}


def world(stage: tuple[Desk, Clock], history: History) -> World:
    desk, clock = stage
    return World(desk, clock, desk.jobs.app, history)


async def ended(stage: tuple[Desk, Clock], history: History) -> dict[str, Any]:
    if history.id not in ENDED:
        ENDED[history.id] = await world(stage, history).act()
    return ENDED[history.id]


@pytest.mark.parametrize("history", HISTORIES, ids=lambda one: one.id)
async def test_history(stage, history):
    acted = world(stage, history)
    try:
        end = ENDED[history.id] = await acted.act()
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}\n{await acted.report()}") from error
    found = list(acted.misses)
    for category, expect in history.expect.items():
        found += misses(expect, end, category)
    if found:
        pytest.fail("\n".join([history.id, *found, await acted.report()]), pytrace=False)


@pytest.mark.parametrize("history", HISTORIES, ids=lambda one: one.id)
async def test_callbacks_that_come_twice_change_nothing(stage, history):
    again = world(stage, history)
    assert await again.act(twice(history, again)) == await ended(stage, history), history.id


def twice(history: History, acted: World) -> list[Mapping[str, Any]]:
    """Each callback a second time, half an hour later; a tracking list also in another wording.

    No later than the next step, so that nothing else has happened meanwhile but time.
    """
    steps = list(history.steps)
    again = []
    for number, step in enumerate(steps):
        again.append(step)
        if kind_of(step) not in CALLBACKS:
            continue
        later = steps[number + 1]["at"] if number + 1 < len(steps) else step["at"]
        source, body = body_of(step, acted.order, at)
        copies = [body]
        if source == "kuaidi100.track":
            copies.append(json.dumps(json.loads(body), indent=1))
        repeated = {**step, "at": min(step["at"] + 0.5, later)}
        again += [{**repeated, "body": (source, copy)} for copy in copies]
    return again


def bursts(history: History) -> list[tuple[int, int]]:
    """Where callbacks with a carrier's time follow each other within one hour: (first, after)."""
    found = []
    numbered = enumerate(history.steps)
    for key, group in itertools.groupby(
        numbered, lambda pair: (int(pair[1]["at"] // 1), _has_time(pair[1]))
    ):
        numbers = [number for number, _ in group]
        if key[1] and len(numbers) > 1:
            found.append((numbers[0], numbers[-1] + 1))
    return found


def _has_time(step: Mapping[str, Any]) -> bool:
    kind = kind_of(step)
    return kind in CALLBACKS and ("time" in step or bool(step.get("track")))


@pytest.mark.parametrize(
    "history", [one for one in HISTORIES if bursts(one)], ids=lambda one: one.id
)
async def test_the_order_of_arrival_within_an_hour_does_not_change_the_orders_state(stage, history):
    steps = list(history.steps)
    states = set()
    (first, after), *_ = bursts(history)
    together = steps[after - 1]["at"]  # nothing arrives before it happened
    for arrival in itertools.islice(itertools.permutations(steps[first:after]), 6):
        moved = [{**step, "at": together} for step in arrival]
        end = await world(stage, history).act(steps[:first] + moved + steps[after:])
        states.add(end["order_state"])
    assert states == {(await ended(stage, history))["order_state"]}


# --- the files themselves -------------------------------------------------------------------------

GOOD: dict[str, Any] = {
    "name": "a courier comes",
    "category": "pickup_urge",
    "order": {"state": "accepted"},
    "steps": [{"at": 1, "order": "10"}],
    "expect": {"state": "completed"},
}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"nmae": "x"}, r"unknown \['nmae'\]"),
        ({"category": "pickup"}, "category: expected one of .*pickup_urge.*, got 'pickup'"),
        ({"tickets": ["pickup_urge"]}, "either category or tickets"),
        ({"order": {"state": "lost"}}, "order.state: expected one of .*, got 'lost'"),
        ({"steps": []}, "expected steps"),
        ({"steps": [{"at": 1, "order": 10}]}, 'expected a code in quotes such as "10", got 10'),
        ({"steps": [{"at": 2}, {"at": 1}]}, "step 2: expected at >= 2, got 1"),
        ({"steps": [{"at": 1, "oder": "10"}]}, r"step 1: unknown \['oder'\]"),
        ({"steps": [{"at": 1, "fact": "parcel.lost"}]}, "fact: expected one of"),
        ({"steps": [{"at": 1, "customer": "sings"}]}, "customer: expected one of"),
        ({"steps": [{"at": 1, "track": [["5", 2], ["3", 1]]}]}, "oldest first"),
        ({"expect": {}}, "expected expect with something in it"),
        ({"expect": {"because": "parcel.lost"}}, "because: expected one of"),
        ({"expect": {"state": "done"}}, "state: expected one of"),
        ({"expect": {"person": "no"}}, "expected person as bool, got 'no'"),
        ({"expect": {"any": [{"sate": "open"}]}}, r"any: unknown \['sate'\]"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
async def test_a_mistake_in_a_history_is_named(change, complaint):
    with pytest.raises(BadHistory, match=complaint) as raised:
        read("pickup", {**GOOD, **change}, KNOWN)
    assert str(raised.value).startswith("pickup: a courier comes")


async def test_a_name_that_stands_twice_is_named(tmp_path: Path):
    (tmp_path / "pickup.yml").write_text(json.dumps([GOOD, GOOD]))
    with pytest.raises(BadHistory, match="a courier comes: this name stands twice"):
        read_all(KNOWN, tmp_path)


async def test_there_are_enough_of_them_and_each_theme_has_several():
    by_file: dict[str, int] = {}
    for history in HISTORIES:
        by_file[history.file] = by_file.get(history.file, 0) + 1
    assert len(HISTORIES) >= 220
    assert min(by_file.values()) >= 5
