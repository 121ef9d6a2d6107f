"""The desk's database for a command that is not part of the running system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from ops.data_dir import DataDir
from ops.postgres import Postgres
from ops.trouble import Trouble


@contextmanager
def desk_database(data_dir: Path, env: Mapping[str, str]) -> Iterator[str | None]:
    """The URL of the desk's database while the block lasts; None when there is none yet.

    With KEFU_DATABASE_URL that one. Else the embedded server: the running system's, or one that is
    started for the block and stopped again.

    Raises:
        Trouble: the embedded server cannot be started.
    """
    if given := env.get("KEFU_DATABASE_URL"):
        yield given
        return
    if not (data_dir / "postgres" / "PG_VERSION").exists():
        yield None
        return
    folder, server = DataDir(data_dir), Postgres(data_dir)
    try:
        folder.take()
    except Trouble:
        if not server.is_alive():
            raise
        yield url_of_running(data_dir / "postgres")  # a system runs: its server is left alone
        return
    try:
        server.start()
        yield server.url
    finally:
        server.stop()
        folder.release()


def url_of_running(folder: Path) -> str:
    """The address of the server that runs on `folder`, from the file that it keeps there.

    postmaster.pid, by line: process, data directory, start, port, socket directory, address.
    Source: PostgreSQL, src/include/utils/pidfile.h.
    """
    lines = (folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    port, host = lines[3].strip(), lines[4].strip() or lines[5].strip() or "localhost"
    return f"postgresql://postgres@/kefu?host={quote(host, safe='')}&port={port}"
