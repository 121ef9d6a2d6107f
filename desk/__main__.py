"""The desk's command line: serve, migrate, worker, agent, rules.

python -m desk                        serve (embedded database when KEFU_DATABASE_URL is empty)
python -m desk migrate                bring the schema up to date
python -m desk worker                 run the durable jobs without serving
python -m desk agent LOGIN NAME [--supervisor]   add an agent; asks for the password
python -m desk rules ORDER            why the tickets of an order are as they are
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import signal
import socket
import sys

from argon2 import PasswordHasher

from desk.app import create_app
from desk.edges.dispatch_tasks import ways
from desk.edges.logs import configure
from desk.edges.outside import open_outside
from desk.edges.worker import Worker
from desk.flow.desk import Desk
from desk.flow.explaining import explain_order
from desk.rules.refused import Refused
from desk.settings import Settings
from desk.store import agents, content, embedded, jobs
from desk.store.db import Database
from desk.store.migrate import migrate


def main() -> int:
    """Parse the command line and run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m desk", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve")
    commands.add_parser("migrate")
    commands.add_parser("worker")
    add = commands.add_parser("agent")
    add.add_argument("login")
    add.add_argument("name")
    add.add_argument("--supervisor", action="store_true")
    rules = commands.add_parser("rules")
    rules.add_argument("order", help="id or waybill of an order, or id of a ticket")
    arguments = parser.parse_args()
    settings = Settings()
    configure(settings.log_json)
    server = None
    try:
        if not settings.database_url:
            server, settings.database_url = embedded.start(settings.data_dir)
            migrate(settings.database_url)
        if arguments.command == "migrate":
            migrate(settings.database_url)
        elif arguments.command == "worker":
            asyncio.run(_work(settings))
        elif arguments.command == "agent":
            role = "supervisor" if arguments.supervisor else "agent"
            asyncio.run(_add_agent(settings, arguments.login, arguments.name, role))
        elif arguments.command == "rules":
            print(asyncio.run(_explain(settings, arguments.order)))
        else:
            _serve(settings)
    except Refused:
        print(f"desk: no order or ticket {arguments.order}", file=sys.stderr)
        return 1
    except (ValueError, RuntimeError, OSError) as error:
        print(f"desk: {error}", file=sys.stderr)
        return 2
    finally:
        if server is not None:
            server.cleanup()
    return 0


def _serve(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise OSError(
                f"port {settings.port} on {settings.host} cannot be used ({error.strerror}); "
                "set KEFU_PORT to a free one"
            ) from error
    app = create_app(settings=settings)
    app.run(
        host=settings.host,
        port=settings.port,
        single_process=True,
        access_log=False,
        motd=False,
    )


async def _work(settings: Settings) -> None:
    queue = jobs.make_app(settings.database_url)
    await queue.open_async()
    desk = Desk(
        Database(settings.database_url),
        jobs.Jobs(queue),
        content.load(settings.content_dir),
        notifies=bool(settings.webhook_url),
        base_url=settings.base_url,
        ways=ways(settings),
        subscribes=settings.subscribes_kuaidi100,
        keeps_bodies=settings.keeps_bodies,
    )
    outside = await open_outside(settings, desk.db)
    worker = Worker(queue, desk, outside, settings.worker_concurrency)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    worker.start()
    await stop.wait()
    await worker.stop()
    for close in (outside.close, queue.close_async, desk.db.close):
        with contextlib.suppress(Exception):
            await close()


async def _explain(settings: Settings, name: str) -> str:
    queue = jobs.make_app(settings.database_url)  # never opened: nothing is deferred
    desk = Desk(
        Database(settings.database_url), jobs.Jobs(queue), content.load(settings.content_dir)
    )
    try:
        return await explain_order(desk, name)
    finally:
        await desk.db.close()


async def _add_agent(settings: Settings, login: str, name: str, role: str) -> None:
    password = getpass.getpass("Password: ")
    if len(password) < 8:
        raise ValueError(f"password: expected at least 8 characters, got {len(password)}")
    database = Database(settings.database_url)
    try:
        async with database.begin() as tx:
            hashed = PasswordHasher().hash(password)
            await agents.put(tx, f"a_{login}", login, name, role, hashed)
    finally:
        await database.close()


if __name__ == "__main__":
    raise SystemExit(main())
