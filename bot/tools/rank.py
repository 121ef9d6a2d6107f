"""What a trained model makes of messages: their intents, likeliest first.

    .venv-bot/bin/python -m bot.tools.rank --model models/kefu.tar.gz < texts.jsonl > rankings.jsonl

In: one JSON object a line, {"text": "..."}. Out: a line for each, in the same order,
{"ranking": [["pickup_urge", 0.83], ...]}, over all intents, as the review gets it in the running
system: a text is never a command, and a text that is not understood begins with `nlu_fallback`.

With --timed the messages go through one at a time, as the running system takes them, and each line
also has "ms", the time that passed, and "cpu_ms", the processor time of all threads: what it would
take on one core with nothing else to do. Both are the best of three rounds: what is beyond them is
the doing of other programs.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Tuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
os.environ.setdefault("LOG_LEVEL", "WARNING")

Ranking = List[Tuple[str, float]]

#: Messages that go through before the clock runs: dictionaries are read and graphs traced by then.
WARM_UP = 30
ROUNDS = 3


def main() -> int:
    """Rank what comes in; the exit code. 1 with one line when the input or the model is wrong."""
    parser = argparse.ArgumentParser("python -m bot.tools.rank", description=__doc__)
    parser.add_argument("texts", type=Path, nargs="?", help="JSON lines; else standard input")
    parser.add_argument("--model", type=Path, default=Path("models/kefu.tar.gz"))
    parser.add_argument("--timed", action="store_true", help="one at a time, with milliseconds")
    options = parser.parse_args()
    out = _only_ours()
    try:
        lines = options.texts.read_text("utf-8").splitlines() if options.texts else sys.stdin
        texts = list(read_texts(lines))
        if options.timed:
            rows = rank_timed(texts, options.model)
        else:
            rows = [{"ranking": ranking} for ranking in rank(texts, options.model)]
    except (OSError, ValueError) as error:
        print(f"rank: {error}", file=sys.stderr)
        return 1
    for row in rows:
        print(json.dumps(row, ensure_ascii=False), file=out)
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
    with _loaded(model) as parse:
        return parse(texts)


def rank_timed(texts: List[str], model: Path) -> List[Dict[str, Any]]:
    """For each text {"ranking", "ms", "cpu_ms"}: parsed alone, after a warm-up, in this process.

    Raises as `rank`.
    """
    with _loaded(model) as parse:
        # Rasa's own runner spends a millisecond on its graph; the running system has ours.
        from bot import fastpath

        fastpath.apply()
        for text in texts[:WARM_UP]:
            parse([text])
        rounds = [[_clocked(parse, text) for text in texts] for _ in range(ROUNDS)]
    return [
        {"ranking": same[0][0], "ms": min(r[1] for r in same), "cpu_ms": min(r[2] for r in same)}
        for same in zip(*rounds, strict=True)
    ]


def _clocked(
    parse: Callable[[List[str]], List[Ranking]], text: str
) -> Tuple[Ranking, float, float]:
    began, used = time.perf_counter(), time.process_time()
    (ranking,) = parse([text])
    used, took = time.process_time() - used, time.perf_counter() - began
    return ranking, took * 1000, used * 1000


@contextmanager
def _loaded(model: Path) -> Iterator[Callable[[List[str]], List[Ranking]]]:
    """The model's understanding: texts in, rankings out."""
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
        target = metadata.nlu_target

        def parse(texts: List[str]) -> List[Ranking]:
            inputs = {
                PLACEHOLDER_MESSAGE: [UserMessage(without_command(text)) for text in texts],
                PLACEHOLDER_TRACKER: None,
            }
            parsed = runner.run(inputs=inputs, targets=[target])[target]
            return [
                [(str(one["name"]), float(one["confidence"])) for one in m.get("intent_ranking")]
                for m in parsed
            ]

        yield parse


if __name__ == "__main__":
    sys.exit(main())
