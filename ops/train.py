"""`make train`: train the bot now, and show what Rasa says."""

from __future__ import annotations

import time

from ops import training
from ops.child import ROOT, Guard


def main() -> int:
    began = time.monotonic()
    guard = Guard()
    try:
        training.train(ROOT / "var/log", guard, lambda: None)
    except training.Trouble as trouble:
        print(trouble)
        return 1
    except KeyboardInterrupt:
        print("stopped; the bot is not trained")
        return 130
    finally:
        guard.close()
    print(f"trained in {time.monotonic() - began:.0f} s: models/{training.MODEL}.tar.gz")
    return 0
