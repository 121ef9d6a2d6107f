"""The guard: ends what the supervisor started when the supervisor itself is gone.

It reads the supervisor's orders from a pipe. However the supervisor ends, also by kill -9, the pipe
ends with it, and then nothing that it started may stay behind. Standard library only, so that it
starts at once and needs nothing.
"""

import contextlib
import os
import signal
import sys
import time


def main() -> None:
    """Take orders until the pipe ends, then end all that is still watched."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    postgres = ""
    for line in sys.stdin:
        order, _, value = line.strip().partition(" ")
        if order == "watch":
            groups.add(int(value))
        elif order == "forget":
            groups.discard(int(value))
        elif order == "postgres":
            postgres = value
    end(groups, postgres)


def end(groups: set[int], postgres: str) -> None:
    """Ask every process group to end, then make it; PostgreSQL last, with its fast shutdown."""
    for number, wait_s in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 1.0)):
        for group in list(groups):
            try:
                os.killpg(group, signal.SIGCONT)
                os.killpg(group, number)
            except OSError:
                groups.discard(group)
        until = time.monotonic() + wait_s
        while groups and time.monotonic() < until:
            time.sleep(0.1)
            groups = {group for group in groups if is_there(group)}
    with contextlib.suppress(OSError, ValueError, IndexError):
        if postgres:
            with open(os.path.join(postgres, "postmaster.pid")) as file:  # noqa: PTH118, PTH123
                pid = int(file.readline())
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGINT)


def is_there(group: int) -> bool:
    """Whether a process of the group lives."""
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
