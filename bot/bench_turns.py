"""How long a turn takes: plain (greeting) and with two actions (review, then ticket).

    .venv-bot/bin/python -m bot.bench_turns [--turns 300] [--url http://127.0.0.1:5005]

Without --url it starts Rasa as the system does (conversations in memory unless KEFU_BOT_DB_URL
is set) with a stand-in action server that answers at once, so that what is measured is Rasa
itself: understanding, rules, two HTTP calls, storing. With --url it measures a running one,
real actions and desk included; KEFU_SERVICE_TOKEN must then be its token.
Each turn has a new sender, and the two kinds take turns, so that both meet the same machine.
Exits 1 when an action turn takes more than 1.5 times as long as a plain one (p50).
"""

import argparse
import asyncio
import os
import secrets
import socket
import statistics
import sys
import time
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator, Dict, List

import aiohttp
from aiohttp import web

from bot import settings

ALLOWED_RATIO = 1.5
WARM_UP = 30
CONTEXT = {"epoch": 1, "lang": "zh", "stated": "pickup_urge", "tickets": []}
CONTEXT["order"] = {"id": "bench", "carrier": "sf", "state": "accepted", "fees": []}
PLAIN, ACTION = "你好", "快递员一直没来取件，麻烦催一下"


async def main(turns: int, url: str) -> int:
    """Runs the measurement and prints it; the exit code."""
    token = settings.service_token() if url else secrets.token_hex(16)
    if url:
        found = await measure(url, token or "", turns)
    else:
        async with stand_in_actions() as actions, running_rasa(actions, token or "") as rasa:
            found = await measure(rasa, token or "", turns)
    ratio = statistics.median(found["action"]) / statistics.median(found["plain"])
    for kind, times in found.items():
        p95 = sorted(times)[int(len(times) * 0.95)]
        print(f"{kind:>7} turn: p50 {statistics.median(times):6.1f} ms   p95 {p95:6.1f} ms")
    print(f"action / plain at p50: {ratio:.2f} (at most {ALLOWED_RATIO}); {turns} turns of each")
    return 0 if ratio <= ALLOWED_RATIO else 1


async def measure(url: str, token: str, turns: int) -> Dict[str, List[float]]:
    """Milliseconds of each turn, by kind."""
    found: Dict[str, List[float]] = {"plain": [], "action": []}
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for number in range(-WARM_UP, turns):
            for kind, text in (("plain", PLAIN), ("action", ACTION)):
                took = await one_turn(session, url, text)
                if number >= 0:
                    found[kind].append(took)
    return found


async def one_turn(session: aiohttp.ClientSession, url: str, text: str) -> float:
    """Milliseconds of one turn by a new sender. Raises RuntimeError when it fails."""
    sender = f"bench-{secrets.token_hex(8)}"
    context = {**CONTEXT, "conversation_id": sender}
    body = {"sender": sender, "message_id": f"{sender}:1", "text": text, "context": context}
    started = time.perf_counter()
    async with session.post(f"{url}/webhooks/desk/webhook", json=body) as answer:
        content = await answer.json()
    took = (time.perf_counter() - started) * 1000
    if answer.status != 200 or not content["messages"]:
        raise RuntimeError(f"a turn failed with HTTP {answer.status}: {content}")
    return took


@asynccontextmanager
async def stand_in_actions() -> AsyncIterator[str]:
    """An action server that agrees with everything; gives its address."""

    async def webhook(request: web.Request) -> web.Response:
        name = (await request.json())["next_action"]
        decides = name in ("action_review", "action_choose")
        slots: Dict[str, Any] = {"verdict": "agree"} if decides else {}
        said = []
        if name == "action_create_ticket":
            slots = {"ticket_open": True, "asking": False}
            kwargs = {"label": "催取件", "promise": "我们会催快递员尽快上门。"}
            said = [{"response": "utter_ticket_created", **kwargs}]
        events = [{"event": "slot", "name": n, "value": v} for n, v in slots.items()]
        return web.json_response({"events": events, "responses": said})

    app = web.Application()
    app.router.add_post("/webhook", webhook)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield "http://{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running_rasa(actions: str, token: str) -> AsyncIterator[str]:
    """Rasa as `bot.run` starts it, on a free port; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {"KEFU_ACTIONS_URL": actions, "KEFU_SERVICE_TOKEN": token}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.run",
        env={**os.environ, **environment, "KEFU_BOT_PORT": str(port)},
    )
    try:
        await _until_ready(url, process)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until_ready(url: str, process: asyncio.subprocess.Process) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(240):
            if process.returncode is not None:
                raise SystemExit(1)
            try:
                async with session.get(f"{url}/webhooks/desk/health") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.5)
    raise RuntimeError("Rasa was not ready within 120 s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=300)
    parser.add_argument("--url", default="")
    given = parser.parse_args()
    sys.exit(asyncio.run(main(given.turns, given.url.rstrip("/"))))
