"""What goes wrong in operating, in one line for a person."""


class Trouble(Exception):
    """Something a person must put right; the text is one whole line (or a few)."""


class Stopped(Exception):
    """Somebody asked to stop while work was going on."""
