"""The one place where the actions meet what they work with."""

from __future__ import annotations

import logging
from collections.abc import Callable

from rasa_sdk import Action
from rasa_sdk.executor import ActionExecutor

from actions.acts.answering import ActionChoose
from actions.acts.asking import (
    ActionAskAgain,
    ActionAskClarify,
    ActionCorrectTicket,
    ActionShowCategories,
)
from actions.acts.base import Tools
from actions.acts.handing_over import ActionHandOver
from actions.acts.off_topic import ActionOffTopic
from actions.acts.reviewing import ActionReview
from actions.acts.tickets import ActionCreateTicket
from actions.catalog import Catalog, load_catalog
from actions.desk_client import DeskClient
from actions.review.budget import Budget
from actions.review.injection import load_orders
from actions.review.mask_words import load_mask_words
from actions.review.settings import load_review_settings
from actions.review.two_needs import load_two_needs
from actions.review.witness import NoWitness, Witness
from actions.review.wrong_ticket import load_wrong_ticket
from actions.settings import Settings

logger = logging.getLogger(__name__)

ACTIONS: tuple[Callable[[Tools], Action], ...] = (
    ActionReview,
    ActionChoose,
    ActionAskClarify,
    ActionAskAgain,
    ActionShowCategories,
    ActionCreateTicket,
    ActionCorrectTicket,
    ActionHandOver,
    ActionOffTopic,
)


def make_tools(settings: Settings) -> Tools:
    """Everything the actions need. Raises SettingsError if a file of data/ is wrong."""
    data = settings.root / "data"
    catalog = load_catalog(data / "categories.yml")
    return Tools(
        catalog=catalog,
        settings=load_review_settings(data / "review.yml", tuple(catalog)),
        two_needs=load_two_needs(data / "two_needs.yml", tuple(catalog)),
        wrong_ticket=load_wrong_ticket(data / "wrong_ticket.yml"),
        desk=DeskClient(settings.desk_url, settings.service_token),
        witness=make_witness(settings, catalog),
    )


def make_witness(settings: Settings, catalog: Catalog) -> Witness:
    """The model, if one is configured: a name and at least an address or a key.

    Raises SettingsError if data/injection.yml or data/masking.yml is wrong, also without a model.
    """
    orders = load_orders(settings.root / "data" / "injection.yml")
    words = load_mask_words(settings.root / "data" / "masking.yml")
    if not settings.model_name or not (settings.model_base_url or settings.model_api_key):
        return NoWitness()
    # Imported here: it takes longer than everything else together, and most have no model.
    from actions.review.masking import masker
    from actions.review.openai_witness import OpenAIWitness

    logger.info("model %s is asked where its word can change something", settings.model_name)
    return OpenAIWitness(
        base_url=settings.model_base_url,
        api_key=settings.model_api_key,
        model=settings.model_name,
        categories=catalog.needs(),
        labels=catalog.labels(),
        budget=Budget(
            settings.model_budget_file,
            calls=settings.model_calls_per_day,
            tokens=settings.model_tokens_per_day,
        ),
        prices=settings.model_prices,
        orders=orders,
        mask=masker(words).mask,
    )


def make_executor(tools: Tools) -> ActionExecutor:
    """rasa-sdk's executor with all our actions registered."""
    executor = ActionExecutor()
    for action in ACTIONS:
        executor.register_action(action(tools))
    return executor
