"""The witness behind any OpenAI-compatible endpoint.

Strict JSON schema where the endpoint has it, JSON mode where it has not; which of the two works is
found out once and remembered. One deadline covers everything, a breaker keeps a dead endpoint from
costing every customer that time, equal texts are asked once. Every failure is None and a log line
without a word of the customer's.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import openai

from actions.review.breaker import Breaker
from actions.review.evidence import Opinion
from actions.review.masking import mask
from actions.review.normalise import normalise
from actions.review.prompt import (
    PROMPT_VERSION,
    BadAnswer,
    answer_schema,
    looks_like_instructions,
    read_answer_json,
    system_prompt,
    user_turn,
)

logger = logging.getLogger(__name__)

Mode = Literal["json_schema", "json_object"]

_CACHE_SIZE = 2048
#: What endpoints answer to a response_format they do not have; see also the OpenAI API reference,
#: "Error codes".
_UNSUPPORTED = (openai.BadRequestError, openai.UnprocessableEntityError)
_WORTH_A_RETRY = (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError)


@dataclass
class OpenAIWitness:
    """A model as one more witness.

    `categories`: id -> what the customer needs, in a few words. `labels`: texts that are no
    evidence when quoted. `deadline_s` covers the waiting, the one retry and the stepping down.
    """

    base_url: str
    api_key: str
    model: str
    categories: Mapping[str, str]
    labels: tuple[str, ...] = ()
    deadline_s: float = 2.5
    retry_pause_s: float = 0.1
    breaker: Breaker = field(default_factory=Breaker)

    def __post_init__(self) -> None:
        self._client = openai.AsyncOpenAI(
            base_url=self.base_url or None,
            api_key=self.api_key or "none",
            timeout=self.deadline_s,
            max_retries=0,  # the one retry is ours, inside the deadline
        )
        self._mode: Mode = "json_schema"
        self._proven = False  # the mode has worked once: a refusal is then about the message
        self._cache: OrderedDict[str, Opinion] = OrderedDict()

    async def opinion(self, message: str) -> Opinion | None:
        """What the model makes of the message, or None. See Witness."""
        masked = mask(message)
        if looks_like_instructions(masked):
            logger.info("model not asked: the message looks like instructions")
            return None
        key = self._cache_key(masked)
        if key in self._cache:
            self._cache.move_to_end(key)
            return replace(self._cache[key], cached=True, latency_ms=0)
        started = time.monotonic()
        if not self.breaker.lets_through(started):
            return None
        try:
            async with asyncio.timeout(self.deadline_s):
                opinion = await self._ask(masked, started)
        except Exception as error:  # an endpoint may answer anything, and the client may trip on it
            self.breaker.failed(time.monotonic())
            logger.warning("model %s gave no opinion: %s", self.model, _cause(error))
            return None
        self.breaker.succeeded()
        self._cache[key] = opinion
        if len(self._cache) > _CACHE_SIZE:
            self._cache.popitem(last=False)
        return opinion

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _ask(self, masked: str, started: float) -> Opinion:
        """One question; the first ever finds out whether the endpoint has json_schema."""
        mode = self._mode
        try:
            raw = await self._complete_with_one_retry(masked, mode)
        except _UNSUPPORTED:
            if self._proven or mode == "json_object":
                raise
            mode = "json_object"
            raw = await self._complete_with_one_retry(masked, mode)
        self._mode, self._proven = mode, True
        category, quote = read_answer_json(raw, masked, tuple(self.categories), self.labels)
        latency_ms = round((time.monotonic() - started) * 1000)
        return Opinion(category, quote, self.model, latency_ms, mode)

    async def _complete_with_one_retry(self, masked: str, mode: Mode) -> str:
        try:
            return await self._complete(masked, mode)
        except _WORTH_A_RETRY:
            await asyncio.sleep(self.retry_pause_s)
            return await self._complete(masked, mode)

    async def _complete(self, masked: str, mode: Mode) -> str:
        response_format: dict[str, Any] = {"type": "json_object"}
        if mode == "json_schema":
            schema = answer_schema(tuple(self.categories))
            response_format = {
                "type": "json_schema",
                "json_schema": {"name": "category", "strict": True, "schema": schema},
            }
        # No temperature and no token limit: some models refuse the one or the other.
        request: dict[str, Any] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": system_prompt(self.categories)},
                {"role": "user", "content": user_turn(masked)},
            ],
            "response_format": response_format,
        }
        completion = await self._client.chat.completions.create(**request)
        choices = completion.choices or []
        if not choices or choices[0].finish_reason == "length":
            raise BadAnswer("no whole answer")
        answer = choices[0].message
        if getattr(answer, "refusal", None) or not answer.content:
            raise BadAnswer("refused or empty")
        return str(answer.content)

    def _cache_key(self, masked: str) -> str:
        parts = (PROMPT_VERSION, self.model, ",".join(self.categories), normalise(masked))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _cause(error: Exception) -> str:
    """What went wrong without the endpoint's own text: it may echo the customer's."""
    if isinstance(error, BadAnswer):
        return str(error)
    status = getattr(error, "status_code", None)
    return f"{type(error).__name__} {status}" if status else type(error).__name__
