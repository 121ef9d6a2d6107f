"""What a trained model makes of messages: their intents, likeliest first.

    .venv-bot/bin/python -m bot.tools.rank --model models/kefu.tar.gz < texts.jsonl > rankings.jsonl

In: one JSON object a line, {"text": "..."}. Out: a line for each, in the same order,
{"ranking": [["pickup_urge", 0.83], ...]}, over all intents, as the review gets it in the running
system: a text is never a command, and a text that is not understood begins with `nlu_fallback`.
"""

import argparse
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, Iterable, Iterator, List, Tuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
os.environ.setdefault("LOG_LEVEL", "WARNING")

Ranking = List[Tuple[str, float]]


def main() -> int:
    """Rank what comes in; the exit code. 1 with one line when the input or the model is wrong."""
    parser = argparse.ArgumentParser("python -m bot.tools.rank", description=__doc__)
    parser.add_argument("texts", type=Path, nargs="?", help="JSON lines; else standard input")
    parser.add_argument("--model", type=Path, default=Path("models/kefu.tar.gz"))
    options = parser.parse_args()
    out = _only_ours()
    try:
        lines = options.texts.read_text("utf-8").splitlines() if options.texts else sys.stdin
        texts = list(read_texts(lines))
        rankings = rank(texts, options.model)
    except (OSError, ValueError) as error:
        print(f"rank: {error}", file=sys.stderr)
        return 1
    for ranking in rankings:
        print(json.dumps({"ranking": ranking}, ensure_ascii=False), file=out)
    out.flush()
    return 0


def _only_ours() -> Any:
    """Standard output for the answer alone: what libraries print goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def read_texts(lines: Iterable[str]) -> Iterator[str]:
    """The texts of the input. Raises ValueError, which names the line."""
    for number, line in enumerate(lines, 1):
        try:
            yield str(json.loads(line)["text"])
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f'line {number} is no {{"text": ...}}: {error!r}') from error


def rank(texts: List[str], model: Path) -> List[Ranking]:
    """A ranking for each text, made by the trained `model`.

    Raises FileNotFoundError when there is no such model.
    """
    if not model.is_file():
        raise FileNotFoundError(f"no trained model {model}")
    # Imported here because it takes seconds, and a mistake above should be told at once.
    import jieba

    jieba.setLogLevel("WARNING")
    warnings.simplefilter("ignore")
    from rasa.core.channels.channel import UserMessage
    from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
    from rasa.engine.loader import load_predict_graph_runner
    from rasa.engine.runner.dask import DaskGraphRunner
    from rasa.engine.storage.local_model_storage import LocalModelStorage
    from rasa.utils.log_utils import configure_structlog

    from bot.nlu.text import without_command

    configure_structlog()
    with tempfile.TemporaryDirectory(prefix="kefu-rank-") as folder:
        metadata, runner = load_predict_graph_runner(
            Path(folder), model, LocalModelStorage, DaskGraphRunner
        )
        inputs = {
            PLACEHOLDER_MESSAGE: [UserMessage(without_command(text)) for text in texts],
            PLACEHOLDER_TRACKER: None,
        }
        parsed = runner.run(inputs=inputs, targets=[metadata.nlu_target])[metadata.nlu_target]
    return [
        [(str(one["name"]), float(one["confidence"])) for one in message.get("intent_ranking")]
        for message in parsed
    ]


if __name__ == "__main__":
    sys.exit(main())
