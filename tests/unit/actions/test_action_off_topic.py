"""action_off_topic: one friendly answer, then a person."""

from __future__ import annotations

from typing import Any

from actions.acts.off_topic import ActionOffTopic


async def test_the_first_time_it_says_what_it_is_here_for(act: Any, make_tracker: Any) -> None:
    said = await act(ActionOffTopic, make_tracker("今天天气怎么样", {"out_of_scope": 0.9}))
    assert [one["response"] for one in said.messages] == ["utter_out_of_scope"]
    assert (said.slots["verdict"], said.slots["misses"]) == ("aside", 1.0)


async def test_who_was_not_understood_just_before_gets_a_person_and_not_the_same_answer(
    act: Any, make_tracker: Any
) -> None:
    again = make_tracker("那签名是谁", {"out_of_scope": 0.6}, slots={"misses": 1.0})
    said = await act(ActionOffTopic, again)
    assert said.messages == []
    assert (said.slots["verdict"], said.slots["misses"]) == ("human", 2.0)
