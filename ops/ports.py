"""The ports on this machine: the wanted ones, free ones, and who holds a taken one."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

from ops.trouble import Trouble

LOCAL = ("127.0.0.1", "localhost", "::1", "0.0.0.0")


@dataclass(frozen=True)
class Ports:
    """Where each part listens; None = that part runs elsewhere and is not started here."""

    desk: int
    bot: int | None
    actions: int | None
    #: The stand-in for a carrier's platform; None = none is started.
    carrier: int | None = None


def wanted_ports(env: Mapping[str, str]) -> Ports:
    """The ports that the settings ask for.

    `KEFU_BOT_URL` and `KEFU_ACTIONS_URL` name an address instead: one on this machine gives the
    port, one elsewhere means that this part is somebody else's to run. A demo without an account
    with Kuaidi100 gets a stand-in for it.

    Raises:
        Trouble: a value is no port, or two settings contradict each other.
    """
    return Ports(
        desk=_port(env, "KEFU_PORT", 8000),
        bot=_local(env, "KEFU_BOT_URL", "KEFU_BOT_PORT", 5005),
        actions=_local(env, "KEFU_ACTIONS_URL", "KEFU_ACTIONS_PORT", 5055),
        carrier=_port(env, "KEFU_CARRIER_PORT", 5065) if _wants_stand_in(env) else None,
    )


def is_demo(env: Mapping[str, str], default: bool = True) -> bool:
    """Whether KEFU_DEMO is on; `default` where it is not set."""
    told = env.get("KEFU_DEMO", "").lower()
    return told in ("1", "true", "yes", "on") if told else default


def _wants_stand_in(env: Mapping[str, str]) -> bool:
    theirs = env.get("KEFU_KUAIDI100_KEY") or env.get("KEFU_KUAIDI100_BASE_URL")
    return is_demo(env) and not theirs


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Trouble(f"{name}: expected a port from 1 to 65535, got {text!r}")
    return int(text)


def _local(env: Mapping[str, str], url_name: str, port_name: str, default: int) -> int | None:
    if not env.get(url_name):
        return _port(env, port_name, default)
    url = urlsplit(env[url_name])
    try:
        port = url.port or (443 if url.scheme == "https" else 80)
    except ValueError:
        raise Trouble(f"{url_name}: the port of {env[url_name]!r} is not a number") from None
    if url.hostname not in LOCAL:
        return None
    if env.get(port_name) and _port(env, port_name, default) != port:
        raise Trouble(
            f"{port_name}={env[port_name]} and {url_name}={env[url_name]} name different ports:"
            " set one of them"
        )
    return port


def free_ports(carrier: bool = False) -> Ports:
    """Ports that nobody uses now; one for the stand-in for a carrier only where it is wanted."""
    sockets = [socket.socket() for _ in range(4 if carrier else 3)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return Ports(*(each.getsockname()[1] for each in sockets))
    finally:
        for each in sockets:
            each.close()


def require_free(ports: Ports, host: str = "127.0.0.1") -> None:
    """Check that every port can be had.

    Raises:
        Trouble: names the port, its setting, and the process that has it where that can be found.
    """
    wanted = (
        ("desk", "KEFU_PORT", host, ports.desk),
        ("bot", "KEFU_BOT_PORT", "127.0.0.1", ports.bot),
        ("actions", "KEFU_ACTIONS_PORT", "127.0.0.1", ports.actions),
        ("carrier", "KEFU_CARRIER_PORT", "127.0.0.1", ports.carrier),
    )
    taken_by: dict[int, str] = {}
    for part, setting, address, port in wanted:
        if port is None:
            continue
        if port in taken_by:
            raise Trouble(
                f"port {port} is wanted by both {taken_by[port]} and {part}: set {setting}"
            )
        taken_by[port] = part
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as probe:
            # As servers do: a port in its last wait after a stop is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                raise Trouble(
                    f"port {port} for the {part}: {error.strerror}{_holder(port)}."
                    f" Stop that program, or set {setting} to another port"
                ) from None


def _holder(port: int) -> str:
    """` by <program> (process <id>)`, or nothing where the system does not tell."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            local = connection.laddr
            if listens and local and local.port == port and connection.pid:
                command = psutil.Process(connection.pid).cmdline()
                return f" by {' '.join(command)[:80]!r} (process {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return ""
