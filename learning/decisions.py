"""data/learned/candidates.yml: what a designer is asked, and what they have decided."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from learning.candidates import Candidate

HEAD = """\
# Messages from conversations, labelled by what people did with the ticket. `make learn` writes
# them here, you decide: `accept: yes` makes a message a training example, `accept: no` never does,
# blank leaves it open. `label` and `text` may be corrected. Personal data is masked, but look: what
# was missed is yours to take out. Comments are lost when the file is written; `note: ...` is kept.
#
# source: agent_correction     an agent gave the ticket this category
#         customer_correction  the customer said that the ticket was wrong, and chose this
#         merged               it was joined to a ticket of this category
#         choice               the customer answered a question with it
#         reopened             the ticket was completed and reopened: look twice
# `refused` says that a model with it was worse; take the line out to try the message again.
"""
_ACCEPT = {True: True, False: False, None: None, "": None, "yes": True, "no": False}


class BadDecision(ValueError):
    """The file cannot be used. The message names the entry and what was expected."""


@dataclass(frozen=True)
class Decision:
    """One entry of the file."""

    entry: str
    text: str
    label: str
    accept: bool | None
    stated: str | None
    source: str
    at: str
    refused: str | None = None
    note: str | None = None

    @property
    def counts(self) -> bool:
        """The message is to be a training example."""
        return self.accept is True and self.refused is None


def read(path: Path, labels: Collection[str]) -> list[Decision]:
    """The file's entries; none when there is no file yet.

    Args:
        path: the file.
        labels: what `label` may be: categories and intents.

    Raises:
        BadDecision: the file is not YAML, or an entry of it cannot be used.
    """
    if not path.exists():
        return []
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise BadDecision(f"{path}: not valid YAML ({error})") from error
    rows = raw.get("candidates") or [] if isinstance(raw, dict) else None
    if not isinstance(rows, list):
        raise BadDecision(f"{path}: expected a list under `candidates`")
    found = [_decision(row, f"{path}: entry {n}", labels) for n, row in enumerate(rows, 1)]
    entries = [one.entry for one in found]
    if twice := sorted({entry for entry in entries if entries.count(entry) > 1}):
        raise BadDecision(f"{path}: {twice[0]} stands there twice")
    return found


def _decision(row: Any, place: str, labels: Collection[str]) -> Decision:
    if not isinstance(row, dict):
        raise BadDecision(f"{place}: expected text, label, accept, ..., got {row!r}")
    if row.get("entry"):
        place += f" ({row['entry']})"
    for key in ("entry", "text", "label"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise BadDecision(f"{place}: `{key}`: expected a text, got {row.get(key)!r}")
    if row["label"] not in labels:
        raise BadDecision(f"{place}: `label`: {row['label']!r} is none of {', '.join(labels)}")
    accept = row.get("accept")
    accept = accept.strip().lower() if isinstance(accept, str) else accept
    if not isinstance(accept, bool | str | None) or accept not in _ACCEPT:
        raise BadDecision(f"{place}: `accept`: expected yes, no or nothing, got {accept!r}")
    if unknown := sorted(set(row) - set(Decision.__dataclass_fields__)):
        raise BadDecision(f"{place}: `{unknown[0]}` is not known here")
    told = {key: None if row.get(key) is None else str(row[key]) for key in ("refused", "note")}
    return Decision(
        entry=row["entry"],
        text=row["text"].strip(),
        label=row["label"],
        accept=_ACCEPT[accept],
        stated=row.get("stated"),
        source=str(row.get("source") or ""),
        at=str(row.get("at") or ""),
        **told,
    )


def merge(
    kept: Sequence[Decision],
    found: Sequence[Candidate],
    is_known: Callable[[str], bool],
) -> tuple[list[Decision], int, int]:
    """The file as it should be now.

    What was decided stays as it is. What is still open takes its label and source from the desk,
    for the ticket may have been corrected since. New ones are added unless they are known.

    Args:
        kept: the file's entries.
        found: the candidates that the desk has.
        is_known: whether a message is too like one that is taken already; it is asked in order, and
            takes each new message itself (nearness.py).

    Returns:
        The entries, how many are new, and how many were left out as too alike.
    """
    by_entry = {candidate.entry: candidate for candidate in found}
    entries = [_renewed(one, by_entry.get(one.entry)) for one in kept]
    there = {one.entry for one in kept}
    new, alike = 0, 0
    for candidate in found:
        if candidate.entry in there:
            continue
        if is_known(candidate.text):
            alike += 1
            continue
        new += 1
        entries.append(
            Decision(
                entry=candidate.entry,
                text=candidate.text,
                label=candidate.label,
                accept=None,
                stated=candidate.stated,
                source=candidate.source,
                at=candidate.at.date().isoformat(),
            )
        )
    return entries, new, alike


def _renewed(one: Decision, now: Candidate | None) -> Decision:
    if now is None or one.accept is not None:
        return one
    return replace(one, label=now.label, source=now.source, stated=now.stated)


def refuse(entries: Sequence[Decision], which: Collection[str], because: str) -> list[Decision]:
    """The entries, those named in `which` marked as refused, so that they are not tried again."""
    return [replace(one, refused=because) if one.entry in which else one for one in entries]


class _Dumper(yaml.SafeDumper):
    """Writes an open decision as a blank, and yes and no in these words."""


_Dumper.add_representer(
    type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "")
)
_Dumper.add_representer(
    bool,
    lambda dumper, value: dumper.represent_scalar(
        "tag:yaml.org,2002:bool", "yes" if value else "no"
    ),
)


def write(path: Path, entries: Sequence[Decision]) -> None:
    """Write the file, one block for each entry, in one step."""
    blocks = []
    for one in entries:
        row = {"text": one.text, "label": one.label, "accept": one.accept, "stated": one.stated}
        row |= {"source": one.source, "at": one.at, "entry": one.entry}
        row |= {k: v for k, v in (("refused", one.refused), ("note", one.note)) if v is not None}
        blocks.append(
            yaml.dump([row], Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000)
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(f"{HEAD}\ncandidates:\n" + "\n".join(blocks), encoding="utf-8")
    fresh.replace(path)
