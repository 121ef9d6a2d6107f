"""`python -m evaluation.model_server CASES.jsonl --truth 0.9 --seed 1`: a model to test with.

Speaks the OpenAI chat.completions protocol. It knows the cases' answers and tells the truth so
often; otherwise it lies with a real quotation, stalls, breaks the schema, invents a quotation or
answers 429 or 500. What it does depends on the seed, the message and how often it was asked that
message, not on the order of requests. model_script.py says what; here is the HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from evaluation.cases import read_cases
from evaluation.model_script import FAULTS, Script

#: DeepSeek's words to a response_format it does not have (HTTP 400).
NO_SCHEMA = "This response_format type is unavailable now"


class ModelServer:
    """The endpoint.

    Args:
        script: what to answer.
        schema: False: answers HTTP 400 to a JSON schema and knows JSON mode alone.
        stall_s: how long a stalling answer takes, seconds.
    """

    def __init__(self, script: Script, schema: bool = True, stall_s: float = 8.0) -> None:
        self.script = script
        self.schema = schema
        self.stall_s = stall_s
        self.done: Counter[str] = Counter()

    def app(self) -> web.Application:
        """The routes: the protocol's one, and what was done so far."""
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/stats", self._stats)
        return app

    async def _stats(self, request: web.Request) -> web.Response:
        return web.json_response({"requests": self.done.total(), "done": dict(self.done)})

    async def _complete(self, request: web.Request) -> web.Response:
        try:
            body = await request.json()
            kind = (body.get("response_format") or {}).get("type", "text")
            messages = [str(one["content"]) for one in body["messages"]]
            told = json.loads(messages[-1])["customer_message"]
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            self.done["not understood"] += 1
            return _error(400, "expected messages, the last one a JSON object")
        if kind == "json_schema" and not self.schema:
            self.done["schema refused"] += 1
            return _error(400, NO_SCHEMA)
        if kind == "json_object" and "json" not in "".join(messages).lower():
            self.done["not understood"] += 1
            return _error(400, "messages must contain the word 'json' in some form")
        line = self.script.next_line(told)
        self.done[line.kind] += 1
        if line.stalls:
            await asyncio.sleep(self.stall_s)
        if line.status != 200:
            return _error(line.status, "no luck")
        return web.json_response(_completion(body, line.content, line.finish))


def _completion(body: dict[str, Any], content: str, finish: str) -> dict[str, Any]:
    """A completion; a token is about two characters here."""
    prompt = len(json.dumps(body["messages"], ensure_ascii=False)) // 2
    answer = len(content) // 2
    message = {"role": "assistant", "content": content}
    return {
        "id": "chatcmpl-stand-in",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model", ""),
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
        },
    }


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": {"message": text, "type": "stand_in"}}, status=status)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m evaluation.model_server", description=__doc__)
    add = parser.add_argument
    add("cases", type=Path, help="case file, JSON lines: the messages and their answers")
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0: any free one; the address is printed")
    add("--truth", type=float, default=0.9, help="chance of the right answer, 0..1")
    add("--faults", default=",".join(FAULTS), help=f"otherwise, of: {', '.join(FAULTS)}")
    add("--seed", type=int, default=1)
    add("--stall", type=float, default=8.0, help="seconds of a stalling answer")
    add("--no-schema", action="store_true", help="HTTP 400 to a JSON schema; JSON mode works")
    options = parser.parse_args(argv)
    options.faults = tuple(filter(None, options.faults.split(",")))
    if unknown := set(options.faults) - set(FAULTS):
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    if not 0 <= options.truth <= 1:
        parser.error("--truth must be from 0 to 1")
    return options


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or Ctrl-C; prints its base address first."""
    script = Script(read_cases(options.cases), options.truth, options.seed, options.faults)
    server = ModelServer(script, not options.no_schema, options.stall)
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"model: http://{host}:{port}/v1", flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await runner.cleanup()


def main(argv: Sequence[str] | None = None) -> int:
    """0: served and stopped. 2: could not."""
    options = arguments(argv)
    try:
        asyncio.run(serve(options))
    except (OSError, ValueError) as error:
        print(f"the model cannot be served: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
