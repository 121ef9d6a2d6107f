"""Running the desk's jobs and timers when a test's clock says so, as a worker would."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

import procrastinate
from sqlalchemy import text

from desk.flow import promises
from desk.flow.desk import Desk
from desk.store import jobs

_TAKE = text(
    """
    delete from procrastinate_jobs where id = (
        select id from procrastinate_jobs
        where status = 'todo' and task_name <> :bot
            and (scheduled_at is null or scheduled_at <= :now)
            and concat(lock, ' ', args) like any(:names)
        order by id limit 1)
    returning task_name, args
    """
)


class _Context:
    """What procrastinate passes to a job: this is its first try."""

    job = type("Job", (), {"attempts": 0})()


async def strike(app: procrastinate.App, desk: Desk) -> None:
    """Every timer strikes: the periodic jobs, and the worker's own watch over promises."""
    for periodic in app.periodic_registry.periodic_tasks.values():
        await periodic.task.func(timestamp=int(desk.now().timestamp()))
    await promises.watch(desk)


async def run_jobs(app: procrastinate.App, desk: Desk, names: Iterable[str]) -> list[str]:
    """Run the jobs whose lock or arguments hold one of `names` and that are due by `desk.now()`.

    The bot's turns are left out: what the bot says is not what is tested here.

    Returns:
        The names of the jobs, in the order they ran.
    """
    wanted = {
        "bot": jobs.ASK_BOT,
        "now": desk.now(),
        "names": [f"%{name}%" for name in names],
    }
    done: list[str] = []
    while True:
        async with desk.db.begin() as tx:
            row = (await tx.execute(_TAKE, wanted)).first()
        if row is None:
            return done
        task = app.tasks[row.task_name]
        result = task.func(*([_Context()] if task.pass_context else []), **row.args)
        if inspect.isawaitable(result):
            await result
        done.append(row.task_name)
