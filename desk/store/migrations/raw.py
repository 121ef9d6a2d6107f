"""What every migration does: several statements at once, just as they are written."""

from typing import LiteralString

import psycopg
from alembic import op


def run(statements: LiteralString) -> None:
    """Run them on the driver's own connection: SQLAlchemy would look for parameters in them."""
    connection = op.get_bind().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError(f"migrations need psycopg's connection, not {connection!r}")
    connection.execute(statements)
