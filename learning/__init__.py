"""What the desk's conversations teach the bot: candidates for a designer, and a guarded retraining.

`history`, `candidates`, `mistick`, `nearness` and `nlu` are pure; `rows` reads the desk's database,
`decisions` the designer's file; `retrain` puts a new model to the test, `judge` and `best` say
whether it is good enough. `ops/learn.py` wires them together.
"""
