"""From scores to probabilities that mean what they say."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Floats = NDArray[np.float64]


def softmax(scores: Floats) -> Floats:
    """Scores of shape (messages, intents) as probabilities; each row adds up to 1."""
    raised: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def fit_temperature(scores: Floats, truth: NDArray[Any]) -> float:
    """The factor on `scores` under which the true intents are likeliest.

    scores: (messages, intents), from a model that had not seen these messages.
    truth: (messages,), the column of each message's intent.
    Temperature scaling as in Guo et al. 2017, "On Calibration of Modern Neural Networks".
    """
    rows = np.arange(len(truth))

    def loss(log_factor: float) -> float:
        shares = softmax(scores * np.exp(log_factor))[rows, truth]
        return float(-np.log(np.maximum(shares, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 4.0), method="bounded").x))
