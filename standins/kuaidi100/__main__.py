"""`python -m standins.kuaidi100 --port 5065`: a Kuaidi100 to test with and for the demo.

The account is that of the settings `KEFU_KUAIDI100_KEY`, `_CUSTOMER` and `_SECRET`, and a number
may be queried as often as `KEFU_KUAIDI100_SAME_NUMBER_MINUTES` says.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from standins.kuaidi100.platform import Platform
from standins.kuaidi100.server import serving
from standins.kuaidi100.signing import Account


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m standins.kuaidi100", description=__doc__)
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    port = int(os.environ.get("KEFU_CARRIER_PORT") or 0)
    add("--port", type=int, default=port, help="0: any free one; the address is printed")
    minutes = float(os.environ.get("KEFU_KUAIDI100_SAME_NUMBER_MINUTES") or 30)
    help_text = "seconds between queries of a number"
    add("--same-number", type=float, default=minutes * 60 * 0.95, help=help_text)
    add("--repeat", type=float, default=1800.0, help="seconds before a callback is repeated")
    return parser.parse_args(argv)


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or Ctrl-C; prints its address first."""
    account = Account(
        key=os.environ.get("KEFU_KUAIDI100_KEY", "key"),
        customer=os.environ.get("KEFU_KUAIDI100_CUSTOMER", "customer"),
        secret=os.environ.get("KEFU_KUAIDI100_SECRET", "secret"),
    )
    platform = Platform(account, same_number_s=options.same_number, repeat_s=options.repeat)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(platform, options.host, options.port) as address:
        print(f"kuaidi100: {address}", flush=True)
        await stop.wait()


def main(argv: Sequence[str] | None = None) -> int:
    """0: served and stopped. 2: could not."""
    try:
        asyncio.run(serve(arguments(argv)))
    except OSError as error:
        print(f"the stand-in cannot be served: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
