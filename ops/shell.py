"""`make shell`: chat in the terminal, through the customer API, as a customer would.

make shell                            an accepted order, Chinese
python -m ops shell --state delivered --lang en
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import threading
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from desk.edges.tokens import make_customer_token
from desk.rules.facts import ORDER_STATES
from desk.settings import Settings
from ops.child import ROOT
from ops.ports import wanted_ports
from ops.readiness import missing
from ops.system import System
from ops.trouble import Trouble

HELP = """  (text)            say it          (number)   tap that choice
  /tick CATEGORY    tick a category for the next message; /tick alone lists them
  /human            a person, now   /new       another order, another conversation
  /help             this            /quit      leave"""
WHO = {"bot": "bot", "agent": "agent", "system": "desk"}


class Call:
    """JSON calls to the desk as one customer."""

    def __init__(self, url: str, lang: str) -> None:
        self.url = url
        self.lang = lang
        self.token = ""
        self.opener = build_opener(ProxyHandler({}))

    def __call__(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """The answer; raises Trouble with the desk's own words."""
        headers = {"Accept-Language": self.lang, "Content-Type": "application/json"}
        headers["Authorization"] = f"Bearer {token or self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with self.opener.open(request, timeout=40) as answer:
                return json.loads(answer.read())
        except HTTPError as error:
            raise Trouble(json.loads(error.read())["error"]["message"]) from None
        except OSError as error:
            raise Trouble(f"the desk does not answer: {error}") from None


class Chat:
    """One conversation: what was offered last, and what is ticked for the next message."""

    def __init__(self, call: Call, settings: Settings, state: str) -> None:
        self.call = call
        self.settings = settings
        self.state = state
        self.begin()

    def begin(self) -> None:
        """A new customer with one order."""
        self.id = ""
        self.seen = 0
        self.offered: list[dict[str, str]] = []
        self.ticked: str | None = None
        name = secrets.token_hex(4)
        self.order, customer = f"shell-{name}", f"shell-customer-{name}"
        order = {"customer": customer, "carrier": "shunfeng", "state": self.state}
        order["waybill"] = f"SF{secrets.randbelow(10**13):013d}"
        service = self.settings.secret("service_token")
        self.call("PUT", f"/api/orders/{self.order}", order, token=service)
        merchant = make_customer_token(customer, self.settings.secret("customer_secret"))
        self.call.token = self.call("POST", "/api/session", {"token": merchant})["token"]
        print(f"order {self.order}, {self.state}; /help for help")

    def line(self, text: str) -> bool:
        """Do what a typed line asks for; False = leave."""
        word, _, rest = text.strip().partition(" ")
        if word in ("/quit", "/exit"):
            return False
        if word == "/help":
            print(HELP)
        elif word == "/new":
            self.begin()
        elif word == "/tick":
            self.tick(rest.strip())
        elif word == "/human":
            self.open()
            self.call("POST", f"/api/conversations/{self.id}/human", {})
        elif text.strip().isdigit() and 0 < int(text) <= len(self.offered):
            self.send({"choice": self.offered[int(text) - 1]["id"]})
        elif text.strip():
            self.send({"text": text})
        return True

    def tick(self, category: str) -> None:
        """Tick a category for the next message, or list them."""
        menu = self.call("GET", "/api/categories")["categories"]
        if category in [row["id"] for row in menu]:
            self.ticked = category
            return
        for row in menu:
            print(f"  {row['id']:18} {row['label']}")

    def open(self, **said: Any) -> None:
        """Open the conversation, if need be, with the first words in it."""
        if not self.id:
            body = {"order_id": self.order, "client_id": secrets.token_hex(8), **said}
            self.id = self.call("POST", "/api/conversations", body)["id"]

    def send(self, said: dict[str, str]) -> None:
        """Send text or a choice, with the ticked category."""
        if self.ticked and "text" in said:
            said["category"] = self.ticked
            self.ticked = None
        if not self.id:
            self.open(**said)
            return
        body = {"client_id": secrets.token_hex(8), **said}
        self.call("POST", f"/api/conversations/{self.id}/messages", body)

    def listen(self) -> None:
        """Print what arrives, for as long as the program runs."""
        while True:
            here = self.id
            if not here:
                time.sleep(0.1)
                continue
            try:
                path = f"/api/conversations/{here}/events?after={self.seen}&wait=20"
                for event in self.call("GET", path)["events"]:
                    if here == self.id:
                        self.seen = event["seq"]
                        self.show(event)
            except (Trouble, KeyError):
                time.sleep(1)

    def show(self, event: dict[str, Any]) -> None:
        """One event as lines of text."""
        if ticket := event.get("ticket"):
            print(f"  [ticket {ticket['id']}: {ticket['category']}, {ticket['state']}]")
        if owner := event.get("owner"):
            print(f"  [the conversation belongs to: {owner}]")
        if event.get("text") and event["author"] in WHO:
            print(f"{WHO[event['author']]:>5}> {event['text']}")
        if event.get("choices"):
            self.offered = [c for c in event["choices"] if c["id"] != "human"]
            for number, choice in enumerate(self.offered, start=1):
                print(f"       {number}) {choice['label']}")


def main() -> int:
    """Chat until the customer leaves; 1 when the system cannot be reached or started."""
    parser = argparse.ArgumentParser("make shell", description="Chat in the terminal.")
    parser.add_argument("--lang", choices=("zh", "en"), default="zh")
    parser.add_argument("--state", choices=ORDER_STATES, default="accepted", help="of the order")
    given = parser.parse_args()
    data_dir = Path(os.environ.get("KEFU_DATA_DIR") or ROOT / "var")
    own: System | None = None
    try:
        ports = wanted_ports(os.environ)
        system = System(data_dir, ports=ports, say=lambda line: print(f"  {line}"))
        if missing(system.url) == ["desk"]:
            print("Kefu does not run yet: starting it (it stops when you leave)")
            own = system
            own.start()
        chat = Chat(Call(system.url, given.lang), Settings(data_dir=data_dir), given.state)
        threading.Thread(target=chat.listen, daemon=True).start()
        talk(chat)
    except Trouble as trouble:
        print(f"shell: {trouble}")
        return 1
    except (KeyboardInterrupt, EOFError):
        print()
    finally:
        if own:
            own.stop()
    return 0


def talk(chat: Chat) -> None:
    """Read lines until the end of input; a refusal is printed, and the talk goes on."""
    while True:
        try:
            if not chat.line(input()):
                return
        except Trouble as trouble:
            print(f"  ! {trouble}")
