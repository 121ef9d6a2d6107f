"""The action server as a process: settings, start, health, a real call, a taken port, an end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions.catalog import load_catalog
from actions.registry import ACTIONS, make_executor, make_tools, make_witness
from actions.review.openai_witness import OpenAIWitness
from actions.review.witness import NoWitness
from actions.settings import BadSetting, read_settings

ROOT = Path(__file__).resolve().parents[3]


def test_every_setting_has_a_default() -> None:
    settings = read_settings({})
    assert (settings.host, settings.port) == ("127.0.0.1", 5055)
    assert settings.desk_url == "http://127.0.0.1:8000"
    assert settings.token_file == ROOT / "var" / "secrets" / "service_token"


def test_settings_come_from_the_environment() -> None:
    settings = read_settings(
        {"KEFU_ACTIONS_PORT": "6055", "KEFU_DESK_URL": "http://desk:1/", "KEFU_SERVICE_TOKEN": "s"}
    )
    assert (settings.port, settings.desk_url, settings.service_token()) == (
        6055,
        "http://desk:1",
        "s",
    )


@pytest.mark.parametrize("port", ["x", "0", "70000", "-1", "５０"])
def test_a_port_that_is_none_is_named(port: str) -> None:
    with pytest.raises(BadSetting, match="KEFU_ACTIONS_PORT"):
        read_settings({"KEFU_ACTIONS_PORT": port})


def test_the_models_budget_and_prices_come_from_the_environment(tmp_path: Path) -> None:
    settings = read_settings(
        {
            "KEFU_DATA_DIR": str(tmp_path),
            "KEFU_MODEL_CALLS_PER_DAY": "20",
            "KEFU_MODEL_TOKENS_PER_DAY": "0",
            "KEFU_MODEL_PROMPT_PRICE": "2",
            "KEFU_MODEL_COMPLETION_PRICE": "8.5",
        }
    )
    assert (settings.model_calls_per_day, settings.model_tokens_per_day) == (20, 0)
    assert settings.model_prices == (2.0, 8.5)
    assert settings.model_budget_file == tmp_path / "model_budget.json"
    assert read_settings({}).model_prices is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEFU_MODEL_CALLS_PER_DAY", "-1"),
        ("KEFU_MODEL_TOKENS_PER_DAY", "1e6"),
        ("KEFU_MODEL_PROMPT_PRICE", "2"),
        ("KEFU_MODEL_COMPLETION_PRICE", "nan"),
    ],
)
def test_a_budget_or_price_that_is_none_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        read_settings({name: value})


def test_the_token_may_be_made_by_the_desk_after_our_start(tmp_path: Path) -> None:
    settings = read_settings({"KEFU_DATA_DIR": str(tmp_path)})
    assert settings.service_token() == ""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "service_token").write_text("made\n", encoding="utf-8")
    assert settings.service_token() == "made"


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({}, NoWitness),
        ({"KEFU_MODEL_NAME": "m"}, NoWitness),
        ({"KEFU_MODEL_BASE_URL": "http://x"}, NoWitness),
        ({"KEFU_MODEL_NAME": "m", "KEFU_MODEL_API_KEY": "k"}, OpenAIWitness),
        ({"KEFU_MODEL_NAME": "m", "KEFU_MODEL_BASE_URL": "http://x"}, OpenAIWitness),
    ],
)
def test_a_model_is_asked_only_if_one_is_named_and_reachable(
    environ: dict[str, str], kind: type
) -> None:
    catalog = load_catalog(ROOT / "data" / "categories.yml")
    assert isinstance(make_witness(read_settings(environ), catalog), kind)


def test_the_domain_and_the_server_know_the_same_actions() -> None:
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    served = make_executor(make_tools(read_settings({}))).actions
    assert set(served) == set(domain["actions"])
    assert len(served) == len(ACTIONS)


def test_every_sentence_the_actions_name_is_in_the_domain_in_both_languages() -> None:
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    named = set()
    for path in (ROOT / "actions" / "acts").glob("*.py"):
        for word in path.read_text(encoding="utf-8").replace('"', " ").split():
            if word.startswith("utter_") and word != "utter_message":
                named.add(word)
    named = {name for name in named if name.isidentifier()}
    assert len(named) >= 10
    for name in named:
        variations = domain["responses"][name]
        assert len(variations) == 2
        assert "condition" in variations[0]


class Server:
    """`python -m actions` on a port of its own."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        environ = {**os.environ, "KEFU_ACTIONS_PORT": str(port), "KEFU_SERVICE_TOKEN": "s"}
        environ |= {"KEFU_DESK_URL": "http://127.0.0.1:9"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "actions"],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait(self) -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                assert self.get("/health") == {"status": "ok"}
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the action server did not start")

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return json.load(answer)

    def post(self, body: Any) -> tuple[int, Any]:
        request = urllib.request.Request(
            self.url + "/webhook",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    running = Server(port)
    try:
        running.wait()
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def call(action: str, tracker: Any) -> dict[str, Any]:
    """An action call as Rasa 3.6 makes it."""
    state = tracker.current_state()
    return {"next_action": action, "sender_id": "c-1", "tracker": state, "domain": {}}


def test_a_call_is_answered_in_rasas_form(server: Server, make_tracker: Any) -> None:
    status, answer = server.post(call("action_review", make_tracker()))
    assert status == 200
    assert answer["responses"] == []
    assert {"event": "slot", "timestamp": None, "name": "category", "value": "pickup_urge"} in (
        answer["events"]
    )


def test_a_desk_that_is_down_becomes_an_honest_answer(server: Server, make_tracker: Any) -> None:
    tracker = make_tracker(slots={"category": "pickup_urge", "request_text": "还没来"})
    status, answer = server.post(call("action_create_ticket", tracker))
    assert status == 200
    assert answer["responses"][0]["response"] == "utter_ticket_failed"
    assert answer["responses"][1]["custom"]["hand_over"]["reason"] == "ticket_failed"


def test_a_broken_call_fails_without_repeating_it(server: Server) -> None:
    secret = "电话13912345678"
    broken = {"next_action": "action_review", "tracker": {"slots": secret}, "domain": {}}
    status, answer = server.post(broken)
    assert status == 500
    assert answer == {"error": "the action failed", "action_name": "action_review"}


def test_an_unknown_action_is_404(server: Server, make_tracker: Any) -> None:
    assert server.post(call("action_pizza", make_tracker()))[0] == 404


@pytest.mark.parametrize("body", [[], {}, "x", {"tracker": {}}])
def test_what_is_no_call_is_400(server: Server, body: Any) -> None:
    assert server.post(body)[0] == 400


def test_a_taken_port_is_one_clear_line(server: Server) -> None:
    port = server.url.rsplit(":", 1)[1]
    environ = {**os.environ, "KEFU_ACTIONS_PORT": port}
    second = subprocess.run(
        [sys.executable, "-m", "actions"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr.splitlines() == [
        f"actions: cannot listen on 127.0.0.1:{port}: Address already in use "
        "(KEFU_ACTIONS_PORT sets another)"
    ]


def test_it_ends_cleanly_on_sigterm(server: Server) -> None:
    server.process.send_signal(signal.SIGTERM)
    out, _ = server.process.communicate(timeout=60)
    assert server.process.returncode == 0
    assert "Traceback" not in out.split("action_review failed")[0]
    assert "13912345678" not in out
