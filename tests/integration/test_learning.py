"""From tickets on a real PostgreSQL to the designer's file: what people did becomes labels."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from desk.flow import bot, customer
from desk.flow.agent import Agent, agent_opens_ticket, correct_category, resolve_ticket
from desk.flow.desk import Desk
from desk.flow.reopening import reopen
from desk.store import orders
from desk.store.db import libpq_url
from learning import rows
from learning.history import History
from ops import desk_database, learn, learning_data

LIN = Agent("a_lin", "小林", "agent")
REVIEW = {"confirmed_by": "agreement", "stated": "loss_claim"}


class Talk:
    """A customer with an order and a conversation, as desk and bot see them."""

    def __init__(self, desk: Desk, name: str = "cust") -> None:
        number = uuid.uuid4().hex[:10]
        self.desk, self.who, self.order = desk, f"{name}-{number}", f"o-{number}"
        self.waybill, self.id = f"YT{number}", ""

    async def open(self, text: str, stated: str | None) -> Talk:
        values = {"customer_id": self.who, "carrier": "yuantong", "waybill": self.waybill}
        values |= {"carrier_order_id": None, "state": "accepted", "fees": [], "details": {}}
        async with self.desk.db.begin() as tx:
            await orders.put(tx, self.order, values, self.desk.now())
        opened, _ = await customer.open_conversation(
            self.desk, self.who, self.order, "zh", stated, text, "open"
        )
        self.id = opened.id
        return self

    async def asked(self, *choices: str) -> None:
        """The bot answers what was said last with a question."""
        turn = await bot.begin_turn(self.desk, self.id)
        offered = [{"id": choice, "label": choice} for choice in choices]
        await bot.finish_turn(self.desk, turn, [{"text": "哪一个？", "choices": offered}])

    async def taps(self, choice: str) -> None:
        await customer.choose(self.desk, self.who, self.id, choice, uuid.uuid4().hex)

    async def ticket(self, category: str, text: str, **more: Any) -> dict[str, Any]:
        """The bot acts on what the customer did last."""
        turn = await bot.begin_turn(self.desk, self.id)
        request = {"conversation_id": self.id, "epoch": turn.epoch, "category": category}
        request |= {"idempotency_key": turn.request["message_id"], "text": text}
        made = await bot.bot_opens_ticket(self.desk, {**request, "review": REVIEW, **more})
        await bot.finish_turn(self.desk, turn, [{"text": "已登记"}])
        return made["ticket"]


@pytest.fixture(name="folder", autouse=True)
def _folder(tmp_path, monkeypatch) -> Iterator[Any]:
    """The files of data/learned, elsewhere."""
    monkeypatch.setattr(learn, "CANDIDATES", tmp_path / "candidates.yml")
    monkeypatch.setattr(learn, "ROOT", tmp_path.parent)
    monkeypatch.setattr(learning_data, "MISTICK", tmp_path / "mistick.yml")
    yield tmp_path


def of(database_url: str, *talks: Talk) -> list[History]:
    """The histories of these conversations alone: other tests use the same database."""
    orders_of = {talk.order for talk in talks}
    return [h for h in rows.read(database_url) if orders_of & set(h.private)]


async def test_what_people_did_with_tickets_is_written_for_the_designer(
    desk, database_url, folder
) -> None:
    tapped = await Talk(desk).open("寄的箱子还搁门口呢，咋先收我钱了呀", "false_pickup")
    await tapped.asked("pickup_urge", "charge_dispute")
    await tapped.taps("pickup_urge")
    await tapped.ticket("pickup_urge", "寄的箱子还搁门口呢，咋先收我钱了呀")

    by_agent = await Talk(desk).open("鞋盒里头少了一只，打13912345678找我", "damage_claim")
    wrong = await by_agent.ticket("damage_claim", "鞋盒里头少了一只，打13912345678找我")
    await correct_category(desk, LIN, wrong["id"], "loss_claim")

    by_customer = await Talk(desk).open("那个跑腿的冲我妈嚷嚷好半天", "delivery_urge")
    wrong = await by_customer.ticket("delivery_urge", "那个跑腿的冲我妈嚷嚷好半天")
    await customer.say(desk, by_customer.who, by_customer.id, "不对", "k2")
    await by_customer.asked("courier_complaint")
    await by_customer.taps("courier_complaint")
    await by_customer.ticket("courier_complaint", "不对", correct_ticket_id=wrong["id"])

    reopened = await Talk(desk).open("到站点三天了没人搬上六楼给我", None)
    done = await reopened.ticket("delivery_urge", "到站点三天了没人搬上六楼给我")
    await resolve_ticket(desk, LIN, done["id"], "已联系网点")
    async with desk.db.begin() as tx:
        held = await desk.must_lock(tx, reopened.id)
        await reopen(desk, tx, held, done["id"], "customer")

    quiet = await Talk(desk).open("一句没有人确认过的话", "pickup_urge")
    await quiet.ticket("pickup_urge", "一句没有人确认过的话")

    learn.export(of(database_url, tapped, by_agent, by_customer, reopened, quiet))
    written = yaml.safe_load((folder / "candidates.yml").read_text("utf-8"))["candidates"]
    assert {(row["label"], row["source"], row["stated"]) for row in written} == {
        ("pickup_urge", "choice", "false_pickup"),
        ("loss_claim", "agent_correction", "damage_claim"),
        ("courier_complaint", "customer_correction", "delivery_urge"),
        ("delivery_urge", "reopened", None),
    }
    assert all(row["accept"] is None for row in written)
    assert "鞋盒里头少了一只,打[电话]找我" in {row["text"] for row in written}
    counted = yaml.safe_load((folder / "mistick.yml").read_text("utf-8"))["observed"]
    assert counted == {
        "courier_complaint": {"delivery_urge": 1},
        "loss_claim": {"damage_claim": 1},
        "pickup_urge": {"false_pickup": 1},
    }


async def test_a_second_export_adds_nothing_and_keeps_what_was_decided(
    desk, database_url, folder
) -> None:
    talk = await Talk(desk).open("寄出的柜子在转运那儿趴窝一礼拜啦", "delivery_urge")
    await talk.asked("transit_urge", "delivery_urge")
    await talk.taps("transit_urge")
    await talk.ticket("transit_urge", "寄出的柜子在转运那儿趴窝一礼拜啦")
    learn.export(of(database_url, talk))
    path = folder / "candidates.yml"
    text = path.read_text("utf-8").replace("accept:\n", "accept: yes\n")
    path.write_text(text, encoding="utf-8")
    learn.export(of(database_url, talk))
    assert path.read_text("utf-8") == text
    assert "accept: yes" in text


async def test_a_message_of_the_test_set_is_left_out(desk, database_url, folder, capsys) -> None:
    known = next(iter(learning_data.case_lines(learning_data.CASES / "test.jsonl"))).message
    talk = await Talk(desk).open(known, "pickup_urge")
    await talk.asked("loss_claim", "pickup_urge")
    await talk.taps("loss_claim")
    await talk.ticket("loss_claim", known)
    learn.export(of(database_url, talk))
    assert not (folder / "candidates.yml").exists()
    assert "1 left out" in capsys.readouterr().out


async def test_a_merged_ticket_and_an_agents_own_ticket_are_told_apart(
    desk, database_url, folder
) -> None:
    talk = await Talk(desk).open("收了我两回运费，头一回是微信", "weight_dispute")
    first = await talk.ticket("weight_dispute", "收了我两回运费，头一回是微信")
    await agent_opens_ticket(desk, LIN, talk.id, "charge_dispute", "客户说重复扣费", "k9")
    await correct_category(desk, LIN, first["id"], "charge_dispute")
    learn.export(of(database_url, talk))
    (row,) = yaml.safe_load((folder / "candidates.yml").read_text("utf-8"))["candidates"]
    assert (row["label"], row["source"]) == ("charge_dispute", "merged")


async def test_simulated_customers_teach_nothing(desk, database_url) -> None:
    talk = await Talk(desk, "eval").open("模拟出来的人说的话", "pickup_urge")
    await talk.ticket("pickup_urge", "模拟出来的人说的话")
    assert of(database_url, talk) == []


async def test_the_desk_keeps_the_tick_with_a_ticket_whatever_the_bot_remembers(
    desk, database_url
) -> None:
    talk = await Talk(desk).open("催一催好不好嘛", "transit_urge")
    await talk.ticket("pickup_urge", "催一催好不好嘛")
    (history,) = of(database_url, talk)
    assert history.stated == "transit_urge"


async def test_a_given_database_is_used_and_a_new_folder_has_none(tmp_path) -> None:
    with desk_database.desk_database(tmp_path, {"KEFU_DATABASE_URL": "postgresql://x"}) as url:
        assert url == "postgresql://x"
    with desk_database.desk_database(tmp_path, {}) as url:
        assert url is None
    assert list(tmp_path.iterdir()) == []


async def test_a_running_systems_database_is_joined_and_left_running(
    database_url, tmp_path
) -> None:
    folder = embedded_folder(database_url)
    joined = desk_database.url_of_running(folder)
    assert rows.read(joined) is not None
    assert rows.read(database_url) is not None


def embedded_folder(database_url: str) -> Path:
    """Where the tests' server keeps its files."""
    with psycopg.connect(libpq_url(database_url)) as connection:
        return Path(connection.execute("show data_directory").fetchone()[0])
