"""The bare loop that the desk is compared with.

One process; callbacks are in memory, decoded; for each: verify the signature, insert one row with
psycopg 3 (async) in a transaction of its own. No HTTP, no JSON, no order looked up.

- sequential: one connection, one callback after the other, as the word loop says
- concurrent: so many such loops at once, each with a connection, which shares the disk's flushes

    python -m evaluation.bench_automation.bare DATABASE_URL SALT COUNT LOOPS
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import sys
import time
from datetime import UTC, datetime

import psycopg

from desk.rules.signatures import kuaidi100_sign_matches
from evaluation.bench_automation.bodies import Callback, some

TABLE = """
create table if not exists bare_callbacks (
    id bigint generated always as identity primary key,
    source text not null,
    digest bytea not null,
    body text not null,
    received_at timestamptz not null,
    unique (source, digest)
)
"""
INSERT = (
    "insert into bare_callbacks (source, digest, body, received_at) values (%s, %s, %s, %s) "
    "on conflict do nothing"
)


async def loop(url: str, salt: str, work: list[Callback]) -> None:
    """Take callbacks off `work` until there are none."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while work:
            one = work.pop()
            if not kuaidi100_sign_matches(one.param, one.sign, salt):
                raise ValueError("the signature does not match")
            digest = hashlib.sha256(one.param.encode()).digest()
            row = (f"kuaidi100.{one.kind}", digest, one.param, datetime.now(UTC))
            await connection.execute(INSERT, row)


async def measure(url: str, salt: str, count: int, loops: int) -> float:
    """Callbacks a second."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(TABLE)
    rng = random.Random(time.time())
    first = rng.randrange(10**9, 10**11)
    work = some(count, list(range(1, 100_000)), first, salt, datetime.now(UTC), rng)
    began = time.perf_counter()
    await asyncio.gather(*(loop(url, salt, work) for _ in range(loops)))
    return count / (time.perf_counter() - began)


def main() -> None:
    url, salt, count, loops = sys.argv[1:]
    print(json.dumps(asyncio.run(measure(url, salt, int(count), int(loops)))))


if __name__ == "__main__":
    main()
