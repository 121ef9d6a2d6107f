"""Calls to the action server: one kept connection pool, one deadline, one compiled check."""

import asyncio
import os
import time
from typing import Any, Dict, Optional

import aiohttp
import ujson
from jsonschema import ValidationError
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction


class ActionFailed(Exception):
    """An action did not run, or nobody knows whether it did. The turn is void."""


def timeout_s() -> float:
    """Seconds one action may take (`KEFU_ACTION_TIMEOUT_S`, 4 when unset)."""
    return float(os.environ.get("KEFU_ACTION_TIMEOUT_S", "4"))


_SCHEMA = RemoteAction.action_response_format_spec()
_validator = validator_for(_SCHEMA)(_SCHEMA)
_session: Optional[aiohttp.ClientSession] = None
_session_loop: Optional[asyncio.AbstractEventLoop] = None


def _kept_session() -> aiohttp.ClientSession:
    global _session, _session_loop
    loop = asyncio.get_running_loop()
    if _session is None or _session.closed or _session_loop is not loop:
        # Idle connections are dropped sooner than any server closes them, so that a call does
        # not run into one that is just closing.
        connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=4)
        _session = aiohttp.ClientSession(connector=connector, json_serialize=ujson.dumps)
        _session_loop = loop
    return _session


async def close() -> None:
    """Closes the kept connections (at shutdown)."""
    global _session
    if _session is not None and not _session.closed:
        await _session.close()
    _session = None


async def call_action(url: str, call: Dict[str, Any]) -> Any:
    """Posts one call and gives back the answer's JSON.

    A connection that broke before an answer came is tried once more: actions are idempotent
    (a ticket carries its idempotency key). Both tries share one deadline.
    Raises ActionFailed.
    """
    name = call["next_action"]
    deadline = time.monotonic() + timeout_s()
    try:
        try:
            return await _post(url, call, deadline)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            return await _post(url, call, deadline)
    except asyncio.TimeoutError:
        raise ActionFailed(f"{name} did not answer within {timeout_s():g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise ActionFailed(f"{name} could not be called: {error!r}") from error


async def _post(url: str, call: Dict[str, Any], deadline: float) -> Any:
    # aiohttp takes 0 for "no limit".
    left = aiohttp.ClientTimeout(total=max(deadline - time.monotonic(), 0.001))
    async with _kept_session().post(url, json=call, timeout=left) as response:
        if response.status != 200:
            raise ActionFailed(f"{call['next_action']} failed with HTTP {response.status}")
        return await response.json(loads=ujson.loads)


def check_answer(name: str, answer: Any) -> None:
    """Rasa's own check of an action's answer. Raises ActionFailed."""
    if _is_ordinary(answer):
        return
    try:
        _validator.validate(answer)
    except ValidationError as error:
        raise ActionFailed(f"{name} answered in a wrong form: {error.message}") from None


def _is_ordinary(answer: Any) -> bool:
    """Whether the answer holds nothing but messages and slots, as nearly all do.

    The schema tries every one of twenty event types on every event; this sees at a glance
    what the schema would accept, and leaves all else to it.
    """
    if not isinstance(answer, dict):
        return False
    events, responses = answer.get("events", []), answer.get("responses", [])
    return (
        isinstance(events, list)
        and isinstance(responses, list)
        and all(isinstance(response, dict) for response in responses)
        and all(
            isinstance(event, dict)
            and event.get("event") == "slot"
            and isinstance(event.get("name"), str)
            and "value" in event
            for event in events
        )
    )
