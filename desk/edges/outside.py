"""What the desk calls beyond its database, opened and closed together."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import timedelta

import structlog

from desk.edges.bot_client import BotClient
from desk.edges.carrier_gate import Gate
from desk.edges.kuaidi100 import Account, Kuaidi100
from desk.edges.merchant import MerchantClient
from desk.edges.webhook import WebhookClient
from desk.flow.subscribing import Hook
from desk.settings import Settings
from desk.store.db import Database

log = structlog.get_logger("desk.outside")


@dataclass(frozen=True)
class Outside:
    """The clients of other programs: made once for each process by `open_outside`."""

    bot: BotClient
    #: Where news for the merchant's own channels goes; None: nowhere.
    webhook: WebhookClient | None = None
    #: The merchant's system, for tickets that need the carrier; None: there is none.
    merchant: MerchantClient | None = None
    #: None: there is no account with Kuaidi100, and nobody is asked.
    kuaidi100: Kuaidi100 | None = None
    #: A number is asked about at most once in that time.
    kuaidi100_pause: timedelta = timedelta(minutes=30)
    #: Where tracking pushes are to go; None: they are not asked for.
    track_hook: Hook | None = None

    async def close(self) -> None:
        """Close every connection; never fails."""
        closers = [self.bot.close]
        if self.kuaidi100:
            closers.append(self.kuaidi100.close)
        if self.webhook:
            closers.append(self.webhook.close)
        if self.merchant:
            closers.append(self.merchant.close)
        for close in closers:
            with contextlib.suppress(Exception):
                await close()


async def open_outside(settings: Settings, db: Database) -> Outside:
    """Make the clients of this process.

    Args:
        db: holds the limits that all processes share.

    Raises:
        OSError: a secret cannot be read or made.
        ValueError: the webhook's URL or secret cannot be used.
    """
    bot = BotClient(settings.bot_url, settings.secret("service_token"), settings.bot_timeout_s)
    await bot.open()
    kuaidi100 = _kuaidi100(settings, db)
    if kuaidi100:
        await kuaidi100.open()
    webhook = None
    if settings.webhook_url:
        webhook = WebhookClient(settings.webhook_url, settings.secret("webhook_secret"))
        await webhook.open()
    merchant = None
    if settings.dispatch_url:
        merchant = MerchantClient(settings.dispatch_url, settings.secret("dispatch_secret"))
        await merchant.open()
    return Outside(
        bot=bot,
        merchant=merchant,
        kuaidi100=kuaidi100,
        kuaidi100_pause=timedelta(minutes=settings.kuaidi100_same_number_minutes),
        track_hook=_track_hook(settings),
        webhook=webhook,
    )


def _kuaidi100(settings: Settings, db: Database) -> Kuaidi100 | None:
    """The client of Kuaidi100, if there is an account; the log says once what is on."""
    if not settings.asks_kuaidi100:
        log.info("Kuaidi100 is not asked: an account needs a key, a customer and a secret")
        return None
    gate = Gate(db, "kuaidi100", settings.kuaidi100_calls_per_5_s, settings.kuaidi100_calls_per_day)
    return Kuaidi100(
        Account(settings.kuaidi100_key, settings.kuaidi100_customer, settings.kuaidi100_secret),
        settings.kuaidi100_base_url,
        settings.kuaidi100_tickets,
        settings.kuaidi100_timeout_s,
        gate,
    )


def _track_hook(settings: Settings) -> Hook | None:
    if not settings.subscribes_kuaidi100:
        return None
    url = f"{settings.base_url}/hooks/kuaidi100/track"
    return Hook(url, settings.secret("kuaidi100_salt"))
