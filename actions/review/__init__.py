"""The review: ticked category, message, order and model compared; agree, clarify or human.

`evidence`, `posterior`, `costs`, `decision` and `answer` are pure: no clock, no file, no network.
`settings` reads data/review.yml, `openai_witness` asks a model.
"""
