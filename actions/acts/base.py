"""What every action is given, and the words they share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from actions.catalog import Catalog
from actions.desk_client import DeskClient
from actions.review.settings import ReviewSettings
from actions.review.two_needs import TwoNeeds
from actions.review.witness import Witness
from actions.review.wrong_ticket import WrongTicket


@dataclass(frozen=True)
class Tools:
    """Everything outside an action that it works with."""

    catalog: Catalog
    settings: ReviewSettings
    two_needs: TwoNeeds
    wrong_ticket: WrongTicket
    desk: DeskClient
    witness: Witness


def choice_buttons(catalog: Catalog, offered: Sequence[str], lang: str) -> list[dict[str, str]]:
    """A button for each category; 都不是 is part of the response in domain.yml."""
    return [
        {
            "title": catalog[name].choice[lang],
            "payload": "/choose" + json.dumps({"category": name}, separators=(",", ":")),
        }
        for name in offered
    ]
