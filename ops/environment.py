"""The environment that each part of a running system gets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from desk.settings import Settings
from desk.store.db import libpq_url
from ops.child import ROOT
from ops.ports import Ports
from ops.trouble import Trouble

#: Rasa without telemetry and TensorFlow's chatter; one thread each is twice as fast on few cores.
RASA = {
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_INTRA_OP_PARALLELISM_THREADS": "1",
    "TF_INTER_OP_PARALLELISM_THREADS": "1",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "PYTHONWARNINGS": "ignore::DeprecationWarning",
}

#: The account with the stand-in for Kuaidi100. In a demo nobody waits for half an hour.
STAND_IN = {
    "KEFU_KUAIDI100_KEY": "stand-in",
    "KEFU_KUAIDI100_CUSTOMER": "stand-in",
    "KEFU_KUAIDI100_SECRET": "stand-in",
    "KEFU_KUAIDI100_SAME_NUMBER_MINUTES": "0.5",
}


def bot_environment() -> dict[str, str]:
    """This process's environment for a Rasa command; what is set there wins."""
    return {**RASA, **os.environ}


def service_token(data_dir: Path, env: Mapping[str, str]) -> str:
    """The token shared by desk, bot and actions; made and kept below `data_dir` when unset.

    Raises:
        Trouble: a setting has a value of the wrong kind.
    """
    told = env.get("KEFU_SERVICE_TOKEN", "")
    try:
        return Settings(data_dir=data_dir, service_token=told).secret("service_token")
    except ValidationError as error:
        first = error.errors()[0]
        name = "KEFU_" + str(first["loc"][0]).upper() if first["loc"] else "a setting"
        raise Trouble(f"{name}: {first['msg']}, got {first['input']!r}") from None


def part_environment(
    *,
    data_dir: Path,
    ports: Ports,
    desk_url: str,
    database_url: str,
    demo: bool,
    given: Mapping[str, str],
) -> dict[str, str]:
    """The environment of every part of one system.

    Args:
        data_dir: absolute.
        ports: where the parts listen; a part that is None keeps the URL that the settings name.
        desk_url: the desk as the actions reach it.
        database_url: `postgresql://...`
        demo: used when KEFU_DEMO is not set.
        given: the environment to start from; its settings are kept where they are ours to keep.
    """
    env = {**RASA, **given}
    # Neither part is left to whoever started us: their Python would find the wrong packages.
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        env.pop(name, None)
    env |= {
        "KEFU_DATA_DIR": str(data_dir),
        "KEFU_SERVICE_TOKEN": service_token(data_dir, given),
        "KEFU_DATABASE_URL": database_url,
        "KEFU_BOT_DB_URL": given.get("KEFU_BOT_DB_URL") or libpq_url(database_url),
        "KEFU_PORT": str(ports.desk),
        "KEFU_DESK_URL": desk_url,
        "KEFU_BOT_MODEL": env.get("KEFU_BOT_MODEL") or str(ROOT / "models/kefu.tar.gz"),
        "KEFU_DEMO": env.get("KEFU_DEMO") or ("1" if demo else "0"),
        "PYTHONUNBUFFERED": "1",
    }
    if ports.bot is not None:
        env["KEFU_BOT_PORT"] = str(ports.bot)
        env["KEFU_BOT_URL"] = f"http://127.0.0.1:{ports.bot}"
    if ports.actions is not None:
        env["KEFU_ACTIONS_PORT"] = str(ports.actions)
        env["KEFU_ACTIONS_URL"] = f"http://127.0.0.1:{ports.actions}"
    if ports.carrier is not None:
        env |= STAND_IN
        env["KEFU_CARRIER_PORT"] = str(ports.carrier)
        env["KEFU_KUAIDI100_BASE_URL"] = f"http://127.0.0.1:{ports.carrier}"
    return env
