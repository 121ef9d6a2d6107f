"""Notifications: quiet hours over midnight, when a try is repeated, the standard's signature."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from standardwebhooks.webhooks import Webhook

from desk.edges.webhook import WebhookClient, check
from desk.flow.outbox import Parcel
from desk.rules.notifications import (
    KINDS,
    WAITS_S,
    Answer,
    QuietHours,
    judge,
    read_quiet_hours,
)
from desk.settings import ROOT, new_secret

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: From the libraries of github.com/standard-webhooks: their shared test of a signature.
VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
VECTOR_BODY = '{"test": 2432232314}'
VECTOR_TIME = 1614265330
VECTOR_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def at(clock: str, day: int = 5, month: int = 11) -> datetime:
    return datetime.combine(date(2026, month, day), time.fromisoformat(clock), SHANGHAI)


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        (at("21:59:59"), at("21:59:59")),
        (at("22:00"), at("08:00", 6)),
        (at("23:59:59"), at("08:00", 6)),
        (at("00:00"), at("08:00")),
        (at("07:59:59"), at("08:00")),
        (at("08:00"), at("08:00")),
        (at("23:00", 31, 12), datetime(2027, 1, 1, 8, tzinfo=SHANGHAI)),
    ],
)
def test_news_of_the_night_waits_for_the_morning(said, sent):
    quiet = QuietHours()
    assert quiet.earliest("ticket.completed", said) == sent
    assert quiet.earliest("ticket.completed", said.astimezone(UTC)) == sent


@pytest.mark.parametrize("day", ["2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01"])
def test_the_morning_in_shanghai_is_the_same_moment_when_clocks_change_elsewhere(day):
    evening = datetime.fromisoformat(f"{day}T22:30").replace(tzinfo=SHANGHAI)
    waits = QuietHours().earliest("ticket.progress", evening) - evening
    assert waits == timedelta(hours=9, minutes=30)


def test_where_clocks_change_the_morning_is_still_at_eight():
    quiet = QuietHours(timezone="Europe/Berlin")
    night = datetime(2026, 3, 28, 23, tzinfo=ZoneInfo("Europe/Berlin"))
    assert quiet.earliest("ticket.progress", night.astimezone(UTC)) == datetime(
        2026, 3, 29, 8, tzinfo=ZoneInfo("Europe/Berlin")
    )


def test_an_answer_of_an_agent_may_disturb():
    assert QuietHours().earliest("conversation.agent_message", at("23:00")) == at("23:00")


def test_quiet_hours_may_lie_within_a_day_and_may_be_none():
    noon = QuietHours(start=time(12), end=time(14))
    assert noon.earliest("ticket.opened", at("13:00")) == at("14:00")
    assert noon.earliest("ticket.opened", at("23:00")) == at("23:00")
    never = QuietHours(start=time(0), end=time(0))
    assert never.earliest("ticket.opened", at("00:00")) == at("00:00")


def test_quiet_hours_are_read_from_the_file_with_the_zone_of_the_service():
    data = {
        "service_hours": {"timezone": "Asia/Urumqi"},
        "quiet_hours": {"from": "21:30", "to": 480, "may_disturb": ["ticket.asked"]},
    }
    read = read_quiet_hours(data)
    assert read == QuietHours("Asia/Urumqi", time(21, 30), time(8), frozenset({"ticket.asked"}))
    assert read_quiet_hours({}) == QuietHours()
    assert read_quiet_hours({"quiet_hours": {"may_disturb": []}}).may_disturb == frozenset()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"from": "ten"}, "ten"),
        ({"until": "08:00"}, "until"),
        ({"may_disturb": ["ticket.sold"]}, "ticket.sold"),
        ({"may_disturb": "ticket.asked"}, "ticket.asked"),
        ("22:00-08:00", "22:00-08:00"),
    ],
)
def test_a_mistake_in_the_quiet_hours_is_named(given, named):
    with pytest.raises(ValueError, match=named):
        read_quiet_hours({"quiet_hours": given})


def test_waits_grow_over_about_a_day():
    assert list(WAITS_S) == sorted(WAITS_S)
    assert 24 * 3600 <= sum(WAITS_S) <= 26 * 3600


@pytest.mark.parametrize("status", [None, 500, 502, 503, 408, 425, 429])
def test_what_may_pass_is_tried_for_a_day_and_then_dead(status):
    waits = [judge(n, Answer(status)) for n in range(1, len(WAITS_S) + 1)]
    assert [v.outcome for v in waits] == ["failed"] * len(WAITS_S)
    assert [v.wait_s for v in waits] == list(WAITS_S)
    assert judge(len(WAITS_S) + 1, Answer(status)).outcome == "dead"


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 422])
def test_a_refusal_is_tried_three_times(status):
    assert [judge(n, Answer(status)).outcome for n in (1, 2, 3)] == ["failed", "failed", "dead"]


def test_gone_is_dead_at_once_and_any_2xx_is_taken():
    assert judge(1, Answer(410)).outcome == "dead"
    assert {judge(9, Answer(status)).outcome for status in (200, 202, 204)} == {"delivered"}


def test_a_receiver_may_ask_for_a_longer_wait_but_not_for_more_than_an_hour():
    assert judge(1, Answer(429, retry_after_s=120)).wait_s == 120
    assert judge(1, Answer(429, retry_after_s=1e9)).wait_s == 3600
    assert judge(4, Answer(503, retry_after_s=1)).wait_s == WAITS_S[3]


class Session:
    """Stands in for the HTTP session: keeps what would have been sent."""

    def post(self, url, *, data, headers, allow_redirects):
        self.sent = data, headers
        raise OSError("no network here")


async def test_the_signature_is_that_of_the_standards_own_test():
    client = WebhookClient(
        "https://shop.example/hook",
        VECTOR_SECRET,
        lambda: datetime.fromtimestamp(VECTOR_TIME, SHANGHAI),
    )
    session = client._session = Session()  # type: ignore[assignment]
    answer = await client.send(Parcel(VECTOR_ID, KINDS[0], VECTOR_BODY, 1))
    assert answer == Answer(None, "unreachable OSError")
    body, headers = session.sent  # type: ignore[attr-defined]
    assert body == VECTOR_BODY.encode()
    assert headers == {
        "webhook-id": VECTOR_ID,
        "webhook-timestamp": str(VECTOR_TIME),
        "webhook-signature": VECTOR_SIGNATURE,
    }


def test_the_receiver_in_the_documents_takes_what_is_signed_and_refuses_the_rest():
    page = (ROOT / "docs" / "notifications.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    seen, queued = set(), []
    merchant = {
        "seen_before": lambda name: name in seen or seen.add(name),
        "put_into_queue": queued.append,
    }
    exec(example, merchant)
    merchant["SECRET"] = secret = new_secret("webhook_secret")
    now, body = datetime.now(UTC), '{"data":{"text":"已办结"}}'
    headers = {
        "webhook-id": "d_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("d_1", now, body),
    }
    receive = merchant["receive"]
    assert [receive(body.encode(), headers) for _ in range(2)] == [204, 204]
    assert queued == [{"data": {"text": "已办结"}}]
    assert receive(body.encode() + b" ", headers) == 401
    assert receive(body.encode(), {**headers, "webhook-timestamp": "1614265330"}) == 401


def test_a_made_secret_is_one_that_the_standard_takes():
    made = new_secret("webhook_secret")
    check("https://shop.example/hook", made)
    assert Webhook(made).sign("a", datetime.now(UTC), "{}").startswith("v1,")
    assert made != new_secret("webhook_secret")


@pytest.mark.parametrize(
    ("url", "secret", "named"),
    [
        ("shop.example/hook", VECTOR_SECRET, "KEFU_WEBHOOK_URL"),
        ("ftp://shop.example/hook", VECTOR_SECRET, "KEFU_WEBHOOK_URL"),
        ("https://shop.example/hook", "whsec_not base64!", "KEFU_WEBHOOK_SECRET"),
        ("https://shop.example/hook", "whsec_c2hvcnQ=", "KEFU_WEBHOOK_SECRET.*5 bytes"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(url, secret, named):
    with pytest.raises(ValueError, match=named):
        check(url, secret)
