"""The client of Kuaidi100's ticket API (商家寄件工单): create, status, messages.

Source: Kuaidi100's page of the ticket API and its public samples: `/workorder/api/create`,
`/status` and `/reply` (methods `queryReply` and `addReply`), signed like orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from desk.edges.kuaidi100 import Kuaidi100
from desk.rules.carrier_api import CarrierUnknown


class Kuaidi100Tickets:
    """Implements `TicketApi` on the account's client, within the account's limits."""

    def __init__(self, client: Kuaidi100) -> None:
        self._client = client

    async def create(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Open a ticket; never repeated by itself once it may have been received.

        Returns:
            `{"code": 200, "data": {"id", "status"}, ...}`.

        Raises:
            CarrierFailed: one of its four kinds.
        """
        answer = await self._client.call("workorder", "/workorder/api/create", request)
        if answer.get("success") is False:  # a yes and a no at once
            raise CarrierUnknown("the answer contradicts itself")
        return answer

    async def status(self, remote_id: str) -> Mapping[str, Any]:
        """How a ticket stands.

        Raises:
            CarrierFailed: one of its four kinds.
        """
        return await self._client.call(
            "workorder", "/workorder/api/status", {"consultId": remote_id}, repeatable=True
        )

    async def replies(self, remote_id: str) -> Mapping[str, Any]:
        """The messages of a ticket, ours among them.

        Raises:
            CarrierFailed: one of its four kinds.
        """
        return await self._client.call(
            "workorder",
            "/workorder/api/reply",
            {"consultId": remote_id},
            method="queryReply",
            repeatable=True,
        )

    async def reply(self, remote_id: str, content: str) -> Mapping[str, Any]:
        """Add words to a ticket; never repeated by itself once they may have been received.

        Raises:
            CarrierFailed: one of its four kinds.
        """
        return await self._client.call(
            "workorder",
            "/workorder/api/reply",
            {"consultId": remote_id, "content": content, "attach": []},
            method="addReply",
        )
