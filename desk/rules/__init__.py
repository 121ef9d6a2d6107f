"""Pure rules: no I/O, no clock (time is an argument).

Anything may import them; they import only each other.
"""
