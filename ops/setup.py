"""Make both environments: `.venv` (everything but Rasa) and `.venv-bot` (Rasa).

Only the standard library and only syntax of Python 3.8, because any Python may start it. The
packages come from the locks in requirements/, hashes checked; `uv` does the work. A stamp in each
environment makes the second run instant, and tells a half-made one from a whole one.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".uv"
LOG = TOOLS / "setup.log"
#: (folder, Python version, lock)
ENVIRONMENTS = (
    (".venv", "3.13", "requirements/app.txt"),
    (".venv-bot", "3.10", "requirements/bot.txt"),
)
#: Written into the stamp while an environment is being made.
MAKING = "making"
OLDEST_UV = (0, 5)

#: What uv or pip print -> what it means. Looked for in this order, without case.
MEANINGS = (
    (("no space left on device", "os error 28"), "the disk is full"),
    (("hash mismatch", "do not match the hashes"), "a package differs from the lock's hash"),
    (
        (
            "dns error",
            "error sending request",
            "connection refused",
            "network is unreachable",
            "timed out",
            "name resolution",
            "failed to fetch",
            "no such host",
            "connection broken",
        ),
        "the package index cannot be reached (check the network, or the index in the settings of"
        " pip or uv)",
    ),
    (("permission denied",), "a file may not be written"),
)


class Problem(Exception):
    """Something a person must put right; the text is one whole line."""


def say(text: str) -> None:
    """One line of progress."""
    print("setup: " + text, flush=True)


def main() -> None:
    """Make or bring up to date whatever is not ready; raises Problem."""
    started = time.monotonic()
    pending = [env for env in ENVIRONMENTS if not is_ready(*env)]
    if not pending:
        return
    TOOLS.mkdir(exist_ok=True)
    with OnlyOne():
        for folder, version, lock in pending:
            if is_ready(folder, version, lock):  # another setup made it while this one waited
                continue
            began = time.monotonic()
            uv = find_uv()
            make(uv, folder, version, lock)
            say(f"{folder} is ready ({time.monotonic() - began:.0f} s)")
    say(f"done ({time.monotonic() - started:.0f} s)")


def is_ready(folder: str, version: str, lock: str) -> bool:
    """Whether the environment was made whole, here, from this very lock."""
    stamp = ROOT / folder / ".kefu-stamp"
    try:
        found = stamp.read_text()
    except OSError:
        return False
    return found == fingerprint(folder, version, lock) and (ROOT / folder / "bin/python").exists()


def fingerprint(folder: str, version: str, lock: str) -> str:
    """Where the environment is (its scripts name their place), and a hash of what it is made of."""
    made_of = version.encode() + (ROOT / lock).read_bytes()
    return f"{ROOT / folder}\n{hashlib.sha256(made_of).hexdigest()}\n"


def make(uv: str, folder: str, version: str, lock: str) -> None:
    """Make the environment `folder` with Python `version` from `lock`; raises Problem."""
    home = ROOT / folder
    stamp = home / ".kefu-stamp"
    if home.exists() and not is_reusable(home, stamp, version):
        say(f"{folder} is half-made, moved or of another Python: making it anew")
        shutil.rmtree(str(home))
    if not home.exists():
        interpreter = find_interpreter(uv, version)
        say(f"making {folder} with {interpreter}")
        run([uv, "venv", "--quiet", "--no-project", "--python", interpreter, str(home)], folder)
    stamp.write_text(MAKING)
    say(f"installing the packages of {lock}")
    python = str(home / "bin/python")
    run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, lock], folder)
    stamp.write_text(fingerprint(folder, version, lock))


def is_reusable(home: Path, stamp: Path, version: str) -> bool:
    """Whether an environment that is not up to date can be brought up to date."""
    if not stamp.exists() or stamp.read_text().splitlines()[:1] != [str(home)]:
        return False  # half-made, or moved here from another place
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [str(home / "bin/python"), "-c", ask], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ).stdout.decode()
    except OSError:
        return False
    return answer.strip() == version


def find_uv() -> str:
    """The path of a usable uv: the one on PATH, or our own below `.uv/`; raises Problem."""
    found = shutil.which("uv") or os.environ.get("UV")  # which `uv run` sets
    if found and version_of(found) >= OLDEST_UV:
        return found
    own = TOOLS / "env/bin/uv"
    if version_of(str(own)) >= OLDEST_UV:
        return str(own)
    say("fetching uv, which makes the environments")
    shutil.rmtree(str(TOOLS / "env"), ignore_errors=True)
    wanted = ["--quiet", "--only-binary", ":all:", "--require-hashes", "-r", "ops/uv.txt"]
    try:
        run([sys.executable, "-m", "venv", str(TOOLS / "env")], "uv")
        run([str(TOOLS / "env/bin/python"), "-m", "pip", "install", *wanted], "uv")
    except NoVenv:
        # Some systems ship Python without venv, but with pip.
        shutil.rmtree(str(TOOLS / "env"), ignore_errors=True)
        try:
            target = ["--target", str(TOOLS / "env")]
            run([sys.executable, "-m", "pip", "install", *target, *wanted], "uv")
        except NoVenv:
            raise Problem(
                "this Python has neither venv nor pip. Install them (the package is often called"
                " python3-venv), or install uv, then try again"
            ) from None
    return str(own)


def version_of(uv: str) -> tuple[int, ...]:
    """(major, minor) of a uv, (0, 0) when it does not run."""
    try:
        done = subprocess.run([uv, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return tuple(int(part) for part in done.stdout.decode().split()[1].split(".")[:2])
    except (OSError, IndexError, ValueError):
        return (0, 0)


def find_interpreter(uv: str, version: str) -> str:
    """The path of a Python `version`: one that is here, else one that uv downloads."""
    find = [uv, "python", "find", "--system", "--no-project", version]
    found = subprocess.run(
        find, cwd=str(ROOT), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    if found.returncode == 0:
        return found.stdout.decode().strip()
    say(f"no Python {version} on this machine: uv downloads it")
    try:
        run([uv, "python", "install", "--quiet", version], "Python " + version)
    except Problem as problem:
        raise Problem(
            f"Python {version} is needed, is not on this machine and could not be downloaded:"
            f" {problem}."
            f" Install Python {version} yourself, then try again"
        ) from None
    return version


class NoVenv(Problem):
    """This Python lacks the module that was asked for."""


def run(command: list[str], what: str) -> None:
    """Run a command quietly; raises Problem with its meaning, and keeps all it said in the log."""
    TOOLS.mkdir(exist_ok=True)
    began = time.monotonic()
    with LOG.open("a+", errors="replace") as log:
        log.write("$ {}\n".format(" ".join(command)))
        log.flush()
        start = log.tell()
        child = subprocess.Popen(
            command, cwd=str(ROOT), env=environment(), stdout=log, stderr=subprocess.STDOUT
        )
        while True:
            try:
                child.wait(timeout=15)
                break
            except subprocess.TimeoutExpired:
                say(f"{what}: still at work ({time.monotonic() - began:.0f} s)")
        log.seek(start)
        output = log.read()
    if child.returncode == 0:
        return
    lowered = output.lower()
    if "ensurepip is not" in lowered or "no module named" in lowered:
        raise NoVenv(what)
    details = f"Details: {LOG.relative_to(ROOT)}"
    for signs, meaning in MEANINGS:
        if any(sign in lowered for sign in signs):
            raise Problem(f"{what}: {meaning}. {details}")
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no output"]
    reason = next((line for line in lines if line.lower().startswith("error")), lines[-1])
    raise Problem(f"{what}: {reason}. {details}")


def environment() -> dict[str, str]:
    """This environment, with pip's index for uv when uv itself was told of none.

    uv does not read pip's settings, and a company's or a country's mirror often stands only there.
    """
    env = dict(os.environ)
    env.pop("VIRTUAL_ENV", None)
    told = {"UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_CONFIG_FILE"} & set(env)
    config = Path(env.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "uv/uv.toml"
    if not told and not config.exists() and pip_index():
        env["UV_DEFAULT_INDEX"] = pip_index()
    return env


@functools.lru_cache
def pip_index() -> str:
    """The package index of pip's settings, or an empty text."""
    if os.environ.get("PIP_INDEX_URL"):
        return os.environ["PIP_INDEX_URL"]
    for key in ("global.index-url", "install.index-url"):
        asked = subprocess.run(
            [sys.executable, "-m", "pip", "config", "get", key],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if asked.returncode == 0:
            return asked.stdout.decode().strip()
    return ""


class OnlyOne:
    """Two setups at once take turns. Systems without file locks go without."""

    def __enter__(self) -> None:
        self.file: IO[str] = (TOOLS / "lock").open("w")
        try:
            import fcntl
        except ImportError:
            return
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another setup is at work: waiting for it")
            fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self.file.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("setup: stopped. Start it again to finish")
    except Problem as problem:
        sys.exit(f"setup: {problem}.")
    except OSError as error:
        sys.exit("setup: {} ({}).".format(error.strerror, error.filename or "the disk"))
