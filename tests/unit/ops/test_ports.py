"""Which ports the system wants, and what it says when one is not to be had."""

from __future__ import annotations

import socket

import pytest

from ops.ports import Ports, free_ports, require_free, wanted_ports
from ops.trouble import Trouble


def test_without_settings_the_documented_ports_are_wanted() -> None:
    assert wanted_ports({}) == Ports(desk=8000, bot=5005, actions=5055, carrier=5065)


def test_every_port_is_a_setting() -> None:
    env = {"KEFU_PORT": "1", "KEFU_BOT_PORT": "2", "KEFU_ACTIONS_PORT": "3"}
    assert wanted_ports({**env, "KEFU_CARRIER_PORT": "4"}) == Ports(1, 2, 3, 4)


@pytest.mark.parametrize(
    "env",
    [
        {"KEFU_DEMO": "0"},
        {"KEFU_KUAIDI100_KEY": "ours"},
        {"KEFU_KUAIDI100_BASE_URL": "http://127.0.0.1:7000"},
    ],
)
def test_only_a_demo_without_a_carrier_of_its_own_gets_the_stand_in(env: dict[str, str]) -> None:
    assert wanted_ports(env).carrier is None


def test_a_system_of_a_test_has_no_stand_in_unless_it_asks_for_one() -> None:
    assert free_ports().carrier is None
    assert free_ports(carrier=True).carrier is not None


def test_an_address_on_this_machine_gives_the_port() -> None:
    assert wanted_ports({"KEFU_BOT_URL": "http://localhost:7000"}).bot == 7000


def test_a_part_at_an_address_elsewhere_is_not_started_here() -> None:
    assert wanted_ports({"KEFU_BOT_URL": "http://rasa.internal:5005"}).bot is None


def test_two_settings_that_contradict_each_other_are_refused() -> None:
    env = {"KEFU_BOT_URL": "http://127.0.0.1:7000", "KEFU_BOT_PORT": "7001"}
    with pytest.raises(Trouble, match="KEFU_BOT_PORT=7001 and KEFU_BOT_URL"):
        wanted_ports(env)


@pytest.mark.parametrize("value", ["80x", "0", "65536", "-1", " "])
def test_what_is_no_port_is_refused_with_the_settings_name(value: str) -> None:
    with pytest.raises(Trouble, match="KEFU_PORT"):
        wanted_ports({"KEFU_PORT": value})


def test_a_taken_port_is_told_with_its_setting_and_the_process_that_has_it() -> None:
    free = free_ports()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Trouble, match=rf"port {port} for the bot.*KEFU_BOT_PORT"):
            require_free(Ports(desk=free.desk, bot=port, actions=free.actions))


def test_one_port_for_two_parts_is_refused() -> None:
    free = free_ports()
    with pytest.raises(Trouble, match="wanted by both desk and actions"):
        require_free(Ports(desk=free.desk, bot=None, actions=free.desk))
