"""From scores to probabilities that mean what they say."""

import numpy as np
from scipy.optimize import minimize_scalar


def softmax(scores: np.ndarray) -> np.ndarray:
    """Scores of shape (messages, intents) as probabilities; each row adds up to 1."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def fit_temperature(scores: np.ndarray, truth: np.ndarray) -> float:
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
