"""`make train`: train the bot now, or with --if-needed only when its sources changed."""

from __future__ import annotations

import sys
import time

from ops import training
from ops.child import ROOT, Guard
from ops.trouble import Trouble


def main() -> int:
    """0: there is a model that fits. 1: there is none, and why in a line."""
    if "--if-needed" in sys.argv and training.is_trained():
        return 0
    began = time.monotonic()
    guard = Guard()
    try:
        training.train(ROOT / "var/log", guard, lambda: None)
    except Trouble as trouble:
        print(trouble)
        return 1
    except KeyboardInterrupt:
        print("stopped; the bot is not trained")
        return 130
    finally:
        guard.close()
    print(f"trained in {time.monotonic() - began:.0f} s: {training.MODEL.relative_to(ROOT)}")
    return 0
