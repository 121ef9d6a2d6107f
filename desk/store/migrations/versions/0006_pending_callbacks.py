"""Callbacks wait under their order, and are worked off in batches; a bad one is given up."""

from desk.store.migrations.raw import run

revision = "0006"
down_revision = "0005"

SCHEMA = """
alter table callbacks
    -- how often it could not be applied, and when it is tried again
    add column tries smallint not null default 0,
    add column next_try_at timestamptz;

-- tickets that news can still change: closed is for good
create index tickets_live_order on tickets (order_id) where state <> 'closed';

-- callbacks from before: found under their order from now on, no longer by a job of their own
update callbacks set order_id = coalesce(
        (select min(id || '') from orders where waybill = any(callbacks.identifiers)),
        (select min(id || '') from orders where id = any(callbacks.identifiers)
            or carrier_order_id = any(callbacks.identifiers)))
    where applied_at is null;
update callbacks set applied_at = now(), result = 'no such order'
    where applied_at is null and order_id is null;
delete from procrastinate_jobs where task_name = 'apply_callback' and status = 'todo';

-- one that waits waits under an order
alter table callbacks add check (applied_at is not null or order_id is not null);
"""


def upgrade() -> None:
    run(SCHEMA)
