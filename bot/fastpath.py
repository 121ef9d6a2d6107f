"""Changes to Rasa 3.6.21 that make a failing turn fail, and an ordinary one quick.

Applied once, by importing `bot.channel`; `rasa train|shell|test` run the stock code. Each change
replaces one function, keeps its result, and says why it is there. They were read against 3.6.21
and are refused on any other version.
"""

import logging
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

import rasa
from rasa.core.actions.action import RemoteAction
from rasa.core.agent import Agent
from rasa.core.policies.rule_policy import RulePolicy
from rasa.core.processor import MessageProcessor
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.events import SlotSet, UserUttered, deserialise_events

from bot.action_calls import ActionFailed, call_action, check_answer

logger = logging.getLogger(__name__)

WRITTEN_FOR = "3.6.21"
_applied = False

#: Two of Rasa's methods, as they are to be replaced.
FindAction = Callable[[RulePolicy, Any, Any, bool], Tuple[Optional[str], Optional[str], bool]]
PossibleKeys = Callable[[RulePolicy, Dict[str, str], List[Any]], Set[str]]


def apply() -> None:
    """Puts the changes in place, once.

    Raises RuntimeError on a Rasa other than the one they were written for.
    """
    global _applied
    if _applied:
        return
    if rasa.__version__ != WRITTEN_FOR:
        raise RuntimeError(
            f"bot/fastpath.py is written for rasa {WRITTEN_FOR}, this is {rasa.__version__}: "
            "read each change against the new source before raising WRITTEN_FOR."
        )
    MessageProcessor._run_action = _run_action
    Agent._create_tracker_store = staticmethod(_tracker_store_as_configured)
    RemoteAction.run = _call_action_server
    DaskGraphRunner.run = _run_graph_in_order
    RulePolicy._find_action_from_rules = _skipping_text_rules(RulePolicy._find_action_from_rules)
    RulePolicy._get_possible_keys = _looking_up_rules(RulePolicy._get_possible_keys)
    _applied = True


# ------------------------------------------------------------------ failing loudly
async def _run_action(
    self: MessageProcessor,
    action: Any,
    tracker: Any,
    output_channel: Any,
    nlg: Any,
    prediction: Any,
) -> bool:
    """Like the original, but what an action raises ends the turn.

    The original logs the exception and goes on as if the action had succeeded, so that the
    next step of a rule says "done" about something that never happened. Here the exception
    reaches the channel, which answers 500; nothing of the turn is stored and the desk takes over.
    The original's copy of the tracker, kept for taking a rejection back, goes with it.
    """
    tracker.update_with_events(prediction.events or [], self.domain)
    events = await action.run(output_channel, nlg, tracker, self.domain) or []
    tracker.update(action.event_for_successful_execution(prediction))
    tracker.update_with_events(events, self.domain)
    await self.execute_side_effects(events, tracker, output_channel)
    return self.should_predict_another_action(action.name())


def _tracker_store_as_configured(store: Optional[Any], domain: Any) -> Any:
    """Like the original without its FailSafeTrackerStore.

    That wrapper answers a database error with an empty conversation and saves what follows in
    memory only: the bot would forget what it asked. An error has to fail the turn.
    """
    if store is None:
        return InMemoryTrackerStore(domain)
    store.domain = domain
    return store


async def _call_action_server(
    self: RemoteAction, output_channel: Any, nlg: Any, tracker: Any, domain: Any
) -> List[Any]:
    """Like the original over a kept connection, with our timeout and a compiled answer check.

    Of the original's time 91% went into re-checking the answer's schema itself on each call,
    and much of the rest into a new TCP connection. A refusal by the action (HTTP 400) counts as a
    failure: there are no forms here that could make use of it.
    Raises ActionFailed.
    """
    if not self.action_endpoint or not self.action_endpoint.url:
        raise ActionFailed(f"no action_endpoint is configured, so {self.name()} cannot run")
    answer = await call_action(self.action_endpoint.url, _action_call(self.name(), tracker))
    check_answer(self.name(), answer)
    messages = await self._utter_responses(
        answer.get("responses", []), output_channel, nlg, tracker
    )
    return [*messages, *_events_from(answer.get("events", []))]


def _events_from(answered: List[Dict[str, Any]]) -> List[Any]:
    """The answer's events. Slots are made directly: the original looks through all event classes
    for each one."""
    if all(event["event"] == "slot" for event in answered):
        return [
            SlotSet(e["name"], e["value"], e.get("timestamp"), e.get("metadata")) for e in answered
        ]
    return deserialise_events(answered)


def _action_call(name: str, tracker: Any) -> Dict[str, Any]:
    """What the action server needs: slots, the latest message, the events of this turn, and
    of earlier turns the slots that were set (they carry the last review's record).

    The original posts the whole conversation and the whole domain with every call. The empty
    domain keeps rasa-sdk from asking for it (it answers 449 to a call without one).
    """
    state = tracker.current_state()
    state["events"] = [_without_parse_data(e.as_dict()) for e in _events_to_send(tracker)]
    return {
        "next_action": name,
        "sender_id": tracker.sender_id,
        "tracker": state,
        "domain": {},
        "version": rasa.__version__,
    }


def _without_parse_data(event: Dict[str, Any]) -> Dict[str, Any]:
    # The whole ranking again; `latest_message` has it.
    event.pop("parse_data", None)
    return event


def _events_to_send(tracker: Any) -> List[Any]:
    events = list(tracker.events)
    turn = max((i for i, e in enumerate(events) if isinstance(e, UserUttered)), default=0)
    return [e for e in events[:turn] if isinstance(e, SlotSet)] + events[turn:]


# ------------------------------------------------------------------ the graph
def _run_graph_in_order(
    self: DaskGraphRunner,
    inputs: Optional[Dict[str, Any]] = None,
    targets: Optional[List[str]] = None,
) -> Dict[str, Any]:
    """Like the original without dask: the nodes run one after another in a fixed order.

    The original builds a dask graph for every prediction; for a chain of a dozen cheap
    components that costs more than the components. The order is worked out once per target.
    """
    wanted = tuple(targets or self._graph_schema.target_names)
    plans = self.__dict__.setdefault("_kefu_plans", {})
    if wanted not in plans:
        plans[wanted] = _plan(self._graph_schema.minimal_graph_schema(list(wanted)))
    done: Dict[str, Any] = {name: (name, value) for name, value in (inputs or {}).items()}
    for name, needs in plans[wanted]:
        done[name] = self._instantiated_nodes[name](*(done.get(need, need) for need in needs))
    return {name: done[name][1] for name in wanted}


def _plan(schema: Any) -> List[Any]:
    """The schema's nodes as [(name, names it needs)], each after those it needs."""
    ordered: List[Any] = []
    seen = set()

    def visit(name: str) -> None:
        if name in seen or name not in schema.nodes:
            return
        seen.add(name)
        needs = tuple(schema.nodes[name].needs.values())
        for need in needs:
            visit(need)
        ordered.append((name, needs))

    for name in schema.nodes:
        visit(name)
    return ordered


# ------------------------------------------------------------------ rules
def _skipping_text_rules(original: FindAction) -> Any:
    """Rules are looked for once instead of twice per prediction.

    RulePolicy first looks for rules that quote a user's text (end-to-end training), which
    replays the conversation and finds nothing: our rules name intents only.
    """

    def find(
        self: RulePolicy, tracker: Any, domain: Any, use_text_for_last_user_input: bool
    ) -> Tuple[Optional[str], Optional[str], bool]:
        if use_text_for_last_user_input and not _has_text_rules(self):
            return None, None, False
        return original(self, tracker, domain, use_text_for_last_user_input)

    return find


def _has_text_rules(policy: RulePolicy) -> bool:
    known = policy.__dict__.get("_kefu_has_text_rules")
    if known is None:
        states = (
            state
            for key in policy.lookup.get("rules", {})
            for state in policy._rule_key_to_state(key)
        )
        known = any("text" in state.get("user", {}) for state in states)
        policy.__dict__["_kefu_has_text_rules"] = known
    return known


def _looking_up_rules(original: PossibleKeys) -> Any:
    """The original tries every rule on every state of the conversation.

    A rule can only fit when its last state has the conversation's last action and (if it names
    one) last intent. These few are found by an index; the original then checks them in full.
    """

    def possible_keys(self: RulePolicy, lookup: Dict[str, str], states: List[Any]) -> Set[str]:
        last = states[-1] if states else {}
        action = last.get("prev_action", {}).get("action_name")
        if action is None:
            return original(self, lookup, states)
        indexes = self.__dict__.setdefault("_kefu_rule_indexes", {})
        if id(lookup) not in indexes:
            indexes[id(lookup)] = _index_of_rules(self, lookup)
        index = indexes[id(lookup)]
        intent = last.get("user", {}).get("intent")
        few = {key: lookup[key] for key in index.get((action, None), [])}
        if intent is not None:
            few.update((key, lookup[key]) for key in index.get((action, intent), []))
        return original(self, few, states) if few else set()

    return possible_keys


def _index_of_rules(policy: RulePolicy, lookup: Dict[str, str]) -> Dict[Any, List[str]]:
    index: Dict[Any, List[str]] = {}
    for key in lookup:
        last = policy._rule_key_to_state(key)[-1]
        action = last.get("prev_action", {}).get("action_name")
        index.setdefault((action, last.get("user", {}).get("intent")), []).append(key)
    return index
