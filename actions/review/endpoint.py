"""One question to an OpenAI-compatible endpoint: the ladder of answer formats, the one retry.

Which format works differs by endpoint: some have strict JSON schemas, some JSON mode alone and
answer 400 or 422 to a schema. Tried once, then remembered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import openai

from actions.review.prompt import BadAnswer, answer_schema, system_prompt, user_turn

Mode = Literal["json_schema", "json_object"]

#: What endpoints answer to a response_format they do not have; see also the OpenAI API reference,
#: "Error codes".
_UNSUPPORTED = (openai.BadRequestError, openai.UnprocessableEntityError)
_WORTH_A_RETRY = (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError)

#: The client's word for a request that took too long.
TooLate = openai.APITimeoutError


class NotAllowed(Exception):
    """The budget allows no further request."""


@dataclass
class Usage:
    """Tokens of all tries for one answer, as the endpoint counts them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add(self, usage: Any) -> None:
        """Add an answer's `usage`, whatever the endpoint put there."""
        self.prompt_tokens += _count(getattr(usage, "prompt_tokens", 0))
        self.completion_tokens += _count(getattr(usage, "completion_tokens", 0))


class Endpoint:
    """Asks a model to sort one message.

    Args:
        base_url, api_key, model: where and what; an empty address is OpenAI's own.
        categories: id -> what the customer needs, in a few words.
        timeout_s: longest single request. The caller bounds the whole.
        retry_pause_s: before the one retry.
        take: asked before every request; False forbids it.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        model: str,
        categories: Mapping[str, str],
        timeout_s: float,
        retry_pause_s: float,
        take: Callable[[], bool],
    ) -> None:
        self._client = openai.AsyncOpenAI(
            base_url=base_url or None,
            api_key=api_key or "none",
            timeout=timeout_s,
            max_retries=0,  # the one retry is ours, inside the caller's deadline
        )
        self._model = model
        self._categories = categories
        self._retry_pause_s = retry_pause_s
        self._take = take
        self._mode: Mode = "json_schema"
        self._proven = False  # the mode has worked once: a refusal is then about the message

    async def ask(self, masked: str, usage: Usage) -> tuple[str, Mode]:
        """The model's raw answer to a masked message, and how it was asked.

        Raises NotAllowed, BadAnswer (nothing whole was said), and whatever the client raises.
        """
        mode = self._mode
        try:
            raw = await self._with_one_retry(masked, mode, usage)
        except _UNSUPPORTED:
            if mode == "json_object" or (self._proven and mode == self._mode):
                raise
            mode = "json_object"  # also when another call stepped down while this one was out
            raw = await self._with_one_retry(masked, mode, usage)
        if mode == "json_schema" or not self._proven:
            # A schema that was answered is there, whatever a refusal beside it looked like.
            self._mode, self._proven = mode, True
        return raw, mode

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _with_one_retry(self, masked: str, mode: Mode, usage: Usage) -> str:
        try:
            return await self._complete(masked, mode, usage)
        except _WORTH_A_RETRY:
            await asyncio.sleep(self._retry_pause_s)
            return await self._complete(masked, mode, usage)

    async def _complete(self, masked: str, mode: Mode, usage: Usage) -> str:
        if not self._take():
            raise NotAllowed
        response_format: dict[str, Any] = {"type": "json_object"}
        if mode == "json_schema":
            schema = answer_schema(tuple(self._categories))
            response_format = {
                "type": "json_schema",
                "json_schema": {"name": "category", "strict": True, "schema": schema},
            }
        # No temperature and no token limit: some models refuse the one or the other.
        request: dict[str, Any] = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": system_prompt(self._categories)},
                {"role": "user", "content": user_turn(masked)},
            ],
            "response_format": response_format,
        }
        completion = await self._client.chat.completions.create(**request)
        usage.add(getattr(completion, "usage", None))
        choices = completion.choices or []
        if not choices or choices[0].finish_reason == "length":
            raise BadAnswer("no whole answer")
        answer = choices[0].message
        if getattr(answer, "refusal", None) or not answer.content:
            raise BadAnswer("refused or empty")
        return str(answer.content)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
