"""`python -m ops COMMAND`: what the Makefile's targets do."""

from __future__ import annotations

import importlib
import sys

#: command -> module whose `main` does it
COMMANDS = {
    "run": "ops.run",
    "test": "ops.test",
    "train": "ops.train",
    "learn": "ops.learn",
    "validate": "ops.validate",
    "shell": "ops.shell",
}


def main() -> int:
    """Run the command named first; its exit code, 2 when there is no such command."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command not in COMMANDS:
        print(f"usage: python -m ops {{{'|'.join(COMMANDS)}}}", file=sys.stderr)
        return 2
    del sys.argv[1]
    return int(importlib.import_module(COMMANDS[command]).main() or 0)


if __name__ == "__main__":
    sys.exit(main())
