"""`make run`: start everything, say what happens, keep it running, stop it cleanly."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from ops.child import ROOT
from ops.ports import is_demo, wanted_ports
from ops.system import System
from ops.trouble import Stopped, Trouble

#: A line that says nothing new is printed this often while something takes long.
PATIENCE_S = 15.0


class Console:
    """One line for each thing that happens, with the seconds since the start."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.last = self.began
        self.doing = ""

    def say(self, line: str) -> None:
        """A line with the time; its beginning is what still goes on, should it take long."""
        self.doing = line.split(",")[0].split(":")[0].split(" (")[0]
        self._line(line)

    def show(self, text: str) -> None:
        """Text as it is, without the time."""
        with contextlib.suppress(OSError):  # the terminal may be gone; the system goes on
            print(text, flush=True)

    def reassure(self) -> None:
        """Say that the last thing still goes on, now and then."""
        if time.monotonic() - self.last > PATIENCE_S:
            self._line(f"still {self.doing}")

    def _line(self, line: str) -> None:
        self.last = time.monotonic()
        self.show(f"[{self.last - self.began:4.0f} s] {line}")


class Stopper:
    """Ctrl-C or SIGTERM once: stop in order. Twice: stop at once."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.system: System | None = None
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def check(self) -> None:
        """Raises Stopped once somebody asked to stop."""
        if self.asked:
            self.console.say("stopping the desk, the actions, Rasa and PostgreSQL")
            raise Stopped

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self.asked:
            self.asked = True
            return
        self.console.show("stopping at once")
        if self.system:
            self.system.abandon()
        os._exit(130)


def main() -> int:
    """Run until stopped; 0 = stopped on purpose, 1 = could not start."""
    console = Console()
    stopper = Stopper(console)

    def check() -> None:
        stopper.check()
        console.reassure()

    try:
        system = System(
            Path(os.environ.get("KEFU_DATA_DIR") or ROOT / "var"),
            ports=wanted_ports(os.environ),
            say=console.say,
            check=check,
        )
        stopper.system = system
        system.start()
        console.say("ready")
        console.show(welcome(system))
        while True:
            stopper.check()
            system.tend()
            time.sleep(0.5)
    except Stopped:
        if stopper.system:
            stopper.system.stop()
        console.say("stopped")
        return 0
    except Trouble as trouble:
        if stopper.asked:  # the Ctrl-C reached a helper too, and the helper said so
            return 0
        with contextlib.suppress(OSError):
            print(f"Kefu did not start: {trouble}.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Kefu did not start: {error.strerror or error} ({error.filename})", file=sys.stderr)
        return 1


def welcome(system: System) -> str:
    """The addresses, and the sample logins where there are any."""
    url = os.environ.get("KEFU_PUBLIC_URL", "").rstrip("/") or system.url
    lines = ["", f"  agents      {url}/desk"]
    if is_demo(os.environ):
        lines.insert(1, f"  demo shop   {url}/demo   (choose an order, chat, let the parcel move)")
        lines += [f"              login {login}, password {word}" for login, word in logins()]
    lines += [
        f"  widget      {url}/widget.js   (for the merchant's own pages)",
        f"  logs        {system.logs_dir}",
        "",
        "  Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def logins() -> list[tuple[str, str]]:
    """The sample agents of data/demo.yml: (login, password)."""
    with contextlib.suppress(OSError, yaml.YAMLError):
        told: Any = yaml.safe_load((ROOT / "data/demo.yml").read_text(encoding="utf-8"))
        return [(str(a["login"]), str(a["password"])) for a in told.get("agents") or []]
    return []
