"""How Rasa is run for Kefu: NLU components, input channel, tracker store and fast path.

Python 3.10 and rasa 3.6.21 only; nothing outside `bot/` imports from here.
"""
