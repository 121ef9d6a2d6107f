"""The whole system on this machine: PostgreSQL, Rasa, the actions, the desk.

A demo also gets a stand-in for the carrier's platform, where no account with a real one is set.

`make run` runs one (ops/run.py); the tests and the evaluation start their own beside it, on other
ports and in another data directory.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from desk.store.migrate import migrate
from ops import training
from ops.child import ROOT, Child, Guard
from ops.data_dir import DataDir, one_at_a_time
from ops.environment import part_environment, service_token
from ops.ports import Ports, free_ports, require_free
from ops.postgres import Postgres
from ops.readiness import Backoff, ending, missing
from ops.trouble import Trouble

#: part -> (its Python environment, the module that runs it)
MODULES = {
    "bot": (".venv-bot", "bot.run"),
    "actions": (".venv", "actions"),
    "desk": (".venv", "desk"),
    "carrier": (".venv", "standins.kuaidi100"),
}
#: The desk first, so that no customer meets a desk without a bot; PostgreSQL after all of these.
STOPPING = ("desk", "actions", "bot", "carrier")
#: Rasa takes most of it; a slow disk the rest.
READY_WITHIN_S = 180.0

Say = Callable[[str], None]


class System:
    """Start, break and stop a whole Kefu.

    Args:
        data_dir: secrets, database and logs of this system.
        ports: where the parts listen. None: free ones are picked, and the KEFU_* settings of this
            process do not count, so that a test never meets somebody's real database.
        demo: sample customers, orders and logins, unless KEFU_DEMO says otherwise.
        env: settings for every part, over this process's own environment.
        say: gets one line for each thing that happens.
        check: called while waiting; may raise to stop.
    """

    def __init__(
        self,
        data_dir: Path | str,
        ports: Ports | None = None,
        demo: bool = True,
        env: Mapping[str, str] | None = None,
        say: Say = lambda line: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.logs_dir = self.data_dir / "log"
        self.ports = ports
        self.demo = demo
        inherited = {
            name: value
            for name, value in os.environ.items()
            if ports is not None or not name.startswith("KEFU_")
        }
        self.env = {**inherited, **(env or {})}
        self.say = say
        self.check = check
        self.database_url = ""
        self.postgres: Postgres | None = None
        self.children: dict[str, Child] = {}
        self._folder = DataDir(self.data_dir)
        self._guard: Guard | None = None
        self._backoff = Backoff()

    def start(self) -> System:
        """Start everything and wait until the desk says it is ready.

        Raises:
            Trouble: what is in the way, in words.
        """
        try:
            self.open()
            self.train_if_needed()
            self.say("starting Rasa")
            self.start_part("bot")
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    @property
    def url(self) -> str:
        """The desk's address."""
        assert self.ports
        host = self._setting("KEFU_HOST") or "127.0.0.1"
        host = "127.0.0.1" if host in ("0.0.0.0", "::") else host
        return f"http://{host}:{self.ports.desk}"

    @property
    def service_token(self) -> str:
        """The token of merchants, bot and actions."""
        return service_token(self.data_dir, self.env)

    def kill(self, name: str) -> None:
        """kill -9 of a part: `desk`, `bot`, `actions`, `carrier` or `postgres`."""
        if name == "postgres":
            self._own_postgres().kill()
        else:
            self.children[name].kill()

    def restart(self, name: str) -> None:
        """Stop a part if it lives, start it again, and wait until all is ready."""
        if name == "postgres":
            self._own_postgres().stop()
            self._own_postgres().start()
        else:
            self.children[name].stop()
            self._begin(self.children[name])
        self.wait_ready()

    def pause(self, name: str) -> None:
        """Freeze a part (SIGSTOP): it keeps its connections and answers nothing."""
        self._signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let a frozen part go on."""
        self._signal(name, signal.SIGCONT)

    def logs(self, name: str) -> str:
        """What a part has printed so far."""
        path = self.logs_dir / f"{name}.log"
        if name == "postgres":
            path = self.data_dir / "postgres" / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    # --- the steps of `start` -------------------------------------------------------------------

    def open(self) -> None:
        """Everything but the bot: take the data directory, start the database, actions, desk."""
        self._folder.take()
        self.ports = self.ports or free_ports()
        require_free(self.ports, self._setting("KEFU_HOST") or "127.0.0.1")
        service_token(self.data_dir, self.env)  # made before three programs look for it
        self._guard = Guard()
        self.database_url = self._setting("KEFU_DATABASE_URL")
        if not self.database_url:
            self.postgres = Postgres(self.data_dir)
            self._guard.tell("postgres", self.postgres.folder)
            self.say("starting PostgreSQL")
            self.postgres.start()
            self.database_url = self.postgres.url
        self.check()
        try:
            migrate(self.database_url)
        except Exception as error:
            reason = str(error).splitlines()[0]
            raise Trouble(f"the database could not be prepared: {reason}") from error
        self.check()
        self.say("starting the actions and the desk")
        self.start_part("carrier")
        self.start_part("actions")
        self.start_part("desk")

    def train_if_needed(self) -> None:
        """Train the bot unless the model fits its sources, or the settings name another model."""
        assert self._guard and self.ports
        elsewhere = self.ports.bot is None or self._setting("KEFU_BOT_MODEL")
        if elsewhere or training.is_trained():
            return
        with one_at_a_time(ROOT / "models/.lock", self.check):
            if not training.is_trained():
                self.say("training the bot, because its sources changed (under a minute)")
                training.train(self.logs_dir, self._guard, self.check)

    def start_part(self, name: str) -> None:
        """Start one part, unless it runs elsewhere or is not wanted."""
        assert self._guard and self.ports
        if getattr(self.ports, name) is None:
            return
        environment, module = MODULES[name]
        command = [str(ROOT / environment / "bin/python"), "-m", module]
        env = part_environment(
            data_dir=self.data_dir,
            ports=self.ports,
            desk_url=self.url,
            database_url=self.database_url,
            demo=self.demo,
            given=self.env,
        )
        self.children[name] = Child(name, command, env, self.logs_dir, self._guard)
        self._begin(self.children[name])

    def wait_ready(self, within_s: float = READY_WITHIN_S) -> None:
        """Wait until `/readyz` is green.

        Raises:
            Trouble: a part ended at once, or it took too long; names the log.
        """
        until = time.monotonic() + within_s
        while lacking := missing(self.url):
            self.check()
            for name, child in self.children.items():
                if child.exit_code() is not None:
                    raise Trouble(
                        f"the {name} did not start ({ending(child.exit_code())}):\n"
                        f"{training.useful_lines(child)}\nAll of it: {child.log}"
                    )
            if time.monotonic() > until:
                raise Trouble(
                    f"not ready after {within_s:.0f} s; missing: {', '.join(lacking)}."
                    f" The logs are in {self.logs_dir}"
                )
            time.sleep(0.25)

    # --- while it runs, and its end -------------------------------------------------------------

    def tend(self) -> None:
        """Start again what has died, each part after 1, 2, 4 ... 10 s; call it often."""
        now = time.monotonic()
        if self.postgres and not self.postgres.is_alive() and self._backoff.is_due("postgres", now):
            self.say("PostgreSQL is gone: starting it again")
            try:
                self.postgres.start()
            except Trouble as trouble:
                self.say(str(trouble))
        for name, child in self.children.items():
            code = child.exit_code()
            if code is not None and self._backoff.is_due(name, now):
                self.say(f"the {name} ended ({ending(code)}): starting it again; log {child.log}")
                child.kill()  # a worker of it may have stayed behind on the port
                self._begin(child)
            elif code is None and now - child.began > 60:
                self._backoff.forgive(name)

    def stop(self) -> None:
        """Stop everything in order: desk, actions, bot, PostgreSQL. Safe to call at any time."""
        for name in STOPPING:
            if name in self.children:
                self.children[name].stop()
        if self.postgres:
            self.postgres.stop()
        if self._guard:
            self._guard.close()
        self._folder.release()

    def abandon(self) -> None:
        """End everything at once; PostgreSQL mends itself at its next start."""
        for child in self.children.values():
            child.signal(signal.SIGKILL)
        if self.postgres:
            self.postgres.signal_all(signal.SIGQUIT)

    # --- details --------------------------------------------------------------------------------

    def _begin(self, child: Child) -> None:
        child.start()
        self._folder.note({name: c.pid for name, c in self.children.items() if c.pid})

    def _setting(self, name: str) -> str:
        return self.env.get(name, "")

    def _own_postgres(self) -> Postgres:
        if self.postgres is None:
            raise Trouble("PostgreSQL is not ours: KEFU_DATABASE_URL is set")
        return self.postgres

    def _signal(self, name: str, number: int) -> None:
        if name == "postgres":
            self._own_postgres().signal_all(number)
        else:
            self.children[name].signal(number)
