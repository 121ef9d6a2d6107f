"""A real PostgreSQL with the desk's schema, and a desk on it without bot or HTTP."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from desk.flow.desk import Desk
from desk.settings import ROOT
from desk.store import content, embedded, jobs
from desk.store.db import Database
from desk.store.migrate import migrate


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """An embedded server of its own for the store's and flow's tests."""
    with tempfile.TemporaryDirectory(prefix="kefu-db-", ignore_cleanup_errors=True) as folder:
        server, url = embedded.start(Path(folder))
        migrate(url)
        try:
            yield url
        finally:
            server.cleanup()


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """The desk's use cases on that database; its jobs are deferred and never run."""
    queue = jobs.make_app(database_url)
    await queue.open_async()
    made = Desk(Database(database_url), jobs.Jobs(queue), content.load(ROOT))
    yield made
    await made.db.close()
    await queue.close_async()
