"""The optional further witness: something that can say which category a message belongs to."""

from __future__ import annotations

from typing import Protocol

from actions.review.evidence import Opinion, Silence


class Witness(Protocol):
    """One word on one message. It is a witness, not the judge, and it may fail at any time."""

    @property
    def model(self) -> str:
        """The model's name; empty when there is none and asking is no use."""

    async def opinion(self, message: str) -> Opinion | Silence:
        """What the message asks for, or why nothing usable was said in time.

        Is told the message alone: neither the ticked category nor the order, so that its word is
        independent of them. Never raises, and answers within a fixed time.
        """

    async def close(self) -> None:
        """Let go of connections."""


class NoWitness:
    """No model is configured."""

    model = ""

    async def opinion(self, message: str) -> Silence:
        """Nothing to say."""
        return Silence("", "no model is configured")

    async def close(self) -> None:
        """Nothing to close."""
