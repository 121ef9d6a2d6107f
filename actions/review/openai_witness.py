"""The witness behind any OpenAI-compatible endpoint.

One deadline covers everything, a breaker keeps a dead endpoint from costing every customer that
time, a budget bounds the day, equal texts are asked once, and what comes back is checked
(prompt.py). Every failure is a Silence and a log line without a word of the customer's.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from actions.review.breaker import Breaker
from actions.review.budget import Budget
from actions.review.endpoint import Endpoint, NotAllowed, TooLate, Usage
from actions.review.evidence import (
    BREAKER_OPEN,
    BUDGET_SPENT,
    INSTRUCTIONS,
    Opinion,
    Silence,
)
from actions.review.injection import Orders, shipped_orders
from actions.review.masking import mask
from actions.review.normalise import normalise
from actions.review.prompt import (
    PROMPT_VERSION,
    BadAnswer,
    read_answer_json,
)

logger = logging.getLogger(__name__)

_CACHE_SIZE = 2048


@dataclass
class OpenAIWitness:
    """A model as one more witness.

    `categories`: id -> what the customer needs, in a few words. `labels`: texts that are no
    evidence when quoted. `deadline_s` covers the waiting, the one retry and the stepping down.
    `budget`: None = no limit. `prices`: of a million tokens, (prompt, completion); None = unknown.
    `clock`: seconds that only grow, for the breaker and the latencies. `orders`: what makes a
    message one that is not shown to a model. `mask`: takes personal data out of a message.
    """

    base_url: str
    api_key: str
    model: str
    categories: Mapping[str, str]
    labels: tuple[str, ...] = ()
    deadline_s: float = 2.5
    retry_pause_s: float = 0.1
    breaker: Breaker = field(default_factory=Breaker)
    budget: Budget | None = None
    prices: tuple[float, float] | None = None
    clock: Callable[[], float] = time.monotonic
    orders: Orders = field(default_factory=shipped_orders)
    mask: Callable[[str], str] = mask

    def __post_init__(self) -> None:
        self._endpoint = Endpoint(
            base_url=self.base_url,
            api_key=self.api_key,
            model=self.model,
            categories=self.categories,
            timeout_s=self.deadline_s,
            retry_pause_s=self.retry_pause_s,
            take=self.budget.take if self.budget else lambda: True,
        )
        self._cache: OrderedDict[str, Opinion] = OrderedDict()
        self._flights: dict[str, asyncio.Task[Opinion | Silence]] = {}

    async def opinion(self, message: str) -> Opinion | Silence:
        """What the model makes of the message, or why it said nothing. See Witness."""
        masked = self.mask(message)
        if self.orders.found(masked):
            logger.info("model not asked: the message looks like instructions")
            return Silence(self.model, INSTRUCTIONS)
        key = self._cache_key(masked)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        if flight := self._flights.get(key):
            heard = await asyncio.shield(flight)
            return self._cache.get(key, heard)
        if not self.breaker.lets_through(self.clock()):
            return Silence(self.model, BREAKER_OPEN)
        flight = asyncio.create_task(self._fly(key, masked))
        self._flights[key] = flight
        flight.add_done_callback(lambda _: self._flights.pop(key, None))
        # Shielded: whoever asks the same meanwhile waits for it too.
        return await asyncio.shield(flight)

    async def close(self) -> None:
        """Give up what is being asked, and close the connections."""
        for flight in tuple(self._flights.values()):
            flight.cancel()
        await asyncio.gather(*self._flights.values(), return_exceptions=True)
        await self._endpoint.close()

    async def _fly(self, key: str, masked: str) -> Opinion | Silence:
        """Ask the endpoint, within the deadline; an opinion is kept."""
        started = self.clock()
        usage = Usage()
        try:
            async with asyncio.timeout(self.deadline_s):
                opinion = await self._ask(masked, usage, started)
        except NotAllowed:
            return Silence(self.model, BUDGET_SPENT, self._ms_since(started))
        except Exception as error:  # an endpoint may answer anything, and the client may trip on it
            self.breaker.failed(self.clock())
            logger.warning("model %s gave no opinion: %s", self.model, _cause(error))
            return Silence(self.model, _cause(error), self._ms_since(started))
        finally:
            self._note(usage)
        self.breaker.succeeded()
        self._keep(key, opinion)
        return opinion

    async def _ask(self, masked: str, usage: Usage, started: float) -> Opinion:
        raw, mode = await self._endpoint.ask(masked, usage)
        category, quote = read_answer_json(raw, masked, tuple(self.categories), self.labels)
        return Opinion(
            category,
            quote,
            self.model,
            self._ms_since(started),
            mode,
            prompt_version=PROMPT_VERSION,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cost=self._cost(usage),
        )

    def _cost(self, usage: Usage) -> float | None:
        if self.prices is None:
            return None
        per_prompt, per_completion = self.prices
        total = usage.prompt_tokens * per_prompt + usage.completion_tokens * per_completion
        return round(total / 1_000_000, 8)

    def _note(self, usage: Usage) -> None:
        if self.budget and (usage.prompt_tokens or usage.completion_tokens):
            cost = self._cost(usage) or 0.0
            self.budget.used(usage.prompt_tokens, usage.completion_tokens, cost)

    def _keep(self, key: str, opinion: Opinion) -> None:
        """For the next equal message, which then takes no time, tokens or money."""
        free = None if opinion.cost is None else 0.0
        self._cache[key] = replace(
            opinion, cached=True, latency_ms=0, prompt_tokens=0, completion_tokens=0, cost=free
        )
        if len(self._cache) > _CACHE_SIZE:
            self._cache.popitem(last=False)

    def _ms_since(self, started: float) -> int:
        return round((self.clock() - started) * 1000)

    def _cache_key(self, masked: str) -> str:
        parts = (PROMPT_VERSION, self.model, ",".join(self.categories), normalise(masked))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _cause(error: Exception) -> str:
    """What went wrong without the endpoint's own text: it may echo the customer's."""
    if isinstance(error, BadAnswer):
        return str(error)
    if isinstance(error, TimeoutError | TooLate):
        return "no answer in time"
    status = getattr(error, "status_code", None)
    return f"{type(error).__name__} {status}" if status else type(error).__name__
