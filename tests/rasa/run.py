"""Runs the test stories, the fresh messages and the bot's own checks against the trained model.

    .venv-bot/bin/python tests/rasa/run.py        (from the root, after `rasa train`)

`rasa test` ends with 0 whatever fails, and with --fail-on-prediction-errors stops at the first
failure; this runs everything, prints what failed and exits 1 when a story or a check fails
or the classifier knows fewer of the fresh messages than it should.
Results of both go to results/, as with `rasa test`.
"""

import asyncio
import os
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_INTRA_OP_PARALLELISM_THREADS", "1")
os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
os.environ.setdefault("LOG_LEVEL", "ERROR")
warnings.simplefilter("ignore")

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
sys.path.insert(0, str(ROOT))

# Share of the fresh messages that must get their intent. They are few and hard; the large
# measurement is `make evaluate`.
LEAST_RIGHT = 0.85
RESULTS = ROOT / "results"


def main() -> int:
    """Everything in turn; the exit code."""
    from rasa.core.agent import Agent
    from rasa.model import get_latest_model
    from rasa.utils.common import configure_logging_and_warnings
    from rasa.utils.log_utils import configure_structlog

    configure_logging_and_warnings()
    configure_structlog()
    model = get_latest_model(str(ROOT / os.environ.get("KEFU_BOT_MODEL", "models")))
    if model is None:
        print("No trained model: run `rasa train` first.")
        return 1
    agent = Agent.load(model)
    RESULTS.mkdir(exist_ok=True)
    failing = asyncio.run(failing_stories(agent))
    wrong = asyncio.run(wrong_messages(agent))
    for line in failing + wrong:
        print(line)
    return 1 if failing or wrong or not checks_pass(agent) else 0


def checks_pass(agent) -> bool:
    """Whether the checks of the channel, the fast path and the steps of the classifier pass.

    Last, because they import the channel and with it the fast path; stories run on stock Rasa.
    """
    sys.path.insert(0, str(HERE))
    import bot_checks
    import clause_checks

    bot_checks.AGENT = agent
    load = unittest.defaultTestLoader.loadTestsFromModule
    suite = unittest.TestSuite([load(bot_checks), load(clause_checks)])
    return unittest.TextTestRunner().run(suite).wasSuccessful()


async def failing_stories(agent) -> list[str]:
    """The failing test stories as lines to print; none when all pass.

    Stories run end to end: the user's words go through the classifier, and a story whose intent
    comes out wrong fails. Custom actions are not run; `slot_was_set` says what they would leave.
    """
    from rasa.core.test import test as test_stories

    failed_file = RESULTS / "failed_test_stories.yml"
    failed_file.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for path in HERE.glob("test_*.yml"):
            if path.name != "test_nlu.yml":
                (Path(folder) / path.name).write_text(path.read_text("utf-8"), "utf-8")
        report = await test_stories(
            folder,
            agent,
            e2e=True,
            out_directory=str(RESULTS),
            disable_plotting=True,
            errors=True,
        )
    outcome = report["report"]["conversation_accuracy"]
    right, total = outcome["correct"], outcome["total"]
    print(f"test stories: {right} of {total} pass", flush=True)
    if right == total and total:
        return []
    details = failed_file.read_text("utf-8") if failed_file.exists() else "none were found"
    return ["", "Failing stories (a comment says what was predicted instead):", details]


async def wrong_messages(agent) -> list[str]:
    """The fresh messages that were misread, when too many were; else none."""
    from rasa.shared.nlu.training_data.loading import load_data

    examples = load_data(str(HERE / "test_nlu.yml")).intent_examples
    misread = []
    for example in examples:
        found = await agent.parse_message(example.get("text"))
        intent = found["intent"]
        if intent["name"] != example.get("intent"):
            misread.append(
                f"  {example.get('text')}: {example.get('intent')} expected, "
                f"{intent['name']} found ({intent['confidence']:.2f})"
            )
    right = len(examples) - len(misread)
    print(f"fresh messages: {right} of {len(examples)} understood (at least {LEAST_RIGHT:.0%})")
    if examples and right / len(examples) >= LEAST_RIGHT:
        return []
    return ["", "Misread messages:", *misread]


if __name__ == "__main__":
    sys.exit(main())
