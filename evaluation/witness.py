"""`python -m evaluation.witness CASES.jsonl`: what a good, a bad and a hostile model do.

Starts a whole system of its own for each of five settings, the model's place taken by
model_server.py, runs the simulated customers through it, and prints the figures side by side.

Exit code 0; 1 when with some model more tickets were wrong, fewer cases solved, anybody stranded or
a reply slower than the model's deadline allows; 2 when it cannot run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation.api import ApiError
from evaluation.cases import Case, read_cases
from evaluation.customer import Temper
from evaluation.figures import figures
from evaluation.measure import Figure
from evaluation.rankings import MODEL, ROOT
from evaluation.runner import run
from evaluation.table import aligned, shown
from evaluation.tokens import Merchant
from ops.system import System
from ops.trouble import Trouble

SHOWN = (
    "solved",
    "wrong",
    "handed_over_unasked",
    "stranded",
    "needless_ticket",
    "asked_needlessly",
    "questions_per_solved",
    "reply_p50_s",
    "reply_p95_s",
    "broken",
)
#: The model's own deadline, and room for a busy machine, seconds.
DEADLINE_S, ROOM_S = 2.5, 1.5


@dataclass(frozen=True)
class Setting:
    """One kind of model; no options: none is configured."""

    name: str
    options: tuple[str, ...] = ()


SETTINGS = (
    Setting("no model"),
    Setting("truth 0.9", ("--truth", "0.9")),
    Setting("truth 0.5", ("--truth", "0.5")),
    Setting("always lies", ("--truth", "0", "--faults", "lie")),
    Setting("always stalls", ("--truth", "0", "--faults", "stall")),
)


@dataclass
class Result:
    """What one setting came to. `stats` is the model's own count of what it did."""

    setting: Setting
    figures: dict[str, Figure]
    slowest_s: float
    stats: dict[str, Any] = field(default_factory=dict)
    silences: int = 0  #: times the witness gave no opinion after asking


@contextmanager
def model_server(cases: Path, setting: Setting, seed: int) -> Iterator[str]:
    """The base address of a model for this setting; empty when there is none."""
    if not setting.options:
        yield ""
        return
    command = [sys.executable, "-m", "evaluation.model_server", str(cases), *setting.options]
    command += ["--port", "0", "--seed", str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            first = process.stdout.readline() if process.stdout else ""
            if not first.startswith("model: "):
                raise Trouble("the model server did not start")
            yield first.removeprefix("model: ").strip()
        finally:
            process.terminate()


def measure(
    setting: Setting, cases: Sequence[Case], options: argparse.Namespace, folder: Path
) -> Result:
    """One setting, through a system of its own.

    Raises:
        Trouble: the system did not start.
        ApiError: the desk cannot be reached.
    """
    with model_server(options.cases, setting, options.seed) as address:
        env = {"KEFU_BOT_MODEL": str(folder / "bot.tar.gz"), "KEFU_DEMO": "0"}
        if address:
            env |= {
                "KEFU_MODEL_BASE_URL": address,
                "KEFU_MODEL_NAME": "stand-in",
                "KEFU_MODEL_API_KEY": "none",
            }
        data = folder / setting.name.replace(" ", "-")
        system = System(data, env=env, demo=False).start()
        try:
            secret = (data / "secrets" / "customer_secret").read_text().strip()
            merchant = Merchant(secret, system.service_token)
            temper = Temper(seed=options.seed)
            print(f"{setting.name}: {len(cases)} cases", file=sys.stderr)
            pairs = asyncio.run(run(cases, system.url, merchant, temper, options.concurrency))
            stats = _stats(address)
            silences = system.logs("actions").count("gave no opinion")
        finally:
            system.stop()
    outcomes = [outcome for _, outcome in pairs]
    slowest = max((s for outcome in outcomes for s in outcome.replies_s), default=math.nan)
    by_name = {one.name: one for one in figures(outcomes)}
    return Result(setting, by_name, slowest, stats, silences)


def _stats(address: str) -> dict[str, Any]:
    if not address:
        return {}
    with urllib.request.urlopen(f"{address.removesuffix('/v1')}/stats", timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def side_by_side(results: Sequence[Result]) -> str:
    """The figures of all settings, one column each."""
    rows: list[tuple[str, ...]] = []
    for name in SHOWN:
        ones = [result.figures[name] for result in results]
        cells = [shown(one) + (f" ({one.hits})" if one.unit == "share" else "") for one in ones]
        rows.append((ones[0].label, *cells))
    rows.append(("slowest reply", *(f"{one.slowest_s:.2f} s" for one in results)))
    rows.append(("requests to the model", *(str(one.stats.get("requests", 0)) for one in results)))
    rows.append(("asked, and no opinion", *(str(one.silences) for one in results)))
    head = ("figure", *(one.setting.name for one in results))
    did = [
        f"{one.setting.name}: "
        + ", ".join(f"{k} {n}" for k, n in sorted(one.stats["done"].items()))
        for one in results
        if one.stats.get("done")
    ]
    return "\n".join([aligned(head, rows), "", *did])


def harms(results: Sequence[Result]) -> list[str]:
    """In which way a model made things worse than none, in words; the first result has none."""
    base, *others = results
    slow = base.slowest_s + DEADLINE_S + ROOM_S
    found = []
    for one in others:
        name, ours = one.setting.name, one.figures
        if ours["wrong"].hits > base.figures["wrong"].hits:
            found.append(f"{name}: more wrong tickets")
        if ours["solved"].hits < base.figures["solved"].hits:
            found.append(f"{name}: fewer cases solved")
        if ours["stranded"].hits > base.figures["stranded"].hits:
            found.append(f"{name}: somebody was stranded")
        if one.slowest_s > slow:
            found.append(f"{name}: a reply took {one.slowest_s:.1f} s")
    return found


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m evaluation.witness", description=__doc__)
    add = parser.add_argument
    add("cases", type=Path, help="case file, JSON lines")
    add("--limit", type=int, help="only the first so many cases")
    add("--seed", type=int, default=1)
    add("--concurrency", type=int, default=6, help="customers at once")
    add("--only", help="settings, by name, with commas; the first is compared with")
    add("--bot-model", type=Path, default=MODEL, help="a trained bot")
    add("--report", type=Path, help="write the figures as JSON here")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run every setting, print, compare. Returns the exit code."""
    options = arguments(argv)
    wanted = [s for s in SETTINGS if not options.only or s.name in options.only.split(",")]
    try:
        cases = read_cases(options.cases)[: options.limit]
        with tempfile.TemporaryDirectory(prefix="kefu-witness-") as name:
            # One bot for all settings, whatever is trained meanwhile.
            shutil.copy(options.bot_model, Path(name) / "bot.tar.gz")
            results = [measure(one, cases, options, Path(name)) for one in wanted]
    except (OSError, ValueError, Trouble, ApiError) as error:
        print(f"the comparison cannot run: {error}", file=sys.stderr)
        return 2
    print(side_by_side(results))
    if options.report:
        _write(options.report, results)
    found = harms(results)
    for sentence in found:
        print(sentence, file=sys.stderr)
    return 1 if found else 0


def _write(path: Path, results: Sequence[Result]) -> None:
    rows = [
        {
            "setting": one.setting.name,
            "figures": [figure.to_json() for figure in one.figures.values()],
            "slowest_s": one.slowest_s,
            "model": one.stats,
            "no_opinion": one.silences,
        }
        for one in results
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
