"""The desk: the service people touch.

Layers import downwards only: app -> edges -> flow -> store; rules is pure and open to all.
"""
