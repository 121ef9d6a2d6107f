"""What the desk's conversations teach the bot: candidates for a designer, and a guarded retraining.

`candidates`, `mistick`, `nlu` and `judge` are pure; `rows` reads the desk's database, `decisions`
the designer's file, `retrain` puts a new model to the test. `ops/learn.py` wires them together.
"""
