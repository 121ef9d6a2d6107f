"""The one exception by which a rule says no."""

from __future__ import annotations


class Refused(Exception):
    """A command cannot be carried out in the present state.

    Args:
        code: stable machine name of the refusal, e.g. ``already_claimed``; `data/errors.yml` has
            the sentence people see for it.
        detail: values for the sentence's placeholders.
    """

    def __init__(self, code: str, **detail: object) -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code} {detail}" if detail else code)
