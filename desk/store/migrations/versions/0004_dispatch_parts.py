"""Dispatches: a ticket's later additions go out as parts of their round; one job at a time."""

from desk.store.migrations.raw import run

revision = "0004"
down_revision = "0003"

SCHEMA = """
alter table dispatches
    -- 0 = the ticket itself, 1, 2, ... = what the customer added to it later
    add column part integer not null default 0,
    -- when the next step is due; the one job that may take it carries this very time
    add column next_at timestamptz,
    drop constraint dispatches_ticket_id_round_key,
    add unique (ticket_id, round, part);
"""


def upgrade() -> None:
    run(SCHEMA)
