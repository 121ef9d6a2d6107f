"""Bodies of old callbacks are emptied: those that are left are found; unused indexes go."""

from desk.store.migrations.raw import run

revision = "0012"
down_revision = "0011"

SCHEMA = """
-- applied, and still with its words (names, phones): emptied when it is old
create index callbacks_bodies on callbacks (received_at)
    where applied_at is not null and body <> '';
-- a dispatch is always looked for by its id or its ticket
drop index dispatches_remote;
drop index dispatches_unsettled;
"""


def upgrade() -> None:
    run(SCHEMA)
