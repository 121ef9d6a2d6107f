"""The comparison of NLU configurations as Markdown, and which of them is to be used. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actions.review.interval import wilson
from evaluation.nlu_quality import sign_test
from evaluation.nlu_trial import Cost, Trial

#: What the understanding of one message may take on one core: milliseconds, 95 of 100 messages.
LATENCY_MS = 8.0
#: What a designer waits for `rasa train`: seconds of processor time. A wish for comfort, while the
#: customer waits for the other: what is in use may break this one for a stated reason.
TRAINING_S = 60.0

HEAD = (
    "configuration",
    "accuracy",
    "top 3",
    "surest 80%",
    "ECE",
    "NLL",
    "solved",
    "wrong",
    "p50 ms",
    "p95 ms",
    "training s",
    "MB",
)


@dataclass(frozen=True)
class Choice:
    """What config.yml uses (None: none of the configurations), and the reason somebody stated."""

    in_use: str | None
    because: str = ""


@dataclass(frozen=True)
class Setting:
    """What the figures were made from: the day, message counts, and the command to repeat it."""

    day: str
    training_messages: int
    cases: str
    in_scope: int
    all_cases: int
    command: str


def within(one: Trial) -> bool:
    """Quick enough to understand with, and to train."""
    return one.p95.cpu < LATENCY_MS and one.training.cpu < TRAINING_S


def winner(trials: Sequence[Trial]) -> Trial | None:
    """The most accurate of those within both limits; the lower NLL decides between equals."""
    fit = [one for one in trials if within(one)]
    return max(fit, key=lambda one: (one.quality.accuracy, -one.quality.nll), default=None)


def table(trials: Sequence[Trial]) -> str:
    """One row a configuration, in the order given."""
    rows = [HEAD, ("---", *["--:"] * (len(HEAD) - 1)), *map(_row, trials)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(one: Trial) -> tuple[str, ...]:
    found = one.quality
    shares = (found.accuracy, found.top3, found.surest)
    return (
        f"`{one.name}`",
        *(f"{share:.1%}" for share in shares),
        f"{found.ece:.3f}",
        f"{found.nll:.3f}",
        f"{one.solved:.1%}",
        f"{one.wrong:.1%}",
        _cost(one.p50, 1),
        _cost(one.p95, 1),
        _cost(one.training, 0),
        f"{one.megabytes:.1f}",
    )


def _cost(cost: Cost, digits: int) -> str:
    return f"{cost.cpu:.{digits}f} ({cost.passed:.{digits}f})"


def against_winner(trials: Sequence[Trial], best: Trial) -> str:
    """How many cases the winner alone has right, and each other one alone, with the sign test."""
    head = ("configuration", f"only `{best.name}` right", "only it right", "p")
    rows = [head, ("---", "--:", "--:", "--:")]
    for one in trials:
        if one is not best:
            ours, its, p = sign_test(best.quality.right, one.quality.right)
            rows.append(
                (f"`{one.name}`", str(ours), str(its), f"{p:.3f}" if p >= 0.001 else "<0.001")
            )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def verdict(trials: Sequence[Trial], choice: Choice) -> str:
    """Which one wins, and whether it is the one that is used."""
    name = choice.in_use
    used = f"In use (`config.yml`): `{name}`." if name else "`config.yml` is none of them."
    best = winner(trials)
    if best is None:
        return f"None is within the limits. {used}"
    return f"Winner: `{best.name}`, the most accurate within the limits. {used}"


def why_in_use(trials: Sequence[Trial], choice: Choice) -> str:
    """Why what is in use is in use though another wins; empty when it is the winner, or no trial.

    What it costs is said from the trials, the reason is the stated one.
    """
    best = winner(trials)
    used = next((one for one in trials if one.name == choice.in_use), None)
    if used is None or used is best:
        return ""
    over = []
    if used.p95.cpu >= LATENCY_MS:
        over.append(f"{used.p95.cpu:.1f} ms for a message instead of {LATENCY_MS:g}")
    if used.training.cpu >= TRAINING_S:
        over.append(f"{used.training.cpu:.0f} s of training instead of {TRAINING_S:g}")
    told = f"Why `{used.name}` is in use all the same: {choice.because or 'no reason is stated.'}"
    if over:
        told += f" It is outside the limits: {' and '.join(over)}."
    if best:
        ours, its, p = sign_test(best.quality.right, used.quality.right)
        told += (
            f" Case by case, only `{used.name}` is right in {its} and only `{best.name}` in {ours} "
            f"(p {p:.3f})."
        )
    return told


def page(
    trials: Sequence[Trial], setting: Setting, about: Mapping[str, str], choice: Choice
) -> str:
    """The whole of docs/nlu-comparison.md.

    Args:
        trials: at least one.
        setting: what they were made from.
        about: name -> what the configuration is, in a sentence or two.
        choice: what config.yml uses, and why.
    """
    best = winner(trials)
    low, high = wilson(sum((best or trials[0]).quality.right), setting.in_scope)
    described = "\n".join(f"- `{one.name}`: {about[one.name]}" for one in trials)
    parts = [
        "# How the ways to understand a message compare",
        _WRITTEN.format(cases=setting.cases),
        f"```\n{setting.command}\n```",
        f"{setting.day}, {setting.training_messages:,} training messages, {setting.all_cases} "
        f"cases of which {setting.in_scope} need a ticket.",
        table(trials),
        f"**{verdict(trials, choice)}** Limits: {LATENCY_MS:g} ms for 95 of 100 messages and\n"
        f"{TRAINING_S:g} s of training, both of processor time. A customer waits for the first, at "
        "every message.\nThe second is what a designer waits for after editing a sentence: "
        "comfort, and no limit of the running system.",
        *filter(None, [why_in_use(trials, choice)]),
        _HOW_TO_READ.format(low=f"{low:.1%}", high=f"{high:.1%}", name=(best or trials[0]).name),
    ]
    if best and len(trials) > 1:
        parts += [f"## Case by case against `{best.name}`", against_winner(trials, best), _SIGN]
    parts += ["## The configurations", described]
    return "\n\n".join(parts) + "\n"


_WRITTEN = """\
Written by the command below; do not edit. It trains every configuration of
`evaluation/nlu_configs/` from nothing, on the same messages, and asks each model about every case
of `{cases}`."""

_HOW_TO_READ = """\
- Accuracy, top 3: the need is the likeliest intent, or among the three likeliest, by the message
  alone; of the cases that need a ticket. The 95% interval of `{name}` is {low} to {high}.
  Surest 80%: accuracy without the fifth that the model is least sure of.
- ECE (ten bins) and NLL: how far the probabilities are from what happens, 0 is perfect; over all
  cases, greetings, thanks and goodbyes counted as small talk.
- Solved, wrong: estimated by `evaluation/replay.py` with the ticked category, the order's state and
  `data/review.yml`, of the cases that need a ticket.
- Milliseconds: one message at a time after a warm-up, one thread, in the graph runner of the
  running system, the best of three rounds. Seconds: `rasa train nlu`, Rasa's start included. First
  the processor time, which is what an idle core would take; in brackets what passed on the machine,
  whatever else it did."""

_SIGN = """\
Of the cases that need a ticket. p: how likely so uneven a split is if both are equally good
(McNemar's exact test); from 0.05 upwards the difference may be chance."""
