"""The test model: what it says follows from its seed, and the witness copes with all of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from actions.review.evidence import Opinion, Silence
from actions.review.masking import mask
from actions.review.openai_witness import OpenAIWitness
from evaluation import witness as comparison
from evaluation.cases import CATEGORIES, Case
from evaluation.measure import Figure
from evaluation.model_script import FAULTS, Script
from evaluation.model_server import ModelServer, arguments
from evaluation.reliability import Measured, measure

MESSAGES = {
    "pickup_urge": "约好上午来收件，打了13912345678也没人接",
    "loss_claim": "包裹在分拣中心丢了，怎么赔",
    "damage_claim": "花瓶碎成三块",
    "human": "我要跟真人说话",
    "out_of_scope": "你们那边股票代码多少",
}
CASES = [Case(name, message, name, None, "accepted", "plain") for name, message in MESSAGES.items()]

Serve = Callable[..., Awaitable[tuple[OpenAIWitness, ModelServer]]]


@pytest.fixture(name="serve")
async def _serve() -> AsyncIterator[Serve]:
    """Starts a test model and gives a witness that asks it."""
    opened: list[Any] = []

    async def start(
        truth: float, faults: tuple[str, ...] = FAULTS, schema: bool = True, seed: int = 1
    ) -> tuple[OpenAIWitness, ModelServer]:
        model = ModelServer(Script(CASES, truth, seed, faults), schema, stall_s=2.0)
        server = TestServer(model.app())
        await server.start_server()
        witness = OpenAIWitness(
            base_url=str(server.make_url("/v1")),
            api_key="none",
            model="stand-in",
            categories=dict.fromkeys(CATEGORIES, "a need"),
            deadline_s=0.2 if faults == ("stall",) else 30,
            retry_pause_s=0.01,
        )
        witness.breaker.failures = 1000
        opened.extend((witness, server))
        return witness, model

    yield start
    for one in opened:
        await one.close()


async def test_the_truth_is_told_of_masked_messages_with_a_real_quotation(serve: Serve) -> None:
    witness, model = await serve(1.0)
    for case in CASES:
        heard = await witness.opinion(case.message)
        assert isinstance(heard, Opinion)
        assert heard.category == (case.true if case.in_scope else None)
        assert heard.quote in mask(case.message)
    assert model.done == {"truth": len(CASES)}


async def test_an_endpoint_without_schemas_is_asked_in_json_mode(serve: Serve) -> None:
    witness, model = await serve(1.0, schema=False)
    heard = await witness.opinion(MESSAGES["loss_claim"])
    assert isinstance(heard, Opinion)
    assert heard.mode == "json_object"
    assert model.done == {"schema refused": 1, "truth": 1}


async def test_a_lie_is_an_opinion_like_any_other_and_always_wrong(serve: Serve) -> None:
    witness, _ = await serve(0.0, ("lie",))
    for case in CASES:
        heard = await witness.opinion(case.message)
        assert isinstance(heard, Opinion)
        assert heard.category in set(CATEGORIES) - {case.true}


@pytest.mark.parametrize("fault", [one for one in FAULTS if one != "lie"])
async def test_every_other_fault_is_no_opinion(serve: Serve, fault: str) -> None:
    for seed in range(6):
        witness, _ = await serve(0.0, (fault,), seed=seed)
        assert isinstance(await witness.opinion(MESSAGES["damage_claim"]), Silence)


def test_what_is_said_depends_on_seed_and_message_and_not_on_the_order() -> None:
    forward, backward = Script(CASES, 0.5, 7), Script(CASES, 0.5, 7)
    first = {case.id: forward.next_line(mask(case.message)) for case in CASES}
    second = {case.id: backward.next_line(mask(case.message)) for case in reversed(CASES)}
    assert first == second


def test_so_often_the_truth_and_every_fault_in_turn() -> None:
    script = Script(CASES, 0.9, 1)
    said = Counter(script.next_line(mask(MESSAGES["loss_claim"])).kind for _ in range(4000))
    assert 0.88 < said["truth"] / 4000 < 0.92
    kinds = {"lie", "stall", "quote", "HTTP 429", "HTTP 500", "free text", "unknown label"}
    assert kinds | {"wrong types", "truncated", "empty", "more fields"} < set(said)


def test_somebody_who_repeats_themselves_is_recognised() -> None:
    script = Script(CASES, 1.0, 1)
    twice = "\n".join([MESSAGES["damage_claim"]] * 2)
    assert json.loads(script.next_line(twice).content)["category"] == "damage_claim"
    assert script.next_line("从来没见过的一句话").kind == "unknown message"
    assert script.next_line("").kind == "unknown message"


async def test_what_is_no_request_of_the_protocol_is_refused(serve: Serve) -> None:
    _, model = await serve(1.0)
    async with TestServer(model.app()) as server, aiohttp.ClientSession() as http:
        url = server.make_url("/v1/chat/completions")
        for body in ("{", "[]", "{}", '{"messages": []}', '{"messages": [{"content": "x"}]}'):
            async with http.post(url, data=body) as answer:
                assert answer.status == 400
        async with http.get(server.make_url("/stats")) as answer:
            assert (await answer.json())["requests"] == 5


@pytest.mark.parametrize("wrong", [["--truth", "2"], ["--faults", "sings"]])
def test_an_impossible_model_is_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["cases.jsonl", *wrong])


async def test_a_models_reliability_is_its_share_of_right_words(serve: Serve) -> None:
    witness, _ = await serve(1.0)
    truthful = await measure(witness, CASES)
    assert (truthful.named, truthful.right, truthful.undecided) == (3, 3, 2)
    liar, _ = await serve(0.0, ("lie",))
    assert (await measure(liar, CASES)).right == 0


async def test_what_was_measured_is_told_with_the_lines_for_the_file(serve: Serve) -> None:
    witness, _ = await serve(1.0)
    told = (await measure(witness, CASES)).told("stand-in")
    assert '"stand-in": {right: 3, asked: 3}' in told
    assert "95% interval" in told
    silent = Measured()
    silent.add(CASES[0], Silence("m", "APITimeoutError", 2500))
    assert "APITimeoutError: 1" in silent.told("m")
    assert "measured:" not in silent.told("m")


def result(name: str, solved: int, wrong: int, slowest: float = 1.0) -> comparison.Result:
    rows = {
        one: Figure(one, one, hits / 10, hits, 10)
        for one, hits in (("solved", solved), ("wrong", wrong), ("stranded", 0))
    }
    return comparison.Result(comparison.Setting(name), rows, slowest)


def test_a_model_that_makes_anything_worse_fails_the_comparison() -> None:
    none = result("no model", 8, 1)
    assert comparison.harms([none, result("good", 9, 0), result("same", 8, 1, 3.4)]) == []
    assert comparison.harms([none, result("bad", 7, 2, 60.0)]) == [
        "bad: more wrong tickets",
        "bad: fewer cases solved",
        "bad: a reply took 60.0 s",
    ]
