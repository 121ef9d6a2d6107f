"""The client of Kuaidi100's API: signed, within its limits, and clear about what a failure means.

Source: Kuaidi100's API pages and public SDKs. All calls are form-encoded POSTs with a JSON text in
`param`. Numbers, phones and keys are never logged.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog

from desk.edges import metrics
from desk.edges.carrier_gate import Gate
from desk.flow.desk import utc_now
from desk.rules.carrier_api import (
    CarrierFailed,
    CarrierLimit,
    CarrierUnknown,
    CarrierUnreachable,
    Shipment,
)
from desk.rules.kuaidi100_answers import Service, read_answer
from desk.rules.signatures import kuaidi100_customer_sign, kuaidi100_secret_sign

log = structlog.get_logger("desk.kuaidi100")

#: The longest answer that is read, bytes: a parcel's record has some ten kilobytes.
LONGEST_ANSWER = 1_000_000
CONNECT_S = 3.0
RETRY_AFTER_S = 0.5


@dataclass(frozen=True)
class Account:
    """Our account with Kuaidi100."""

    key: str
    customer: str
    secret: str


class Kuaidi100:
    """Implements `CarrierApi`; `call` is there for the other services of the same account.

    Args:
        base_url: of queries, subscriptions and orders.
        ticket_url: of tickets.
        timeout_s: longest wait for one answer.
        gate: the limits.
    """

    def __init__(
        self, account: Account, base_url: str, ticket_url: str, timeout_s: float, gate: Gate
    ) -> None:
        self._account, self._gate, self._timeout_s = account, gate, timeout_s
        self._base = {service: base_url.rstrip("/") for service in ("query", "subscribe", "order")}
        self._base["workorder"] = ticket_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        # A kept connection may be closed just as we send, and nobody could say whether the
        # request was received; a new one for each call leaves no doubt.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(
                total=self._timeout_s, sock_connect=min(CONNECT_S, self._timeout_s)
            ),
        )

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    # --- what can be asked ----------------------------------------------------------------------

    async def query(self, shipment: Shipment) -> Mapping[str, Any]:
        """The tracking record of a shipment, with the advanced codes.

        Raises:
            CarrierFailed: one of its four kinds; CarrierRefused "500" = there is no record.
        """
        param = {
            "com": shipment.company,
            "num": shipment.waybill,
            "phone": shipment.phone or "",
            "resultv2": "4",  # advanced codes: the basic 1 does not prove that it was collected
            "show": "0",
            "order": "desc",
        }
        # not repeatable: asked about twice within half an hour, a number is locked
        answer = await self.call("query", "/poll/query.do", param)
        if answer.get("nu") != shipment.waybill or not isinstance(answer.get("data"), list):
            raise CarrierUnknown("the answer is not about the number that was asked about")
        return answer

    async def detail(self, task_id: str) -> Mapping[str, Any]:
        """The state of an order placed through Kuaidi100.

        Raises:
            CarrierFailed: one of its four kinds.
        """
        param = {"taskId": task_id}
        answer = await self.call(
            "order", "/order/borderapi.do", param, method="detail", repeatable=True
        )
        data = answer.get("data")
        if not isinstance(data, dict) or data.get("status") in (None, ""):
            raise CarrierUnknown("the answer has no order with a status")
        if data.get("taskId") not in (None, "", task_id):
            raise CarrierUnknown("the answer is not about the order that was asked about")
        return answer

    async def subscribe(self, shipment: Shipment, callback_url: str, salt: str) -> None:
        """Have news of a shipment pushed; "already subscribed" is a yes.

        Raises:
            CarrierFailed: one of its four kinds.
        """
        wishes = {"callbackurl": callback_url, "salt": salt, "resultv2": "4"}
        if shipment.phone:
            wishes["phone"] = shipment.phone
        param = {
            "company": shipment.company,
            "number": shipment.waybill,
            "key": self._account.key,
            "parameters": wishes,
        }
        await self.call("subscribe", "/poll", param, repeatable=True)

    # --- one call -------------------------------------------------------------------------------

    async def call(
        self,
        service: Service,
        path: str,
        param: Mapping[str, Any],
        *,
        method: str | None = None,
        repeatable: bool = False,
    ) -> Mapping[str, Any]:
        """One signed call. One that was certainly not received is sent once more.

        Args:
            service: says where it goes, how it is signed and what its codes mean.
            param: becomes the JSON text that is signed.
            method: of services that have several under one path.
            repeatable: doing it twice does no harm, so it may be sent again in any case.

        Returns:
            The answer, which is a yes.

        Raises:
            CarrierLimit: nothing was done; come back later.
            CarrierUnreachable: certainly not received.
            CarrierUnknown: it may have been received.
            CarrierRefused: a clear no.
        """
        text = json.dumps(param, ensure_ascii=False, separators=(",", ":"))
        began = time.monotonic()
        outcome = "ok"
        try:
            try:
                return await self._once(service, path, text, method)
            except (CarrierUnreachable, CarrierUnknown) as failure:
                if isinstance(failure, CarrierUnknown) and not repeatable:
                    raise
            await asyncio.sleep(RETRY_AFTER_S)
            return await self._once(service, path, text, method)
        except CarrierFailed as failure:
            outcome = type(failure).__name__.removeprefix("Carrier").lower()
            if not isinstance(failure, CarrierLimit):
                log.warning("call to kuaidi100 failed", service=service, why=str(failure))
            raise
        finally:
            metrics.CARRIER_CALLS.labels(service=service, outcome=outcome).inc()
            metrics.CARRIER_SECONDS.labels(service=service).observe(time.monotonic() - began)

    async def _once(
        self, service: Service, path: str, text: str, method: str | None
    ) -> Mapping[str, Any]:
        failures = await self._gate.enter(service)
        url, form = self._base[service] + path, self._form(service, text, method)
        try:
            status, body = await self._post(url, form)
            answer = read_answer(service, status, body, utc_now())
        except CarrierFailed as failure:
            await self._gate.leave(service, failures, failure)
            raise
        await self._gate.leave(service, failures)
        return answer

    def _form(self, service: Service, text: str, method: str | None) -> dict[str, str]:
        """The form fields of a call, signed as its service wants it."""
        account, form = self._account, {"param": text}
        if service == "query":
            sign = kuaidi100_customer_sign(text, account.key, account.customer)
            return {**form, "customer": account.customer, "sign": sign}
        if service == "subscribe":  # the key is in `param`
            return {**form, "schema": "json"}
        t = str(time.time_ns() // 1_000_000)
        sign = kuaidi100_secret_sign(text, t, account.key, account.secret)
        form |= {"key": account.key, "t": t, "sign": sign}
        return form | ({"method": method} if method else {})

    async def _post(self, url: str, form: Mapping[str, str]) -> tuple[int, str]:
        """HTTP status and text of the answer; of errors only the kind is passed on."""
        assert self._session is not None
        try:
            async with self._session.post(url, data=form, allow_redirects=False) as response:
                body = b""
                async for chunk in response.content.iter_chunked(65536):
                    body += chunk
                    if len(body) > LONGEST_ANSWER:
                        response.close()  # what is left of it is not waited for
                        raise CarrierUnknown(f"the answer is longer than {LONGEST_ANSWER} bytes")
                return response.status, body.decode("utf-8", "replace")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise CarrierUnreachable(type(error).__name__) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CarrierUnknown(type(error).__name__) from None
