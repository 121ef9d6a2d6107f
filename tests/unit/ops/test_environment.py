"""What each part of a running system is told about the carrier and the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk.settings import Settings
from ops.environment import part_environment
from ops.ports import Ports
from ops.system import STOPPING

NOTHING = "postgresql://nobody@localhost/nothing"


def environment(
    tmp_path: Path, ports: Ports, database_url: str = NOTHING, **given: str
) -> dict[str, str]:
    return part_environment(
        data_dir=tmp_path,
        ports=ports,
        desk_url="http://127.0.0.1:1",
        database_url=database_url,
        demo=True,
        given=given,
    )


def test_with_a_stand_in_the_desk_has_an_account_with_it(tmp_path: Path, monkeypatch) -> None:
    env = environment(tmp_path, Ports(1, 2, 3, carrier=4))
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.asks_kuaidi100
    assert settings.subscribes_kuaidi100
    assert settings.kuaidi100_base_url == settings.kuaidi100_tickets == "http://127.0.0.1:4"


def test_without_a_stand_in_nothing_is_made_up(tmp_path: Path) -> None:
    env = environment(tmp_path, Ports(1, 2, 3))
    assert not [name for name in env if "KUAIDI100" in name or "CARRIER" in name]


def test_an_account_of_ones_own_is_left_alone(tmp_path: Path) -> None:
    env = environment(tmp_path, Ports(1, 2, 3), KEFU_KUAIDI100_KEY="ours")
    assert env["KEFU_KUAIDI100_KEY"] == "ours"


def test_the_carrier_goes_last_so_that_the_desk_can_finish() -> None:
    assert STOPPING[0] == "desk"
    assert STOPPING[-1] == "carrier"


@pytest.mark.parametrize(
    ("told", "rasas"),
    [
        (
            "postgresql://postgres:@/kefu?host=/tmp/a b",
            "postgresql://postgres:@/kefu?host=%2Ftmp%2Fa+b",
        ),
        ("postgres://u:p%40ss@db:5432/kefu", "postgresql://u:p%40ss@db:5432/kefu"),
        ("postgresql+psycopg://u@db/kefu", "postgresql://u@db/kefu"),
    ],
)
def test_rasa_gets_the_same_database(tmp_path: Path, told: str, rasas: str) -> None:
    env = environment(tmp_path, Ports(1, 2, 3), database_url=told)
    assert env["KEFU_BOT_DB_URL"] == rasas


def test_another_kind_of_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected postgresql://"):
        environment(tmp_path, Ports(1, 2, 3), database_url="mysql://u@db/kefu")
