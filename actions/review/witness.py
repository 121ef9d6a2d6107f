"""The optional further witness: something that can say which category a message belongs to."""

from __future__ import annotations

from typing import Protocol

from actions.review.evidence import Opinion


class Witness(Protocol):
    """One word on one message. It is a witness, not the judge, and it may fail at any time."""

    async def opinion(self, message: str) -> Opinion | None:
        """What the message asks for, or None when nothing usable was said in time.

        Is told the message alone: neither the ticked category nor the order, so that its word is
        independent of them. Never raises, and answers within a fixed time.
        """

    async def close(self) -> None:
        """Let go of connections."""


class NoWitness:
    """No model is configured."""

    async def opinion(self, message: str) -> Opinion | None:
        """Nothing to say."""
        return None

    async def close(self) -> None:
        """Nothing to close."""
